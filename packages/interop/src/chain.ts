import type { Tensor } from '@tensorflow/tfjs-core';
import type { layers, LayersModel } from '@tensorflow/tfjs-layers';
import { operationOf, type Operation, type Part } from './operations.ts';

type Layer = layers.Layer;

/**
 * A `tf.LayersModel` in evaluation mode as plain operations, where its layers are one chain and all known: tf.layers checks, copies
 * and keeps track of more in each layer than a small convolution costs, and an attack runs it thousands of times. Undefined elsewhere.
 */
export function chainOf(model: LayersModel): Operation | undefined {
  const chain = model.layers.filter((layer) => layer.getClassName() !== 'InputLayer');
  if (!chain.every((layer, i) => follows(layer, chain[i - 1])) || chain.at(-1)?.output !== model.outputs[0]) return undefined;
  const parts = joined(chain.map(partOf));
  const operations = parts.map(operationOf);
  const known = operations.filter((operation) => operation !== undefined);
  if (known.length < operations.length) return undefined;
  return (x) => known.reduce<Tensor>((value, operation) => operation(value), x);
}

/** Whether a layer is used once, on what the layer before it gives; the first one on the input. */
function follows({ inboundNodes }: Layer, before: Layer | undefined): boolean {
  const [node, ...others] = inboundNodes;
  if (node === undefined || others.length > 0 || node.inboundLayers.length !== 1) return false;
  const [from] = node.inboundLayers as [Layer];
  return before === undefined ? from.getClassName() === 'InputLayer' : from === before;
}

const partOf = (layer: Layer): Part => ({
  kind: layer.getClassName(),
  config: layer.getConfig(),
  rank: (layer.input as { readonly rank: number }).rank,
  outputShape: (layer.outputShape as (number | null)[]).slice(1),
  // Read in each call: they may be set, and after dispose there are none.
  weights: () => layer.weights.map((weight) => weight.read()),
});

/** Padding becomes part of the convolution that follows it, and a rectifier of the linear layer before it. */
function joined(parts: readonly Part[]): Part[] {
  const result: Part[] = [];
  for (const part of parts) {
    const before = result.at(-1);
    if (before !== undefined && pads(before, part)) result.splice(-1, 1, { ...part, config: { ...part.config, explicit: before.config['padding'] } });
    else if (before !== undefined && rectifies(before, part)) result.splice(-1, 1, { ...before, config: { ...before.config, activation: 'relu' } });
    else result.push(part);
  }
  return result;
}

const pads = (before: Part, { kind, config }: Part): boolean =>
  before.kind === 'ZeroPadding2D' && before.config['dataFormat'] === 'channelsLast' && kind === 'Conv2D' && config['padding'] === 'valid';

const rectifies = (before: Part, { kind, config }: Part): boolean =>
  ['Conv2D', 'Dense', 'DepthwiseConv2D'].includes(before.kind) && before.config['activation'] === 'linear' && kind === 'Activation' && config['activation'] === 'relu';
