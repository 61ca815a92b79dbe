import { MAIN, type Route } from '@robustjs/core';
import { type Dataset, subset } from '@robustjs/datasets';
import type { Entry } from './entry.ts';
import type { ExampleRecord } from './examples.ts';
import { rowsHash } from './hashes.ts';
import { exampleOrder } from './order.ts';
import { verdictOf } from './sanity/verdict.ts';
import type { StoredEvaluation } from './stored-files.ts';
import { type Evaluable, type Subject, subjectOf } from './subject.ts';
import { classifier, type Classify } from './verify/classify.ts';
import { checkAccuracy, checkCounts } from './verify/counts.ts';
import { checkInputs } from './verify/inputs.ts';
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

/**
 * Checks a stored result from its adversarial inputs, believing nothing of it: the data and the weights by their hashes, each
 * input's distance and bounds in plain arithmetic, each label against the data, each classification in a forward pass, and
 * every count and interval of the entry from these. It attacks nothing, so it cannot find that an attack was too weak.
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

  const branch = options.route?.kind === 'one' ? options.route.branch : MAIN;
  const classify = classifier(subject.model, branch, options.batchSize ?? 100);
  await checkClean(check, stored, dataset, classify, options);
  const attacked = new Set(order.subarray(0, entry.evaluations[0]?.robust.n ?? 0));
  const rows = examples.filter(({ index }) => attacked.has(index));
  for (let i = 0; i < entry.evaluations.length; i++) await checkBudget(check, stored, { i, rows, dataset, classify, subject, options });
  const verdict = verdictOf(entry.sanity);
  check('verdict', verdict.unreliable === entry.unreliable && verdict.refused === entry.refused, 'what the recorded checks say of the entry as a whole');
  return verified;
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

// A model that draws random numbers may say anything; elsewhere a backend may round otherwise.
const allowance = (n: number, { model }: Entry, { tolerance = 0.002 }: VerifyOptions): number => (model.stochastic ? n : Math.floor(tolerance * n));

async function checkClean(check: Check, { entry, examples }: StoredEvaluation, dataset: Dataset, classify: Classify, options: VerifyOptions): Promise<void> {
  const predicted = await classify(await dataset.read(examples.map(({ index }) => index)), examples.length);
  const wrong = examples.filter(({ predicted: said, clean, label }, i) => said !== predicted[i] || (clean && predicted[i] !== label)).length;
  check('clean predictions', wrong <= allowance(examples.length, entry, options), `${wrong} of ${examples.length} differ from what was recorded`);
  checkAccuracy(check, 'clean accuracy', entry.clean, examples.filter(({ clean }) => clean).length, examples.length);
}

interface Budget {
  readonly i: number;
  readonly rows: readonly ExampleRecord[];
  readonly dataset: Dataset;
  readonly classify: Classify;
  readonly subject: Subject;
  readonly options: VerifyOptions;
}

async function checkBudget(all: Check, { entry, adversarial }: StoredEvaluation, { i, rows, dataset, classify, subject, options }: Budget): Promise<void> {
  const evaluation = entry.evaluations[i]!;
  const check: Check = (what, holds, found) => all(entry.evaluations.length > 1 ? `${what} at ${evaluation.threat.eps}` : what, holds, found);
  const { values, shape } = adversarial[i]!;
  const wanted = [rows.length, ...dataset.inputShape].join(', ');
  const shaped = values instanceof Float32Array && shape.join(', ') === wanted;
  check('shape', shaped, shaped ? `[${wanted}], float32` : `[${shape.join(', ')}], not float32 [${wanted}]`);
  checkCounts(check, rows, i, evaluation);
  if (!shaped) return;
  check('hash', (await rowsHash(values, rows.map(({ id }) => id))) === evaluation.advSha256, 'SHA-256 of the adversarial inputs');
  const clean = await dataset.read(rows.map(({ index }) => index));
  const classes = await classify(values, rows.length);
  checkInputs(check, { rows, i, clean, values, classes, evaluation, bounds: subject.model.bounds, allowance: allowance(rows.length, entry, options) });
}
