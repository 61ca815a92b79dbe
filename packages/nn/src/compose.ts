import type { Join, Layer } from '@robustjs/core';
import { clone, keep, type Tensor } from '@tensorflow/tfjs-core';

type Part<T> = Pick<Layer<T>, 'parameters' | 'buffers' | 'branches'>;

const stateOf = <T>(parts: readonly Part<T>[]): Part<T> => {
  const branches = [...new Set(parts.flatMap((part) => part.branches ?? []))];
  return {
    parameters: parts.flatMap((part) => part.parameters),
    buffers: parts.flatMap((part) => part.buffers),
    ...(branches.length > 0 && { branches }),
  };
};

/** Layers one after the other; without any, the identity. */
export function sequential<T>(...layers: readonly Layer<T>[]): Layer<T> {
  return {
    ...stateOf(layers),
    apply: (input, pass) => layers.reduce((value, layer) => layer.apply(value, pass), input),
  };
}

/** A block beside its shortcut, joined: `join(shortcut(x), block(x))`. */
export function residual<T>(shortcut: Layer<T>, block: Layer<T>, join: Join<T>): Layer<T> {
  return {
    ...stateOf([shortcut, block, join]),
    apply: (input, pass) => join.apply(shortcut.apply(input, pass), block.apply(input, pass), pass),
  };
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
