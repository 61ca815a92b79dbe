import { type Attack, type Branch, evaluation, type Model, randomStream, type Route, runAttack, type ThreatModel } from '@robustjs/core';
import { type Dataset, readBatch } from '@robustjs/datasets';
import { dispose, type Tensor, tensor1d } from '@tensorflow/tfjs-core';
import { isAllowed } from '../evaluate/recheck.ts';
import type { AttackRecipe } from '../recipe.ts';
import type { Replicas } from '../replicas/index.ts';
import type { QueryAttack } from './attacks.ts';
import { type Gallery, retrievalLost } from './gallery.ts';
import { lookUp } from './plain.ts';

/** A branch under attack: the one deployed, or one that might be. */
export interface Ground {
  readonly model: Model;
  readonly route: Extract<Route, { kind: 'one' }>;
  readonly dataset: Dataset;
  /** Clean embeddings of the data set through the branch. */
  readonly gallery: Gallery;
  readonly batchSize: number;
  readonly seed: number;
  readonly signal?: AbortSignal | undefined;
  /** Threads that share the batches; absent: this one does them in turn. */
  readonly threads?: Pick<Replicas<QueryJob, AttackedQueries>, 'run'> | undefined;
}

/** A batch of queries as data, for another thread. */
export interface QueryJob {
  readonly branch: Branch;
  readonly attack: AttackRecipe;
  /** All that the attack is on, of which its scene is made. */
  readonly queries: Int32Array;
  readonly rows: Int32Array;
  readonly threat: { readonly norm: string; readonly eps: number };
}

/** What an attack did to some queries, in the order asked for. */
export interface AttackedQueries {
  /** Retrieval is lost at the returned input. */
  readonly broken: readonly boolean[];
  readonly gradientCalls: Int32Array;
  readonly queries: Int32Array;
  /** Returned inputs. */
  readonly inputs: readonly Float32Array[];
  /** Their embeddings, from a forward pass of their own. */
  readonly embeddings: readonly Float32Array[];
  /** Gallery row nearest to each, by plain arithmetic. */
  readonly nearest: readonly number[];
  /** Returned inputs outside the threat model. */
  readonly violations: number;
  /** Returned inputs that plain arithmetic judges otherwise than the attack did, ties aside. */
  readonly disagreements: number;
  /** Returned inputs that differ from the clean ones. */
  readonly changed: number;
}

/** Told how many queries of a step are done. */
export type Told = (done: number) => void;

/** An attack on the queries of a ground, batch by batch. */
export interface QueryWork {
  run(rows: Int32Array, threat: ThreatModel): Promise<AttackedQueries>;
  /** Releases what the attack keeps. */
  dispose(): void;
}

/** Prepares an attack; `queries` are their places in the data set, and so in the gallery. */
export function queryWork(ground: Ground, queries: Int32Array, attack: QueryAttack): QueryWork {
  const { threads, route, gallery, dataset, seed } = ground;
  if (threads !== undefined) {
    return { run: (rows, { norm, eps }) => threads.run({ branch: route.branch, attack: attack.recipe, queries, rows, threat: { norm, eps } }), dispose: () => {} };
  }
  const prepared = attack.on({ gallery, ids: dataset.ids, queries, random: randomStream(seed).split('retrieval') });
  return { run: (rows, threat) => attackBatch(ground, rows, prepared.attack, threat), dispose: () => prepared.dispose() };
}

/** Attacks queries in batches, which depend on nothing but their number. */
export async function attackQueries({ batchSize, threads }: Ground, rows: Int32Array, work: QueryWork, threat: ThreatModel, told: Told = () => {}): Promise<AttackedQueries> {
  const batches = Array.from({ length: Math.ceil(rows.length / batchSize) }, (_, i) => rows.slice(i * batchSize, (i + 1) * batchSize));
  let done = 0;
  const attacked = async (batch: Int32Array): Promise<AttackedQueries> => {
    const part = await work.run(batch, threat);
    told((done += batch.length));
    return part;
  };
  if (threads !== undefined) return joined(await Promise.all(batches.map(attacked)));
  const parts: AttackedQueries[] = [];
  for (const batch of batches) parts.push(await attacked(batch));
  return joined(parts);
}

async function attackBatch(ground: Ground, rows: Int32Array, attack: Attack, threat: ThreatModel): Promise<AttackedQueries> {
  const { model, route, dataset, gallery, seed, signal } = ground;
  const { inputs, labels, ids } = await readBatch(dataset, rows);
  const goals = tensor1d(rows, 'int32');
  try {
    const result = await runAttack(attack, {
      model, inputs, ids, labels: goals, threat, route, criterion: retrievalLost(gallery), random: randomStream(seed).split('queries'), ...(signal && { signal }),
    });
    const { adversarial, success, gradientCalls, queries } = result;
    try {
      const [clean, changed, embeddings] = [await rowsOf(inputs), await rowsOf(adversarial), await embeddingsAt(ground, adversarial)];
      const verdicts = embeddings.map((embedding, i) => lookUp(embedding, gallery, rows[i]!));
      return {
        broken: success,
        gradientCalls,
        queries,
        inputs: changed,
        embeddings,
        nearest: verdicts.map(({ nearest }) => nearest),
        violations: changed.filter((row, i) => !isAllowed({ clean: clean[i]!, adversarial: row }, threat.norm, threat.eps, model.bounds)).length,
        disagreements: verdicts.filter(({ lost, tie }, i) => lost !== success[i] && !tie).length,
        changed: changed.filter((row, i) => row.some((value, k) => !Object.is(value, clean[i]![k]))).length,
      };
    } finally {
      adversarial.dispose();
    }
  } finally {
    dispose([inputs, labels, goals]);
  }
}

/** Embeddings of inputs through a ground's branch. */
export async function embeddingsAt({ model, route }: Pick<Ground, 'model' | 'route'>, inputs: Tensor): Promise<Float32Array[]> {
  const outputs = model.forward(inputs, evaluation(route));
  try {
    return await rowsOf(outputs);
  } finally {
    outputs.dispose();
  }
}

async function rowsOf(batch: Tensor): Promise<Float32Array[]> {
  const values = Float32Array.from(await batch.data());
  const size = values.length / Math.max(1, batch.shape[0]);
  return Array.from({ length: batch.shape[0] }, (_, row) => values.subarray(row * size, (row + 1) * size));
}

function joined(parts: readonly AttackedQueries[]): AttackedQueries {
  const sum = (pick: (part: AttackedQueries) => number): number => parts.reduce((total, part) => total + pick(part), 0);
  const ints = (pick: (part: AttackedQueries) => Int32Array): Int32Array => Int32Array.from(parts.flatMap((part) => [...pick(part)]));
  return {
    broken: parts.flatMap(({ broken }) => broken),
    gradientCalls: ints((part) => part.gradientCalls),
    queries: ints((part) => part.queries),
    inputs: parts.flatMap(({ inputs }) => inputs),
    embeddings: parts.flatMap(({ embeddings }) => embeddings),
    nearest: parts.flatMap(({ nearest }) => nearest),
    violations: sum((part) => part.violations),
    disagreements: sum((part) => part.disagreements),
    changed: sum((part) => part.changed),
  };
}
