import { type Bounds, type Model, modelOf, RobustError } from '@robustjs/core';
import { type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { digest, readArtifacts } from './artifacts.ts';
import { messageOf, refused } from './errors.ts';
import { filesAt } from './files.ts';
import { functionPredictor, importModule, type PredictModule } from './function.ts';
import { type GradientPath, gradientPath } from './gradient-path.ts';
import { graphPredictor } from './graph.ts';
import { layersPredictor } from './layers.ts';
import { checkPreprocessing, type Preprocessing, preprocess, preprocessingWords } from './preprocessing.ts';
import type { Predictor } from './predictor.ts';
import { checkStraightThrough, straightThrough } from './straight-through.ts';

const MODULE_BYTES = 256 * 2 ** 20;
// More than any image or clip; a damaged file must not take all memory.
const LARGEST_INPUT = 2 ** 26;

/** What {@link openModel} cannot read off a model. */
export interface OpenOptions {
  /** Smallest and largest value of an input before preprocessing; budgets are in these units. Default [0, 1]. */
  readonly bounds?: Bounds;
  /** Shape of one input, where the model leaves a size open. */
  readonly inputShape?: readonly number[];
  /** What is done to an input before the model sees it; it becomes part of the model. */
  readonly preprocessing?: Preprocessing;
  /** Operations whose gradient attacks take to be the identity, such as `Round` (BPDA). */
  readonly straightThrough?: readonly string[];
}

/** A model from elsewhere, ready to be attacked. Whoever opened it calls `model.dispose()`. */
export interface OpenedModel {
  readonly model: Model;
  /** `tf.LayersModel`, `tf.GraphModel` or `function`. */
  readonly architecture: string;
  /** Number of classes. */
  readonly classes: number;
  /** Whether a softmax at its end was left out: its outputs are then the logits before it. */
  readonly softmaxRemoved: boolean;
  /** What its outputs look like; attacks on probabilities lose their gradients. */
  readonly outputs: 'logits' | 'probabilities';
  /** What stands in the way of gradients; absent for a function that is only asked. */
  readonly gradients?: GradientPath;
  /** What is done to an input, in words for a record; `none` where nothing is. */
  readonly preprocessing: string;
  /** Its weights by name; owned by the model. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** SHA-256 of its topology and weights, or of the module's own file (what that imports is not seen); absent for an object. */
  readonly sha256?: string;
}

/**
 * Opens a classifier from elsewhere: a `model.json` of a `tf.LayersModel` or `tf.GraphModel` on a disk or a server, or a module
 * (`.mjs`, `.js`) that exports `predict` and `inputShape`. A runtime must have been started. One forward pass of a grey image shows
 * whether it works.
 *
 * @throws RobustError `RJS_MODEL_FILE`, `RJS_MODEL_FORMAT`, `RJS_MODEL_WEIGHTS`, `RJS_MODEL_SHAPE`, `RJS_MODEL_OUTPUT`,
 * `RJS_MODEL_GRADIENT`, `RJS_MODEL_OPTION`.
 */
export async function openModel(source: string | URL | PredictModule, options: OpenOptions = {}): Promise<OpenedModel> {
  const bounds = checkBounds(options.bounds ?? [0, 1]);
  const { predictor, sha256, differentiable } = await predictorOf(source);
  try {
    await checkWeights(predictor.weights);
    return { ...(await describe(predictor, { ...options, bounds }, differentiable)), ...(sha256 !== undefined && { sha256 }) };
  } catch (error) {
    predictor.dispose();
    throw error;
  }
}

async function predictorOf(source: string | URL | PredictModule): Promise<{ predictor: Predictor; sha256?: string; differentiable: boolean }> {
  if (typeof source === 'object' && !(source instanceof URL)) return { predictor: functionPredictor(source, 'the object'), differentiable: source.differentiable ?? false };
  if (/\.m?js$/.test(String(source))) {
    const module = await importModule(source);
    // Read after it ran, so that a file that is missing or broken is told of in the words of modules.
    const sha256 = await digest(await filesAt(source).main(MODULE_BYTES));
    return { predictor: functionPredictor(module, String(source)), sha256, differentiable: module.differentiable ?? false };
  }
  const files = filesAt(source);
  const { kind, artifacts, sha256 } = await readArtifacts(files);
  const open = kind === 'graph-model' ? graphPredictor : layersPredictor;
  return { predictor: await open(artifacts, files.place), sha256, differentiable: true };
}

/** NaN in a weight makes every number of an evaluation meaningless. */
async function checkWeights(weights: ReadonlyMap<string, Tensor>): Promise<void> {
  for (const [name, weight] of weights) {
    if (weight.dtype !== 'float32') continue;
    const values = await weight.data();
    const wrong = values.findIndex((value) => !Number.isFinite(value));
    if (wrong >= 0) throw refused('WEIGHTS', 'finite weights', `${values[wrong]} in ${name}`, 'the file is damaged, or the training diverged');
  }
}

async function describe(predictor: Predictor, options: OpenOptions & { bounds: Bounds }, differentiable: boolean): Promise<OpenedModel> {
  const { bounds, preprocessing, straightThrough: passed = [] } = options;
  const inputShape = shapeOf(predictor.inputShape, options.inputShape);
  checkPreprocessing(preprocessing, inputShape);
  checkStraightThrough(passed);
  const forward = (x: Tensor): Tensor => tidy(() => straightThrough(passed, () => predictor.predict(preprocess(x, preprocessing))));
  const grey = tensor(new Float32Array(inputShape.reduce((a, b) => a * b, 1)).fill((bounds[0] + bounds[1]) / 2), [1, ...inputShape]);
  try {
    const logits = await tried(forward, grey);
    const gradients = differentiable ? gradientPath(forward, grey) : undefined;
    const model = modelOf(forward, { inputShape, bounds, differentiable: gradients !== undefined && gradients.missing.length === 0 });
    return {
      model: { ...model, dispose: () => predictor.dispose() },
      architecture: predictor.architecture,
      classes: logits.length,
      softmaxRemoved: predictor.softmaxRemoved,
      outputs: areProbabilities(logits) ? 'probabilities' : 'logits',
      ...(gradients && { gradients }),
      preprocessing: preprocessingWords(preprocessing),
      weights: predictor.weights,
    };
  } finally {
    grey.dispose();
  }
}

/** Outputs for one image, with what a user can do where there are none. */
async function tried(forward: (x: Tensor) => Tensor, image: Tensor): Promise<ArrayLike<number>> {
  const output = attempt(forward, image);
  const { shape } = output;
  const values = shape.length === 2 ? await output.data() : [];
  output.dispose();
  if (shape.length !== 2 || shape[0] !== 1 || shape[1] < 2) {
    const fix = shape.length === 2 && shape[1] === 1 ? 'one output decides between two classes: concatenate it with zeros' : 'let it give one row of logits an image';
    throw refused('OUTPUT', 'logits of shape [N, K] with K of 2 or more', `[${shape.join(', ')}] for one image`, fix);
  }
  return values;
}

function attempt(forward: (x: Tensor) => Tensor, image: Tensor): Tensor {
  try {
    return forward(image);
  } catch (cause) {
    if (cause instanceof RobustError) throw cause;
    throw refused('OUTPUT', `outputs for an input of shape [${image.shape.join(', ')}]`, messageOf(cause), 'check the shape of the inputs; graphs with control flow must be wrapped in a function', cause);
  }
}

/** Whether a row looks like the output of a softmax (AutoAttack's rule). */
function areProbabilities(row: ArrayLike<number>): boolean {
  const values = Array.from(row);
  return values.every((value) => value >= -1e-5 && value <= 1 + 1e-5) && Math.abs(values.reduce((a, b) => a + b, 0) - 1) <= 1e-5;
}

function shapeOf(own: readonly (number | null)[] | undefined, given: readonly number[] | undefined): readonly number[] {
  const shape = own?.map((size, axis) => size ?? given?.[axis] ?? null) ?? given;
  const clash = given !== undefined && own !== undefined && (given.length !== own.length || own.some((size, axis) => size !== null && size !== given[axis]));
  const whole = shape?.every((size): size is number => size !== null && Number.isInteger(size) && size > 0);
  if (shape !== undefined && whole && !clash && shape.length > 0) {
    const values = (shape).reduce((a, b) => a * b, 1);
    if (values <= LARGEST_INPUT) return shape;
    throw refused('SHAPE', `inputs of at most ${LARGEST_INPUT} values`, `[${shape.join(', ')}]`, 'the file is damaged, or needs smaller inputs');
  }
  const got = clash ? `[${given.join(', ')}] for a model that takes [${own.map((size) => size ?? '?').join(', ')}]` : `[${(shape ?? []).map((size) => size ?? '?').join(', ')}]`;
  throw refused('SHAPE', 'the shape of one input', got, 'pass inputShape, for example [28, 28, 1]');
}

function checkBounds(bounds: Bounds): Bounds {
  const [low, high] = bounds;
  if (Number.isFinite(low) && Number.isFinite(high) && low < high) return bounds;
  throw refused('OPTION', 'bounds of two finite numbers, the smaller one first', `[${bounds.join(', ')}]`, 'for example [0, 255]');
}
