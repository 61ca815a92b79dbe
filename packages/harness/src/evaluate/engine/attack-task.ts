import { type Attack, type AttackResult, type Batch, box, type Branch, evaluation, MAIN, type Model, one, type Pass, randomStream, runAttack, type ThreatModel, threatModel } from '@robustjs/core';
import { type Tensor, type Tensor1D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { withZeroGradient } from '../gradient.ts';
import { outputsOf } from '../outputs.ts';
import { isAllowed } from '../recheck.ts';
import type { AttackRef } from './attack-ref.ts';
import type { Task, Workbench } from './task.ts';

/** One attack on some rows. */
export interface AttackArgs {
  readonly attack: AttackRef;
  readonly threat: { readonly norm: string; readonly eps: number };
  /** Name of the stream of random draws under the seed. */
  readonly stream: readonly (string | number)[];
  /** Whose returned inputs to keep besides those of rows that broke: ids. */
  readonly keep?: readonly number[];
  /** Keep the returned inputs of rows that broke. */
  readonly keepBroken?: boolean;
  /** The model has no gradient: attacks get zeros. */
  readonly flat?: boolean;
  /** Aim at the class so many after the label, counted around. */
  readonly target?: number;
  /** Stochastic layers draw the same numbers in every pass. */
  readonly frozen?: boolean;
  /** Attack through this branch, take the last iterate as it is, and judge it on what is deployed. */
  readonly through?: Branch;
  /** Attack this other network, and judge what comes of it on the model. */
  readonly other?: string;
  /** Attack this other network in place of the model. */
  readonly instead?: string;
}

/** What an attack did to the rows of a job. */
export interface AttackRows {
  readonly broken: readonly boolean[];
  /** Class predicted at the returned input, in a forward pass of its own; -1 where an output is not finite. */
  readonly predicted: Int32Array;
  readonly gradientCalls: Int32Array;
  readonly queries: Int32Array;
  /** Whether the returned input differs from the clean one in any bit. */
  readonly changed: readonly boolean[];
  /** Distance of the returned input in the threat model's norm. */
  readonly distances: Float32Array;
  /** Which rows of the job the kept inputs belong to. */
  readonly keptRows: readonly number[];
  /** Kept inputs, one after another. */
  readonly kept: Float32Array;
  /** Returned inputs outside the threat model. */
  readonly violations: number;
  /** Returned inputs on which the attack's verdict and a new forward pass disagree. */
  readonly disagreements: number;
  /** Whether the weights are no longer what they were. */
  readonly weightsMoved: boolean;
}

/**
 * Attacks rows, and looks at what comes back with new eyes: the constraint in plain arithmetic, the class in a forward pass of
 * its own. A returned input that is allowed and misclassified breaks its row, even where the attack did not say so.
 */
export const attackTask: Task<AttackArgs, AttackRows> = {
  name: 'attack',
  async run(given, batch, args) {
    const bench = args.instead === undefined ? given : inPlaceOf(given, given.others[args.instead]!);
    const attack = await bench.attack(args.attack);
    const model = modelFor(bench, args);
    const threat = args.threat.norm === 'box' ? box(model.bounds) : threatModel(args.threat.norm, args.threat.eps);
    const result = await resultOf(attack, { ...bench, model }, batch, args, threat);
    try {
      const { classes } = await outputsOf(modelJudging(bench, args), passOf(bench, 'judge', ...args.stream), result.adversarial);
      const rows = await judgeRows(result, classes, batch, args, { threat, bench });
      return { ...rows, weightsMoved: (await bench.weightsHash()) !== bench.weightsSha256 };
    } finally {
      result.adversarial.dispose();
    }
  },
};

const inPlaceOf = (bench: Workbench, model: Model): Workbench => ({
  ...bench, model, route: { kind: 'one', branch: MAIN }, weightsSha256: null, weightsHash: async () => null,
});

/** An evaluation pass with randomness of this name, for layers that draw. */
export const passOf = ({ route, seed }: Pick<Workbench, 'route' | 'seed'>, ...name: readonly (string | number)[]): Pass => ({
  ...evaluation(route),
  random: randomStream(seed).split('pass', ...name),
});

/** The same model with the same draws in every pass. */
export function frozen(model: Model, seed: number): Model {
  const random = randomStream(seed).split('frozen');
  return { ...model, forward: (inputs, pass) => model.forward(inputs, { ...pass, random }) };
}

function modelFor(bench: Workbench, { flat, frozen: isFrozen }: AttackArgs): Model {
  const model = isFrozen === true ? frozen(bench.model, bench.seed) : bench.model;
  return flat === true ? withZeroGradient(model) : model;
}

const modelJudging = (bench: Workbench, { frozen: isFrozen }: AttackArgs): Model => (isFrozen === true ? frozen(bench.model, bench.seed) : bench.model);

async function resultOf(attack: Attack, bench: Workbench, batch: Batch, args: AttackArgs, threat: ThreatModel): Promise<AttackResult> {
  const { seed, signal } = bench;
  const random = randomStream(seed).split(...args.stream);
  const borrowed = args.through !== undefined || args.other !== undefined;
  const route = args.through === undefined ? bench.route : one(args.through);
  const model = args.other === undefined ? bench.model : bench.others[args.other]!;
  const targets = args.target === undefined ? undefined : await targetsOf(model, batch, args.target, bench);
  try {
    return await runAttack(attack, {
      model,
      inputs: batch.inputs,
      labels: batch.labels,
      ids: batch.ids,
      threat,
      random,
      ...(args.other === undefined && { route }),
      ...(targets && { targets }),
      ...(borrowed && { keep: 'last' }),
      ...(signal && { signal }),
    });
  } finally {
    targets?.dispose();
  }
}

async function targetsOf(model: Model, { inputs, labels }: Batch, offset: number, bench: Workbench): Promise<Tensor1D> {
  const outputs = tidy(() => model.forward(inputs, passOf(bench, 'targets')));
  const classes = outputs.shape[1]!;
  outputs.dispose();
  return tensor1d(Int32Array.from(await labels.data(), (label) => (label + offset) % classes), 'int32');
}

interface Eyes {
  readonly threat: ThreatModel;
  readonly bench: Workbench;
}

async function judgeRows(result: AttackResult, predicted: Int32Array, batch: Batch, args: AttackArgs, { threat, bench }: Eyes): Promise<Omit<AttackRows, 'weightsMoved'>> {
  const [clean, adversarial] = [await valuesOf(batch.inputs), await valuesOf(result.adversarial)];
  const truth = await batch.labels.data();
  const size = clean.length / Math.max(1, batch.ids.length);
  const cut = (values: Float32Array, row: number): Float32Array => values.subarray(row * size, (row + 1) * size);
  const rows = Array.from(batch.ids, (id, row) => {
    const pair = { clean: cut(clean, row), adversarial: cut(adversarial, row) };
    const allowed = isAllowed(pair, threat.norm, threat.eps, bench.model.bounds);
    const misclassified = predicted[row] !== truth[row];
    // Targets are reached or not; what was made on another network or branch was not judged by the attack.
    const claimed = args.through === undefined && args.other === undefined ? result.success[row]! : misclassified;
    const agrees = args.target !== undefined || claimed === misclassified;
    const broken = allowed && (claimed || (args.target === undefined && misclassified));
    const kept = (broken && args.keepBroken === true) || (args.keep ?? []).includes(id);
    return { allowed, agrees, broken, kept, changed: pair.clean.some((value, i) => !Object.is(value, pair.adversarial[i])) };
  });
  const keptRows = rows.flatMap(({ kept }, row) => (kept ? [row] : []));
  const kept = new Float32Array(keptRows.length * size);
  keptRows.forEach((row, place) => kept.set(cut(adversarial, row), place * size));
  return {
    broken: rows.map(({ broken }) => broken),
    predicted,
    gradientCalls: result.gradientCalls,
    queries: result.queries,
    changed: rows.map(({ changed }) => changed),
    distances: result.distances,
    keptRows,
    kept,
    violations: rows.filter(({ allowed }) => !allowed).length,
    disagreements: rows.filter(({ agrees }) => !agrees).length,
  };
}

const valuesOf = async (tensor: Tensor): Promise<Float32Array> => Float32Array.from(await tensor.data());
