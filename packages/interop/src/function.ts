import { Tensor, tensor2d } from '@tensorflow/tfjs-core';
import { messageOf, refused } from './errors.ts';
import type { Predictor } from './predictor.ts';

/** What a module with a model of any kind exports. */
export interface PredictModule {
  /**
   * Outputs `[N, K]` of a batch `[N, ...inputShape]`, in evaluation mode: a tensor, or plain rows of numbers where the model is none of
   * TF.js; no promise of them.
   */
  readonly predict: (inputs: Tensor) => Tensor | number[][];
  /** Shape of one input, channels last. */
  readonly inputShape: readonly number[];
  /** True: it is made of TF.js operations, so attacks may follow gradients. Default false: it is only asked. */
  readonly differentiable?: boolean;
}

/** Makes a predictor of a module's exports. */
export function functionPredictor(module: PredictModule, place: string): Predictor {
  const { predict, inputShape } = module;
  if (typeof predict !== 'function' || !Array.isArray(inputShape)) {
    throw refused('FORMAT', `a module that exports predict and inputShape in ${place}`, Object.keys(module).join(', ') || 'no exports', 'for example: export const inputShape = [28, 28, 1]; export function predict(inputs) { … }');
  }
  return {
    architecture: 'function',
    softmaxRemoved: false,
    inputShape: [...(inputShape as readonly number[])],
    weights: new Map(),
    predict: (x) => checked(predict(x)),
    dispose: () => {},
  };
}

// A promise would travel on as if it were a tensor.
function checked(output: unknown): Tensor {
  if (isTensor(output)) return output;
  if (Array.isArray(output) && output.every((row) => Array.isArray(row) && row.every((value) => typeof value === 'number'))) return tensor2d(output);
  throw refused('OUTPUT', 'a tensor from predict', output instanceof Promise ? 'a promise' : typeof output, 'return a tensor [N, K], or N rows of K numbers; it can read its inputs with inputs.arraySync()');
}

// A type guard of our own: instanceof narrows to Tensor<any>.
const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;

/** Loads such a module. */
export async function importModule(source: string | URL): Promise<PredictModule> {
  const text = String(source);
  try {
    const { pathToFileURL } = await import('node:url');
    return (await import(text.startsWith('file:') ? text : pathToFileURL(text).href)) as PredictModule;
  } catch (cause) {
    const missing = (cause as { code?: string }).code === 'ERR_MODULE_NOT_FOUND';
    throw refused(missing ? 'FILE' : 'FORMAT', `a module with a model in ${text}`, messageOf(cause).split('\n')[0]!, 'run it with node to see what is wrong', cause);
  }
}
