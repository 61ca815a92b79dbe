import { MAIN, one, type Route } from '@robustjs/core';
import { type Dataset, subset } from '@robustjs/datasets';
import { tensor } from '@tensorflow/tfjs-core';
import { passOf } from './engine/attack-task.ts';
import type { Accuracy, Entry, EntryEvaluation } from './entry.ts';
import type { ExampleRecord } from './examples.ts';
import { rowsHash } from './hashes.ts';
import { exampleOrder } from './order.ts';
import { outputsOf } from './outputs.ts';
import { distancesOf, isAllowed } from './recheck.ts';
import { verdictOf } from './sanity/verdict.ts';
import type { StoredEvaluation } from './stored-files.ts';
import { type Evaluable, subjectOf } from './subject.ts';
import { wilson } from './wilson.ts';

/** One thing that a result claims, and whether it holds. */
export interface Verified {
  /** What was looked at, such as `norm`; the budget is part of it where there are several. */
  readonly what: string;
  readonly holds: boolean;
  /** What was found, with numbers. */
  readonly found: string;
}

/** What {@link verifyEvaluation} needs besides the stored result. */
export interface VerifyOptions {
  /** Branch that is deployed. Default: main. */
  readonly route?: Route | undefined;
  /** Another backend may disagree on this share of the examples. Default 0.002, as check S29 allows; 0 on the runtime that evaluated. */
  readonly tolerance?: number;
  /** Examples at a time. Default 100. */
  readonly batchSize?: number;
}

/**
 * Checks a stored result from its adversarial inputs, believing nothing of it: the data and the weights by their hashes, each
 * input's distance and bounds in plain arithmetic, each label against the data, each classification in a forward pass, and
 * every count and interval of the entry from these. It attacks nothing, so it cannot find that an attack was too weak.
 *
 * @param dataset the whole data set that was evaluated.
 */
export async function verifyEvaluation({ entry, examples, adversarial }: StoredEvaluation, evaluable: Evaluable, dataset: Dataset, options: VerifyOptions = {}): Promise<Verified[]> {
  const { route = one(MAIN), tolerance = 0.002, batchSize = 100 } = options;
  const subject = subjectOf(evaluable, {}, dataset.inputShape);
  const verified: Verified[] = [];
  const check = (what: string, holds: boolean, found: string): void => void verified.push({ what, holds, found });

  const order = exampleOrder(dataset).subarray(0, entry.dataset.n);
  const positions = Array.from(order).sort((a, b) => a - b);
  const attacked = new Set(order.subarray(0, entry.evaluations[0]?.robust.n ?? 0));
  checkSources(check, entry, await subject.weightsHash(), await subset(dataset, order).hash());
  const fits = examples.length === positions.length && examples.every(({ index, id, label }, i) => index === positions[i] && id === dataset.ids[index] && label === dataset.labels[index]);
  check('examples', fits, `${examples.length} examples, with the ids and labels of ${fits ? 'the data' : 'other data than these'}`);
  if (!fits || subject.model.inputShape.join() !== dataset.inputShape.join()) return verified;

  const bench = { route: route.kind === 'one' ? route : { kind: 'one' as const, branch: MAIN }, seed: 0 };
  const classesOf = async (values: Float32Array, count: number): Promise<Int32Array> => {
    const size = values.length / Math.max(1, count);
    const classes = new Int32Array(count);
    for (let start = 0; start < count; start += batchSize) {
      const rows = Math.min(batchSize, count - start);
      const inputs = tensor(values.slice(start * size, (start + rows) * size), [rows, ...dataset.inputShape]);
      classes.set((await outputsOf(subject.model, passOf(bench, 'verify'), inputs)).classes, start);
      inputs.dispose();
    }
    return classes;
  };
  const stochastic = entry.model.stochastic;
  const allowance = (n: number): number => (stochastic ? n : Math.floor(tolerance * n));

  const predicted = await classesOf(await dataset.read(positions), positions.length);
  const cleanWrong = examples.filter(({ predicted: said, clean, label }, i) => said !== predicted[i] || clean !== (predicted[i] === label)).length;
  check('clean predictions', cleanWrong <= allowance(examples.length), `${cleanWrong} of ${examples.length} differ from what was recorded`);
  checkAccuracy(check, 'clean accuracy', entry.clean, examples.filter(({ clean }) => clean).length, examples.length, stochastic);

  const rows = examples.filter(({ index }) => attacked.has(index));
  const clean = await dataset.read(rows.map(({ index }) => index));
  for (const [i, evaluation] of entry.evaluations.entries()) {
    const stored = adversarial[i]!;
    const name = (what: string): string => (entry.evaluations.length > 1 ? `${what} at ${evaluation.threat.eps}` : what);
    const values = stored.values instanceof Float32Array ? stored.values : new Float32Array();
    const shaped = values.length === clean.length && stored.shape.join() === [rows.length, ...dataset.inputShape].join();
    check(name('shape'), shaped, `[${stored.shape.join(', ')}], ${shaped ? 'float32' : `not float32 [${[rows.length, ...dataset.inputShape].join(', ')}]`}`);
    if (!shaped) continue;
    check(name('hash'), (await rowsHash(values, rows.map(({ id }) => id))) === evaluation.advSha256, 'SHA-256 of the adversarial inputs');
    const classes = await classesOf(values, rows.length);
    checkInputs((what, holds, found) => check(name(what), holds, found), { rows, i, clean, values, classes, evaluation, bounds: subject.model.bounds, allowance: allowance(rows.length) });
    checkCounts((what, holds, found) => check(name(what), holds, found), rows, i, evaluation, stochastic);
  }
  const verdict = verdictOf(entry.sanity);
  check('verdict', verdict.unreliable === entry.unreliable && verdict.refused === entry.refused, 'what the recorded checks say of the entry as a whole');
  return verified;
}

