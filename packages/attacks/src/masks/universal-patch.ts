import { evaluation, type Model, type RandomStream, RobustError, throwIfAborted } from '@robustjs/core';
import { dispose, gather, grad, sum, type Tensor, tensor, type Tensor1D, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { imageAxes } from '../images.ts';
import { checkEqual, checkKnown, checkLength, checkNonNegative, checkScales, checkWhole, type ObjectiveName, objectiveNamed } from '../options.ts';
import { drawPlacement, paste, type PlacementOptions, pullBack, type Sample, samplesOf } from './placement.ts';

/** Options of {@link universalPatch}. */
export interface UniversalPatchOptions extends PlacementOptions {
  /** Pixels along a side of the patch itself. Default 16. */
  readonly size?: number;
  /** Default 500. */
  readonly steps?: number;
  /** Images a step. Default 16. */
  readonly batchSize?: number;
  /** Step size of Adam as a share of the range of values. Default 0.05. */
  readonly alpha?: number | string;
  /** Class to move towards. Default: away from each image's own. */
  readonly target?: number;
  /** Default `'cross-entropy'`. */
  readonly objective?: ObjectiveName;
  /** Stops between steps. */
  readonly signal?: AbortSignal;
}

/** A square of pixels. */
export interface PatchImage {
  /** `[size, size, channels]`, flat. */
  readonly values: Float32Array;
  /** Pixels along a side. */
  readonly size: number;
  readonly channels: number;
}

/** A patch for any image. */
export interface UniversalPatch extends PatchImage {
  /** Mean objective of each step, larger is better for the attacker. */
  readonly objectives: Float32Array;
}

/** Images that a patch is made for. */
export interface PatchData {
  /** Images `[N, H, W, C]` or clips `[N, T, H, W, C]`; in a clip a patch lies at one place in all frames. */
  readonly inputs: Tensor;
  /** Their classes, `[N]` int32. */
  readonly labels: Tensor1D;
}

// Adam's usual constants.
const [BETA1, BETA2, TINY] = [0.9, 0.999, 1e-8];
const KNOWN = ['size', 'steps', 'batchSize', 'alpha', 'target', 'objective', 'signal', 'rotation', 'scales'];

/**
 * One round patch for all images: Adam on the mean objective over images and random placements, rotations and scales. Judge it
 * on images that it has not seen, put there by {@link applyPatch}.
 *
 * Source: Brown et al., 2017, section 2; circle, ranges and steps as in ART.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, `RJS_ATTACK_INPUT` for inputs without space, `RJS_NO_GRADIENT` for
 * a model that only predicts, `RJS_ABORTED` when stopped.
 */
export async function universalPatch(model: Model, data: PatchData, random: RandomStream, options: UniversalPatchOptions = {}): Promise<UniversalPatch> {
  const { size, steps, batchSize, alpha } = checked(model, options);
  const { channels } = imageAxes(data.inputs);
  const [low, high] = model.bounds;
  const total = data.inputs.shape[0];
  const values = Float32Array.from(random.split('start').uniform(size * size * channels), (u) => low + u * (high - low));
  const [first, second] = [new Float64Array(values.length), new Float64Array(values.length)];
  const objectives = new Float32Array(steps);
  for (let step = 0; step < steps; step++) {
    throwIfAborted(options.signal);
    const rows = random.split('batch', step).permutation(total).slice(0, batchSize);
    const { gradient, objective } = await stepGradient(model, data, rows, { values, size, channels }, random.split('place', step), options);
    objectives[step] = objective;
    gradient.forEach((slope, i) => {
      first[i] = BETA1 * first[i]! + (1 - BETA1) * slope;
      second[i] = BETA2 * second[i]! + (1 - BETA2) * slope ** 2;
      const [m, v] = [first[i] / (1 - BETA1 ** (step + 1)), second[i] / (1 - BETA2 ** (step + 1))];
      values[i] = Math.min(high, Math.max(low, values[i]! + (alpha * (high - low) * m) / (Math.sqrt(v) + TINY)));
    });
  }
  return { values, size, channels, objectives };
}

/**
 * Images with a patch on each, at a random placement by the image's id.
 *
 * @returns as many images; the caller disposes.
 * @throws RobustError `RJS_ATTACK_INPUT` for inputs without space, `RJS_ATTACK_OPTION` for a patch of other channels.
 */
export async function applyPatch(patch: PatchImage, inputs: Tensor, ids: ArrayLike<number>, random: RandomStream, options: PlacementOptions = {}): Promise<Tensor> {
  checkPlacement(options);
  return (await pasted(patch, inputs, Array.from(ids, (id) => random.split(id)), options)).images;
}

function checked(model: Model, options: UniversalPatchOptions): { size: number; steps: number; batchSize: number; alpha: number } {
  checkKnown(options, KNOWN);
  checkPlacement(options);
  if (options.target !== undefined) checkWhole('target', options.target, 0);
  if (model.differentiable === false) {
    throw new RobustError('RJS_NO_GRADIENT', { expected: 'a differentiable model, since a patch follows gradients', got: 'one that only predicts', fix: 'make the patch on a differentiable stand-in' });
  }
  return {
    size: checkWhole('size', options.size ?? 16, 1),
    steps: checkWhole('steps', options.steps ?? 500, 1),
    batchSize: checkWhole('batchSize', options.batchSize ?? 16, 1),
    alpha: checkLength('alpha', options.alpha ?? 0.05),
  };
}

function checkPlacement({ rotation = 22.5, scales = [0.1, 1] }: PlacementOptions): void {
  checkNonNegative('rotation', rotation);
  checkScales('scales', scales);
}

/** The gradient of the mean objective with respect to the patch, over these rows at random places. */
async function stepGradient(
  model: Model, data: PatchData, rows: Int32Array, patch: PatchImage, random: RandomStream, options: UniversalPatchOptions,
): Promise<{ gradient: Float64Array; objective: number }> {
  const indices = tensor1d(rows, 'int32');
  const [inputs, labels] = [gather(data.inputs, indices), gather(data.labels, indices)];
  const { images, samples } = await pasted(patch, inputs, Array.from(rows, (row) => random.split(row)), options);
  const goals = options.target === undefined ? labels : tensor1d(Int32Array.from(rows, () => options.target!), 'int32');
  const sign = options.target === undefined ? 1 : -1;
  const objective = objectiveNamed(options.objective ?? 'cross-entropy');
  const value = tidy(() => sum(objective(model.forward(images, evaluation()), goals)));
  const slopes = tidy(() => grad((x: Tensor) => sum(objective(model.forward(x, evaluation()), goals)))(images));
  const [frames, [reached]] = await Promise.all([slopes.data<'float32'>(), value.data()]);
  dispose([indices, inputs, labels, images, goals, value, slopes]);
  const gradient = new Float32Array(patch.values.length);
  forFrames(frames, frameSize(data.inputs), samples, (frame, own) => pullBack(frame, gradient, patch.channels, own));
  return { gradient: Float64Array.from(gradient, (slope) => (sign * slope) / rows.length), objective: (sign * reached!) / rows.length };
}

/** The images with the patch on each, and where it lies. */
async function pasted(
  { values, size, channels }: PatchImage, inputs: Tensor, randoms: readonly RandomStream[], options: PlacementOptions,
): Promise<{ images: Tensor; samples: Sample[][] }> {
  const axes = imageAxes(inputs);
  checkEqual('channels of the patch', channels, axes.channels);
  const space = [axes.height, axes.width] as const;
  const samples = randoms.map((random) => samplesOf(drawPlacement(random, space, options), space, size));
  const pixels = (await inputs.data<'float32'>()).slice();
  forFrames(pixels, frameSize(inputs), samples, (frame, own) => paste(frame, values, channels, own));
  return { images: tensor(pixels, inputs.shape), samples };
}

function frameSize(batch: Tensor): number {
  const { height, width, channels } = imageAxes(batch);
  return height * width * channels;
}

/** Each frame of a batch, of this many values, with the samples of its row. */
function forFrames(batch: Float32Array, size: number, samples: readonly Sample[][], work: (frame: Float32Array, samples: readonly Sample[]) => void): void {
  const frames = batch.length / size;
  for (let frame = 0; frame < frames; frame++) {
    work(batch.subarray(frame * size, (frame + 1) * size), samples[Math.floor((frame * samples.length) / frames)]!);
  }
}
