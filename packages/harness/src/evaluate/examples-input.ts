import type { Bounds } from '@robustjs/core';
import { type Dataset, datasetOf } from '@robustjs/datasets';
import { Tensor } from '@tensorflow/tfjs-core';
import { wrong } from './errors.ts';

/** Images of one shape: a tensor `[N, ...inputShape]`, or the same values in a row. */
export type Images = Tensor | Float32Array;

/** One class index an image. */
export type Labels = Tensor | ArrayLike<number>;

/** Images and labels as plain arrays. */
export interface Examples {
  readonly images: Float32Array;
  readonly labels: readonly number[];
  readonly ids: Int32Array;
}

/**
 * Reads images and labels and checks everything that can be checked without the model.
 *
 * @throws RobustError `RJS_EVALUATE_IMAGES`, `RJS_EVALUATE_RANGE`, `RJS_EVALUATE_LABELS`, `RJS_EVALUATE_IDS`.
 */
export async function readExamples(
  images: Images,
  labels: Labels,
  { inputShape, bounds, ids }: { readonly inputShape: readonly number[]; readonly bounds: Bounds; readonly ids?: ArrayLike<number> | undefined },
): Promise<Examples> {
  const count = countOf(images, inputShape);
  const values = images instanceof Tensor ? Float32Array.from(await images.data()) : images;
  checkValues(values, bounds);
  return { images: values, labels: await readLabels(labels, count), ids: idsOf(ids, count) };
}

/**
 * The examples as a data set, once the number of classes is known.
 *
 * @throws RobustError `RJS_EVALUATE_LABELS` for labels that the model has no logit for.
 */
export function datasetOfExamples({ images, labels, ids }: Examples, info: Pick<Dataset, 'id' | 'split' | 'inputShape' | 'classes'>): Dataset {
  checkClasses(labels, info.classes);
  const size = images.length / labels.length;
  const row = (index: number): Float32Array => images.subarray(index * size, (index + 1) * size);
  return datasetOf({
    ...info,
    ids,
    labels: Int32Array.from(labels),
    rows: {
      async read(indices) {
        const values = new Float32Array(indices.length * size);
        indices.forEach((index, i) => values.set(row(index), i * size));
        return values;
      },
      raw: async (index) => new Uint8Array(images.buffer, row(index).byteOffset, size * 4),
    },
  });
}

/** @throws RobustError `RJS_EVALUATE_LABELS`. */
export function checkClasses(labels: ArrayLike<number>, classes: number): void {
  const outside = Array.from(labels).find((label) => label >= classes);
  if (outside === undefined) return;
  const fromOne = outside === classes && !Array.from(labels).includes(0);
  throw wrong(
    'LABELS',
    `labels in 0 … ${classes - 1}, since the model has ${classes} outputs`,
    String(outside),
    fromOne ? 'labels start at 0: subtract 1' : 'check that data and model have the same classes',
  );
}

function countOf(images: Images, inputShape: readonly number[]): number {
  const size = inputShape.reduce((product, length) => product * length, 1);
  const shape = images instanceof Tensor ? images.shape : [images.length / size, ...inputShape];
  if (shape.slice(1).join() !== inputShape.join() || !Number.isInteger(shape[0])) {
    throw wrong(
      'IMAGES',
      `images of shape [N, ${inputShape.join(', ')}]`,
      images instanceof Tensor ? `[${shape.join(', ')}]` : `${images.length} values, not a multiple of ${size}`,
      'reshape or resize them, batch axis first, channels last',
    );
  }
  if (shape[0] === 0) throw wrong('IMAGES', 'at least one image', 'none', 'check what was loaded');
  return shape[0]!;
}

function checkValues(values: Float32Array, [low, high]: Bounds): void {
  let smallest = Infinity;
  let largest = -Infinity;
  for (const [index, value] of values.entries()) {
    if (!Number.isFinite(value)) throw wrong('IMAGES', 'finite values', `${value} at position ${index}`, 'find out where it comes from before evaluating');
    smallest = Math.min(smallest, value);
    largest = Math.max(largest, value);
  }
  if (smallest >= low && largest <= high) return;
  throw wrong('RANGE', `images in [${low}, ${high}]`, `values from ${smallest} to ${largest}`, rangeFix(smallest, largest));
}

function rangeFix(smallest: number, largest: number): string {
  if (smallest >= 0 && largest > 2 && largest <= 255) {
    return 'these look like bytes: divide them by 255, or, if the model wants bytes, pass bounds: [0, 255] and eps in these units';
  }
  return (
    'these look normalized by mean and standard deviation, or scaled to [-1, 1]: pass images in [0, 1] and put the normalization ' +
    'inside the model, (x) => model.predict(normalize(x)), or declare the bounds that the model takes'
  );
}

async function readLabels(labels: Labels, count: number): Promise<number[]> {
  if (labels instanceof Tensor && labels.rank !== 1) throw oneHot(`a tensor of shape [${labels.shape.join(', ')}]`);
  const values = Array.from(labels instanceof Tensor ? await labels.data() : labels);
  if (values.some((label) => typeof label === 'object')) throw oneHot('a list of lists');
  if (values.length !== count) {
    const classes = values.length / count;
    const flat = Number.isInteger(classes) && classes > 1 && values.every((value) => value === 0 || value === 1);
    if (flat) throw oneHot(`${values.length} zeros and ones for ${count} images`);
    throw wrong('LABELS', `${count} labels, one an image`, String(values.length), 'pass as many labels as images, in the same order');
  }
  const bad = values.find((label) => !Number.isInteger(label) || label < 0);
  if (bad !== undefined) throw wrong('LABELS', 'class indices 0, 1, 2, …', String(bad), 'pass whole numbers that start at 0');
  return values;
}

const oneHot = (got: string): Error =>
  wrong('LABELS', 'class indices, one number an image', `${got}, which looks one-hot`, 'pass tf.argMax(labels, 1)');

function idsOf(ids: ArrayLike<number> | undefined, count: number): Int32Array {
  const list = Array.from(ids ?? Array.from({ length: count }, (_, i) => i));
  const valid = list.length === count && new Set(list).size === count && list.every((id) => Number.isInteger(id) && (id | 0) === id);
  if (!valid) throw wrong('IDS', `${count} different whole numbers as ids`, `${list.length} ids, ${new Set(list).size} of them different`, 'number the images, or leave ids out');
  return Int32Array.from(list);
}
