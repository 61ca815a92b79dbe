import { type Bounds, type Model, modelOf } from '@robustjs/core';
import { encodeWeights } from '@robustjs/nn';
import { type Tensor, tidy } from '@tensorflow/tfjs-core';
import { wrong } from './errors.ts';
import { sha256, tensorsHash } from './hashes.ts';

/** Anything with `predict`, such as a `tf.LayersModel` or a `tf.GraphModel`: logits `[N, K]` in evaluation mode. */
export interface Predictor {
  /** Logits `[N, K]` of a batch, in evaluation mode. */
  predict(inputs: Tensor): unknown;
  /** Where it says what inputs it takes; unknown sizes are null or negative. */
  readonly inputs?: readonly { readonly shape?: readonly (number | null)[] | undefined }[];
  /** Its weights, for the check that the evaluation leaves them alone. */
  getWeights?(): readonly Tensor[];
}

/** A model with weights that are no variables of its own, as `openModel` of `@robustjs/interop` gives it. */
export interface WeighedModel {
  readonly model: Model;
  /** Its weights by name. */
  readonly weights: ReadonlyMap<string, Tensor>;
  /** SHA-256 of its files, by which results of another model are told apart. */
  readonly sha256?: string;
}

/** What can be evaluated: a model of ours or an opened one, anything with `predict`, or a function from inputs to logits. */
export type Evaluable = Model | WeighedModel | Predictor | ((inputs: Tensor) => Tensor);

/** A model under evaluation, with what can be seen of its weights. */
export interface Subject {
  readonly model: Model;
  /** Numbers that were trained; 0 where they cannot be seen. */
  readonly parameterCount: number;
  /** SHA-256 of parameters and buffers; null where they cannot be seen. */
  readonly weightsHash: () => Promise<string | null>;
  /** SHA-256 of the files that it comes from, where it comes from some. */
  readonly sha256?: string | undefined;
}

/** What a foreign model is not expected to know about itself. */
export interface InputDeclaration {
  readonly inputShape?: readonly number[] | undefined;
  readonly bounds?: Bounds | undefined;
}

const isModel = (value: object): value is Model => 'forward' in value && 'inputShape' in value && 'bounds' in value;

/**
 * Makes a model of what the caller has.
 *
 * @param fallback shape of one image, where the model leaves a size open.
 * @throws RobustError `RJS_EVALUATE_MODEL`.
 */
export function subjectOf(evaluable: Evaluable, declared: InputDeclaration, fallback?: readonly number[]): Subject {
  if (typeof evaluable === 'function') return seenFromOutside(evaluable, shapeOf(declared.inputShape, fallback), declared.bounds, []);
  if (typeof evaluable !== 'object' || evaluable === null) throw notAModel(String(evaluable));
  if (isModel(evaluable)) return ours(evaluable, declared);
  if ('weights' in evaluable && 'model' in evaluable) {
    return { ...ours(evaluable.model, declared), ...weighed([...evaluable.weights.values()]), sha256: evaluable.sha256 };
  }
  if (typeof evaluable.predict !== 'function') throw notAModel('an object without predict');
  const inputs = evaluable.inputs ?? [];
  if (inputs.length > 1) {
    throw wrong('MODEL', 'a model with one input', `${inputs.length} inputs`, 'pass a function of the images that fills in the others');
  }
  const shape = inputs[0]?.shape?.slice(1).map((size, axis) => (size !== null && size > 0 ? size : (fallback?.[axis] ?? size)));
  return seenFromOutside(predictOf(evaluable), shapeOf(declared.inputShape ?? shape, fallback), declared.bounds, weightsOf(evaluable));
}

function ours(model: Model, { bounds }: InputDeclaration): Subject {
  if (bounds !== undefined && bounds.join() !== model.bounds.join()) {
    throw wrong('OPTION', `the model's own bounds [${model.bounds.join(', ')}]`, `[${bounds.join(', ')}]`, 'leave the option bounds out');
  }
  const variables = [...model.parameters, ...model.buffers];
  return {
    model,
    parameterCount: model.parameters.reduce((count, { variable }) => count + variable.size, 0),
    weightsHash: async () => (variables.length === 0 ? null : sha256(await encodeWeights(model))),
  };
}

function seenFromOutside(
  predict: (inputs: Tensor) => Tensor,
  inputShape: readonly number[],
  bounds: Bounds | undefined,
  weights: readonly Tensor[],
): Subject {
  return {
    model: modelOf((inputs) => tidy(() => predict(inputs)), { inputShape, ...(bounds && { bounds }) }),
    ...weighed(weights),
  };
}

const weighed = (weights: readonly Tensor[]): Pick<Subject, 'parameterCount' | 'weightsHash'> => ({
  parameterCount: weights.reduce((count, weight) => count + weight.size, 0),
  weightsHash: async () => (weights.length === 0 ? null : tensorsHash(weights)),
});

// LayersModel.predict cuts a batch into pieces of 32 unless told otherwise; GraphModel takes no such option.
function predictOf(predictor: Predictor): (inputs: Tensor) => Tensor {
  const withOptions = predictor as { predict(inputs: Tensor, options?: object): unknown };
  const isLayersModel = typeof predictor.getWeights === 'function';
  return (inputs) => (isLayersModel ? withOptions.predict(inputs, { batchSize: Math.max(1, inputs.shape[0]) }) : predictor.predict(inputs)) as Tensor;
}

// A LayersModel gives its weights by a method, a GraphModel as lists by name.
function weightsOf(predictor: Predictor & { readonly weights?: unknown }): readonly Tensor[] {
  if (typeof predictor.getWeights === 'function') return predictor.getWeights();
  const { weights } = predictor;
  return typeof weights === 'object' && weights !== null && !Array.isArray(weights) ? Object.values(weights as Record<string, Tensor[]>).flat() : [];
}

function shapeOf(known: readonly (number | null)[] | undefined, fallback: readonly number[] | undefined): readonly number[] {
  const shape = known ?? fallback;
  if (shape?.every((size): size is number => size !== null && Number.isInteger(size) && size > 0)) return shape;
  throw wrong('MODEL', 'the shape of one input', shape === undefined ? 'none' : `[${shape.join(', ')}]`, 'pass inputShape, for example [28, 28, 1]');
}

const notAModel = (got: string): Error =>
  wrong('MODEL', 'a model, something with predict, or a function from images to logits', got, 'pass the model itself, not a promise or a path');
