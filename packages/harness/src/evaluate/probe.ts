import { checkRoute, evaluation, type Model, randomStream, type Route } from '@robustjs/core';
import { Tensor, tensor } from '@tensorflow/tfjs-core';
import { wrong } from './errors.ts';

/**
 * One forward pass of one example: what the model makes of it before anything costs time.
 *
 * @returns number of classes.
 * @throws RobustError `RJS_EVALUATE_OUTPUT` for anything but logits `[1, K]` with K of 2 or more, `RJS_BRANCH`.
 */
export async function probeClasses(model: Model, route: Route, example: Float32Array): Promise<number> {
  const input = tensor(example, [1, ...model.inputShape], 'float32');
  try {
    checkRoute(route, model.branches, input, false);
    const output = forwardOf(model, route, input);
    try {
      return classesOf(output);
    } finally {
      for (const part of tensorsIn(output)) part.dispose();
    }
  } finally {
    input.dispose();
  }
}

function forwardOf(model: Model, route: Route, input: Tensor): unknown {
  try {
    return model.forward(input, { ...evaluation(route), random: randomStream(0).split('probe') });
  } catch (cause) {
    const got = cause instanceof Error ? `an error: ${cause.message}` : 'an error';
    throw wrong('OUTPUT', `a forward pass of an input of shape [${input.shape.join(', ')}]`, got, 'check inputShape, and that predict takes a whole batch', cause);
  }
}

function classesOf(output: unknown): number {
  if (!isTensor(output)) {
    throw wrong('OUTPUT', 'one tensor of logits', Array.isArray(output) ? `${output.length} outputs` : typeof output, 'pass a function that picks the logits');
  }
  const { shape } = output;
  if (shape.length === 2 && shape[0] === 1 && shape[1] >= 2) return shape[1];
  const one = shape.length === 2 && shape[1] === 1;
  throw wrong(
    'OUTPUT',
    'logits of shape [N, K] with K of 2 or more',
    `[${shape.join(', ')}] for one image`,
    one ? 'one output decides between two classes: let predict return concat([zerosLike(z), z], 1)' : 'let predict return one row of logits an image',
  );
}

// A type guard of our own: instanceof narrows to Tensor<any>.
const isTensor = (value: unknown): value is Tensor => value instanceof Tensor;

function tensorsIn(output: unknown): Tensor[] {
  if (isTensor(output)) return [output];
  return typeof output === 'object' && output !== null ? Object.values(output).flatMap(tensorsIn) : [];
}
