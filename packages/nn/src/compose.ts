import type { Join, Layer, Pass } from '@robustjs/core';
import { clone, keep, type Tensor } from '@tensorflow/tfjs-core';
import { applyWith, computedTogether, follow, type Following, togetherWith } from './following.ts';
import { addJoin, reluLayer } from './shaping.ts';

type Part<T> = Pick<Layer<T>, 'parameters' | 'buffers' | 'branches'>;

const stateOf = <T>(parts: readonly Part<T>[]): Part<T> => {
  const branches = [...new Set(parts.flatMap((part) => part.branches ?? []))];
  return {
    parameters: parts.flatMap((part) => part.parameters),
    buffers: parts.flatMap((part) => part.buffers),
    ...(branches.length > 0 && { branches }),
  };
};

type Step<T> = (value: T, pass: Pass) => T;

/** The same object, whatever flows: what is noted of a layer of tensors is noted of no other. */
const asTensors = (layer: unknown): Layer => layer as Layer;

/** Layers one after the other; without any, the identity. A ReLU is computed with the layer before it where that can be. */
export function sequential<T>(...layers: readonly Layer<T>[]): Layer<T> {
  const steps: Step<T>[] = [];
  for (let i = 0; i < layers.length; i++) {
    const layer = layers[i]!;
    const rectified = togetherWith(layer) !== undefined && (layers[i + 1] as unknown) === reluLayer;
    steps.push(rectified ? ((value, pass) => applyWith(asTensors(layer), value as Tensor, pass, { relu: true }) as T) : (value, pass) => layer.apply(value, pass));
    if (rectified) i++;
  }
  const run = (count: number): Step<T> => (input, pass) => steps.slice(0, count).reduce((value, step) => step(value, pass), input);
  const whole: Layer<T> = { ...stateOf(layers), apply: run(steps.length) };
  const last = layers.at(-1);
  if (last === undefined || togetherWith(last) === undefined) return whole;
  return computedTogether(whole, (input, pass, next) => applyWith(asTensors(last), run(steps.length - 1)(input as T, pass) as Tensor, pass, next));
}

/** A block beside its shortcut, joined: `join(shortcut(x), block(x))`. A plain sum is computed with the block's end where that can be. */
export function residual<T>(shortcut: Layer<T>, block: Layer<T>, join: Join<T>): Layer<T> {
  const state = stateOf([shortcut, block, join]);
  const summed = (join as unknown) === addJoin && togetherWith(block) !== undefined;
  if (!summed) return { ...state, apply: (input, pass) => join.apply(shortcut.apply(input, pass), block.apply(input, pass), pass) };
  const sum = (input: T, pass: Pass, relu: boolean): T =>
    applyWith(asTensors(block), input as Tensor, pass, { plus: shortcut.apply(input, pass) as Tensor, relu }) as T;
  const whole: Layer<T> = { ...state, apply: (input, pass) => sum(input, pass, false) };
  // A sum of three is not computed at once.
  const together = (input: Tensor, pass: Pass, next: Following): Tensor =>
    next.plus === undefined ? sum(input as T, pass, next.relu) as Tensor : follow(sum(input as T, pass, false) as Tensor, next);
  return computedTogether(whole, together);
}

/** Passes its input on: the shortcut of a block that keeps its shape. */
export function identity<T>(): Layer<T> {
  return { parameters: [], buffers: [], apply: (input) => input };
}

/**
 * A layer whose output can be had by name through `pass.taps`; the caller disposes it. Gradients flow through the tapped
 * value.
 */
export function tap<T>(name: string, layer: Layer<T>): Layer<T> {
  return {
    ...layer,
    apply(input, pass) {
      const output = layer.apply(input, pass);
      // Symbols are exported without taps, so what is tapped is a tensor.
      if (pass.taps?.has(name)) pass.taps.set(name, keep(clone(output as Tensor)));
      return output;
    },
  };
}
