import { div, mul, sub, type Tensor } from '@tensorflow/tfjs-core';
import { refused } from './errors.ts';

/** What is done to every input value before a model sees it: `(scale * x - mean) / std`. */
export interface Preprocessing {
  /** Factor on the input, such as 1/255 for inputs in [0, 255]. Default 1. */
  readonly scale?: number;
  /** Subtracted after scaling: one number, or one a channel. Default 0. */
  readonly mean?: number | readonly number[];
  /** Divided by at the end: one number, or one a channel. Default 1. */
  readonly std?: number | readonly number[];
}

/** The input as the model sees it. */
export function preprocess(x: Tensor, { scale = 1, mean = 0, std = 1 }: Preprocessing = {}): Tensor {
  const scaled = scale === 1 ? x : mul(x, scale);
  const centered = mean === 0 ? scaled : sub(scaled, mean as number | number[]);
  return std === 1 ? centered : div(centered, std as number | number[]);
}

/**
 * Checks the numbers against the channels of an input.
 *
 * @throws RobustError `RJS_MODEL_OPTION`.
 */
export function checkPreprocessing(preprocessing: Preprocessing | undefined, inputShape: readonly number[]): void {
  const { scale = 1, mean = 0, std = 1 } = preprocessing ?? {};
  const channels = inputShape.at(-1)!;
  for (const [name, value] of Object.entries({ scale: [scale], mean: [mean].flat(), std: [std].flat() })) {
    const fits = value.length === 1 || value.length === channels;
    const usable = value.every((number) => Number.isFinite(number) && (name === 'mean' || number > 0));
    if (!fits || !usable) throw refused('OPTION', `${name} as one finite number, or one for each of ${channels} channels${name === 'mean' ? '' : ', above zero'}`, `[${value.join(', ')}]`, 'pass what the model was trained with');
  }
}

/** The same in words, for records. */
export function preprocessingWords({ scale = 1, mean = 0, std = 1 }: Preprocessing = {}): string {
  if (scale === 1 && mean === 0 && std === 1) return 'none';
  const words = (value: number | readonly number[]): string => (typeof value === 'number' ? String(value) : `[${value.join(', ')}]`);
  return `(${words(scale)} * x - ${words(mean)}) / ${words(std)}`;
}