type Check = (what: string, holds: boolean, found: string) => void;

function checkSources(check: Check, entry: Entry, weights: string | null, data: string): void {
  const seen = entry.model.weightsSha256;
  check('weights', weights === seen, seen === null ? 'the weights could not be seen when it was evaluated' : weights === seen ? 'same hash' : `${weights ?? 'none to be seen'}, not ${seen}`);
  check('data', data === entry.dataset.sha256, data === entry.dataset.sha256 ? 'same hash' : `${data}, not ${entry.dataset.sha256}`);
}

function checkAccuracy(check: Check, what: string, claimed: Accuracy, correct: number, n: number, stochastic: boolean): void {
  const ci95 = wilson(claimed.correct, n);
  const same = claimed.n === n && (claimed.correct === correct || stochastic) && claimed.ci95.every((end, i) => Math.abs(end - ci95[i]!) < 1e-12);
  check(what, same, `${correct} of ${n}, recorded as ${claimed.correct} of ${claimed.n}`);
}

interface Inputs {
  readonly rows: readonly ExampleRecord[];
  readonly i: number;
  readonly clean: Float32Array;
  readonly values: Float32Array;
  readonly classes: Int32Array;
  readonly evaluation: EntryEvaluation;
  readonly bounds: readonly [number, number];
  readonly allowance: number;
}

function checkInputs(check: Check, { rows, i, clean, values, classes, evaluation: { threat }, bounds, allowance }: Inputs): void {
  const size = clean.length / rows.length;
  const cut = (of: Float32Array, row: number): Float32Array => of.subarray(row * size, (row + 1) * size);
  const pairs = rows.map((_, row) => ({ clean: cut(clean, row), adversarial: cut(values, row) }));
  const outside = pairs.filter((pair) => !isAllowed(pair, threat.type, threat.eps, bounds)).length;
  check('norm and bounds', outside === 0 && bounds.join() === threat.box.join(), `${outside} of ${rows.length} inputs outside ${threat.type} ${threat.eps} in [${bounds.join(', ')}]`);
  const moved = rows.filter((row, k) => row.outcomes[i]?.brokenBy === null && pairs[k]!.clean.some((value, j) => !Object.is(value, pairs[k]!.adversarial[j]))).length;
  check('untouched inputs', moved === 0, `${moved} inputs differ from the clean ones although nothing broke them`);
  const standing = rows.filter((row, k) => row.outcomes[i]?.brokenBy !== null && classes[k] === row.label).length;
  check('misclassification', standing <= allowance, `${standing} inputs recorded as broken are classified correctly`);
  const wrong = rows.filter((row, k) => {
    const recorded = row.outcomes[i]?.distances;
    if (recorded === null || recorded === undefined) return false;
    const measured = distancesOf(pairs[k]!.adversarial, pairs[k]!.clean);
    return (['Linf', 'L2', 'L1', 'L0'] as const).some((norm) => Math.abs(recorded[norm] - measured[norm]) > 1e-9 * (1 + measured[norm]));
  }).length;
  check('distances', wrong === 0, `${wrong} inputs lie at other distances than recorded`);
}

function checkCounts(check: Check, rows: readonly ExampleRecord[], i: number, { attacks, robust, threat }: EntryEvaluation, stochastic: boolean): void {
  const outcomes = rows.map(({ clean, outcomes: list }) => ({ clean, ...list[i] }));
  const consistent = outcomes.every(({ clean, robust: stands, brokenBy, eps }) => eps === threat.eps && stands === (clean && brokenBy === null) && (clean || brokenBy === null));
  check('outcomes', consistent, consistent ? 'each example is either wrong at once, broken, or robust' : 'some example is said to be robust and broken');
  checkAccuracy(check, 'robust accuracy', robust, outcomes.filter(({ clean, brokenBy }) => clean && brokenBy === null).length, rows.length, stochastic);
  const correct = outcomes.filter(({ clean }) => clean).length;
  const firsts = (ids: readonly string[]): number => outcomes.filter(({ brokenBy }) => brokenBy !== null && brokenBy !== undefined && ids.includes(brokenBy)).length;
  const broken = attacks.at(-1)?.brokenUnion ?? 0;
  const rising = attacks.every(({ brokenUnion, brokenAlone, rows: ran }, k) => brokenUnion >= (attacks[k - 1]?.brokenUnion ?? 0) && brokenAlone <= ran && ran <= correct && brokenUnion - (attacks[k - 1]?.brokenUnion ?? 0) <= brokenAlone);
  // Attacks of the same name are one where examples name only the first that broke them.
  const named = attacks.every(({ id, brokenUnion }, k) => attacks.slice(k + 1).some((later) => later.id === id) || brokenUnion >= firsts(attacks.slice(0, k + 1).map((attack) => attack.id)));
  const total = firsts(attacks.map(({ id }) => id)) === outcomes.filter(({ brokenBy }) => brokenBy !== null).length && broken === outcomes.filter(({ brokenBy }) => brokenBy !== null).length;
  check('attack counts', rising && named && total, `${broken} broken in all, by ${attacks.map(({ id, brokenUnion }) => `${id} ${brokenUnion}`).join(', ')}`);
}
