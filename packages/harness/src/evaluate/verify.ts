import { MAIN, type Route } from '@robustjs/core';
import { type Dataset, subset } from '@robustjs/datasets';
import type { Entry } from './entry.ts';
import type { ExampleRecord } from './examples.ts';
import { rowsHash } from './hashes.ts';
import { exampleOrder } from './order.ts';
import { verdictOf } from './sanity/verdict.ts';
import type { StoredEvaluation } from './stored-files.ts';
import { type Evaluable, type Subject, subjectOf } from './subject.ts';
import { checkChecks, checksAgain } from './verify/checks-again.ts';
import { checkAccuracy, checkCounts } from './verify/counts.ts';
import { checkInputs } from './verify/inputs.ts';
import { type Ask, asking, otherwiseByChance, recount } from './verify/passes.ts';
import type { Check, Verified } from './verify/verified.ts';

/** What {@link verifyEvaluation} needs besides the stored result. */
export interface VerifyOptions {
  /** Branch that is deployed. Default: main. */
  readonly route?: Route | undefined;
  /** Share of the examples that another backend may see differently. Default 0.002, as check S29 allows. */
  readonly tolerance?: number | undefined;
  /** Examples at a time. Default 100. */
  readonly batchSize?: number | undefined;
}

// A single draw may break a row; the mean over these says what the model does.
const PASSES = 10;

/**
 * Checks a stored result from its adversarial inputs, believing nothing of it: the data and the weights by their hashes, each
 * input's distance and bounds in plain arithmetic, each label against the data, each classification in forward passes of its
 * own, every count and interval of the entry from these, and the checks S02, S03, S05 and S06 by making them again. Whether the
 * model draws random numbers is found out by repeating passes; where it does, counts may differ by chance, and elsewhere by what
 * another backend rounds otherwise. It attacks nothing, so it cannot find that an attack was too weak.
 *
 * @param dataset the whole data set that was evaluated.
 */
export async function verifyEvaluation(stored: StoredEvaluation, evaluable: Evaluable, dataset: Dataset, options: VerifyOptions = {}): Promise<Verified[]> {
  const { entry, examples } = stored;
  const subject = subjectOf(evaluable, {}, dataset.inputShape);
  const verified: Verified[] = [];
  const check: Check = (what, holds, found) => void verified.push({ what, holds, found });
  const order = exampleOrder(dataset).subarray(0, Math.min(dataset.size, entry.dataset.n));
  await checkSources(check, entry, subject, subset(dataset, order));
  if (!checkExamples(check, examples, dataset, order) || !checkShape(check, subject, dataset)) return verified;

  const { batchSize = 100, route } = options;
  const branch = route?.kind === 'one' ? route.branch : MAIN;
  const attackedCount = Math.min(order.length, entry.evaluations[0]?.robust.n ?? 0);
  const again = await checksAgain(entry, { subject, branch, evaluated: subset(dataset, order), attacked: attackedCount, batchSize });
  const stochastic = again.find(({ id }) => id === 'S02')?.status !== 'pass';
  checkChecks(check, entry, again, stochastic);
  const witness: Witness = { ask: asking(subject.model, branch, batchSize), passes: stochastic ? PASSES : 1, tolerance: options.tolerance ?? 0.002 };
  await checkClean(check, stored, dataset, witness);
  const attacked = new Set(order.subarray(0, attackedCount));
  const rows = examples.filter(({ index }) => attacked.has(index));
  for (let i = 0; i < entry.evaluations.length; i++) await checkBudget(check, stored, { i, rows, dataset, subject, ...witness });
  const verdict = verdictOf(entry.sanity);
  check('verdict', verdict.unreliable === entry.unreliable && verdict.refused === entry.refused, 'what the recorded checks say of the entry as a whole');
  return verified;
}

/** Whoever asks the model anew. */
interface Witness {
  readonly ask: Ask;
  /** One for a model that repeats itself. */
  readonly passes: number;
  /** Share of the examples that another backend may see differently. */
  readonly tolerance: number;
}

