import { type Attack, evaluation, randomStream, runAttack, threatModel } from '@robustjs/core';
import { gather, tensor1d } from '@tensorflow/tfjs-core';
import type { Reference, ReferenceRecord } from './reference.ts';

/** What an attack of ours did on the images of a reference, checked from outside. */
export interface ReferenceRun {
  /** Right before and after the attack, image by image. */
  readonly stillCorrect: readonly boolean[];
  /** Length of the perturbation by norm, image by image: 0 where the clean image is wrong already, NaN where nothing broke it. */
  readonly norms: readonly number[];
}

/** How {@link attackReference} attacks. */
export interface ReferenceRunOptions {
  /** `Linf`, `L2` or `L1`. */
  readonly norm: string;
  /** Default: no budget, for attacks that look for the nearest adversarial input. */
  readonly eps?: number;
  /** Default 0. */
  readonly seed?: number;
}

/**
 * Attacks the images that the network gets right. What comes back is believed only after its norm, its box and, on a
 * forward pass of its own, its class have been computed again in plain arithmetic.
 *
 * @throws Error naming the image and what does not hold.
 */
export async function attackReference(reference: Reference, attack: Attack, { norm, eps = Infinity, seed = 0 }: ReferenceRunOptions): Promise<ReferenceRun> {
  const { model, ids } = reference;
  const [clean, labels] = await Promise.all([reference.inputs.data(), reference.labels.data()]);
  const right = ids.filter((i) => largest(reference.logits[i]!) === labels[i]);
  const places = tensor1d(right, 'int32');
  const [inputs, goals] = [gather(reference.inputs, places), gather(reference.labels, places)];
  const { adversarial, success } = await runAttack(attack, { model, inputs, labels: goals, ids: right, threat: threatModel(norm, eps), random: randomStream(seed) });
  const outputs = model.forward(adversarial, evaluation());
  const [found, logits] = await Promise.all([adversarial.data(), outputs.data()]);
  [places, inputs, goals, adversarial, outputs].forEach((x) => x.dispose());

  const stillCorrect = Array<boolean>(ids.length).fill(false);
  const norms = Array<number>(ids.length).fill(0);
  const [size, classes] = [clean.length / ids.length, logits.length / Math.max(1, right.length)];
  right.forEach((image, row) => {
    stillCorrect[image] = !success[row];
    norms[image] = NaN;
    const moved = found.subarray(row * size, (row + 1) * size);
    const length = lengthOf(moved.map((value, i) => value - clean[image * size + i]!), norm);
    if (!(length <= eps * (1 + 1e-5) + 1e-6)) throw new Error(`image ${image}: ${norm} ${length} exceeds ${eps}`);
    if (!moved.every((value) => value >= 0 && value <= 1)) throw new Error(`image ${image}: leaves the box`);
    if (!success[row]) return;
    norms[image] = length;
    const predicted = largest(logits.subarray(row * classes, (row + 1) * classes));
    if (predicted === labels[image]) throw new Error(`image ${image}: called broken, but its class is still ${predicted}`);
  });
  return { stillCorrect, norms };
}

/** Ours beside a library's. */
export interface ReferenceComparison {
  /** Images still right. */
  readonly robust: { readonly theirs: number; readonly ours: number };
  /** Images still right under ours that theirs broke. */
  readonly missed: readonly number[];
  /** Median norm over the images that theirs broke; what ours did not break counts as infinitely far. */
  readonly medianNorm?: { readonly theirs: number; readonly ours: number };
}

/** Compares a run of ours with a record, over the images that the run covers. */
export function compareWithRecord(record: ReferenceRecord, run: ReferenceRun): ReferenceComparison {
  const images = run.stillCorrect.map((_, i) => i);
  const count = (flags: readonly boolean[]): number => images.filter((i) => flags[i]).length;
  // Images that were wrong to begin with have norm 0 in ours.
  const broken = images.filter((i) => !record.stillCorrect[i] && run.norms[i] !== 0);
  return {
    robust: { theirs: count(record.stillCorrect), ours: count(run.stillCorrect) },
    missed: images.filter((i) => run.stillCorrect[i] && !record.stillCorrect[i]),
    ...(record.norms !== undefined && broken.length > 0 && {
      medianNorm: { theirs: median(broken.map((i) => record.norms![i]!)), ours: median(broken.map((i) => (Number.isNaN(run.norms[i]!) ? Infinity : run.norms[i]!))) },
    }),
  };
}

function lengthOf(perturbation: ArrayLike<number>, norm: string): number {
  const magnitudes = Array.from(perturbation, Math.abs);
  if (norm === 'Linf') return magnitudes.reduce((a, b) => Math.max(a, b), 0);
  if (norm === 'L2') return Math.sqrt(magnitudes.reduce((sum, value) => sum + value * value, 0));
  return magnitudes.reduce((sum, value) => sum + value, 0);
}

const largest = (scores: ArrayLike<number>): number => Array.from(scores).reduce((best, score, k, all) => (score > all[best]! ? k : best), 0);

function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length / 2;
  return sorted.length % 2 === 1 ? sorted[Math.floor(middle)]! : (sorted[middle - 1]! + sorted[middle]!) / 2;
}
