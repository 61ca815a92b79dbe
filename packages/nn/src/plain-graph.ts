import type { PlainLayer } from '@robustjs/core';
import { dispose } from '@tensorflow/tfjs-core';
import { channelwiseConv } from './plain-channelwise.ts';

/** What flows through an architecture while its network is written down. */
export interface PlainValue {
  /** Name of the plain layer that gives it. */
  readonly from: string;
  /** Number of its spatial axes. */
  readonly axes: number;
}

/** A plain layer in its place: the layers it takes its inputs from, by name. */
export interface PlacedLayer extends PlainLayer {
  readonly name: string;
  readonly inputs: readonly string[];
}

/** Plain layers as they are written down, one after the other; owns their weights. */
export interface PlainGraph {
  readonly layers: readonly PlacedLayer[];
  readonly input: PlainValue;
  /** Adds layers one after the other, named after the site they come from. */
  chain(plain: readonly PlainLayer[], input: PlainValue, path: string): PlainValue;
  /** Adds a layer of two inputs. */
  merge(plain: PlainLayer, inputs: readonly [PlainValue, PlainValue], path: string): PlainValue;
  /** Releases the weights. */
  dispose(): void;
}

/** A graph with nothing but its input. */
export function plainGraph(inputShape: readonly number[]): PlainGraph {
  const layers: PlacedLayer[] = [];
  const names = new Set(['input']);
  const place = (plain: PlainLayer, inputs: readonly PlainValue[], path: string): PlainValue => {
    const name = freeName(path, names);
    const { axes } = inputs[0]!;
    layers.push({ ...expressible(plain, axes), name, inputs: inputs.map(({ from }) => from) });
    return { from: name, axes: /^(Global|Flatten)/.test(plain.className) ? 0 : axes };
  };
  return {
    layers,
    input: { from: 'input', axes: inputShape.length - 1 },
    chain: (plain, input, path) => plain.reduce((value, layer) => place(layer, [value], path), input),
    merge: place,
    dispose: () => dispose(layers.flatMap(({ weights }) => weights.map(({ value }) => value))),
  };
}

// tf.layers loads batch norm over three spatial axes and throws when it is used.
const expressible = (plain: PlainLayer, axes: number): PlainLayer =>
  plain.className === 'BatchNormalization' && axes === 3 ? channelwiseConv(plain) : plain;

/** A name that tf.layers takes (a slash would be read as part of a weight's name) and no other layer has. */
function freeName(path: string, names: Set<string>): string {
  let name = path.replaceAll(/[^A-Za-z0-9_.-]/g, '_').replace(/^(?![A-Za-z0-9])/, 'layer');
  while (names.has(name)) name += '_';
  names.add(name);
  return name;
}