async function checkSources(check: Check, { model, dataset: claimed }: Entry, subject: Subject, evaluated: Dataset): Promise<void> {
  const [weights, data] = [await subject.weightsHash(), await evaluated.hash()];
  const unseen = model.weightsSha256 === null;
  check('weights', weights === model.weightsSha256, unseen ? 'they could not be seen when it was evaluated' : weights === model.weightsSha256 ? 'same hash' : `${weights ?? 'none to be seen'}, not ${model.weightsSha256}`);
  check('data', data === claimed.sha256 && evaluated.size === claimed.n, data === claimed.sha256 ? 'same hash' : `${data}, not ${claimed.sha256}`);
}

function checkExamples(check: Check, examples: readonly ExampleRecord[], dataset: Dataset, order: Int32Array): boolean {
  const positions = Array.from(order).sort((a, b) => a - b);
  const fits = examples.length === positions.length && examples.every(({ index, id, label }, i) => index === positions[i] && id === dataset.ids[index] && label === dataset.labels[index]);
  check('examples', fits, `${examples.length} examples, with the ids and labels of ${fits ? 'the data' : 'other data than these'}`);
  return fits;
}

function checkShape(check: Check, { model }: Subject, dataset: Dataset): boolean {
  const fits = model.inputShape.join() === dataset.inputShape.join();
  if (!fits) check('model', false, `inputs of shape [${model.inputShape.join(', ')}] for data of [${dataset.inputShape.join(', ')}]`);
  return fits;
}

async function checkClean(check: Check, { entry, examples }: StoredEvaluation, dataset: Dataset, { ask, passes, tolerance }: Witness): Promise<void> {
  const n = examples.length;
  const seen = await ask(await dataset.read(examples.map(({ index }) => index)), n, passes);
  const [{ classes, finite }] = seen as [(typeof seen)[number]];
  const allowed = Math.floor(tolerance * n + otherwiseByChance(seen));
  const wrong = examples.filter(({ predicted: said, clean, label }, i) => said !== classes[i] || clean !== (finite[i]! && said === label)).length;
  check('clean predictions', wrong <= allowed, `${wrong} of ${n} differ from what was recorded`);
  checkAccuracy(check, 'clean accuracy', entry.clean, {
    n, recounted: recount(seen, examples.map(({ label }) => label)), slack: Math.floor(tolerance * n), drawn: entry.protocol.randomized,
    counted: examples.filter(({ clean }) => clean).length,
  });
}

interface Budget extends Witness {
  readonly i: number;
  readonly rows: readonly ExampleRecord[];
  readonly dataset: Dataset;
  readonly subject: Subject;
}

async function checkBudget(all: Check, { entry, adversarial }: StoredEvaluation, { i, rows, dataset, ask, passes, tolerance, subject }: Budget): Promise<void> {
  const evaluation = entry.evaluations[i]!;
  const check: Check = (what, holds, found) => all(entry.evaluations.length > 1 ? `${what} at ${evaluation.threat.eps}` : what, holds, found);
  const { values, shape } = adversarial[i]!;
  const wanted = [rows.length, ...dataset.inputShape].join(', ');
  const shaped = values instanceof Float32Array && shape.join(', ') === wanted;
  check('shape', shaped, shaped ? `[${wanted}], float32` : `[${shape.join(', ')}], not float32 [${wanted}]`);
  const standing = checkCounts(check, rows, i, evaluation);
  if (!shaped) return;
  check('hash', (await rowsHash(values, rows.map(({ id }) => id))) === evaluation.advSha256, 'SHA-256 of the adversarial inputs');
  const clean = await dataset.read(rows.map(({ index }) => index));
  const seen = await ask(values, rows.length, passes);
  const slack = Math.floor(tolerance * rows.length);
  checkAccuracy(check, 'robust accuracy', evaluation.robust, {
    n: rows.length, recounted: recount(seen, rows.map(({ label }) => label)), slack, drawn: entry.protocol.randomized, counted: standing,
    // An attack on a model that draws ends with the first draw that it wins, so without draws of its own the count is a lower bound.
    lower: passes > 1,
  });
  // Of such a model no single input is said to be misclassified.
  checkInputs(check, { rows, i, clean, values, classes: seen[0]!.classes, evaluation, bounds: subject.model.bounds, allowance: passes > 1 ? rows.length : slack });
}
