import type { io, Tensor } from '@tensorflow/tfjs-core';
import type { PlacedLayer } from './plain-graph.ts';

/** A graph of plain layers as `tf.loadLayersModel` reads it. The weights are copied. */
export async function artifactsOf(inputShape: readonly number[], layers: readonly PlacedLayer[], output: string): Promise<io.ModelArtifacts> {
  const weights = layers.flatMap((layer) => layer.weights.map(({ name, value }) => ({ name: `${layer.name}/${name}`, value })));
  return {
    format: 'layers-model',
    generatedBy: 'RobustJS',
    convertedBy: null,
    modelTopology: {
      class_name: 'Model',
      config: {
        name: 'network',
        layers: [inputEntry(inputShape), ...layers.map(layerEntry)],
        input_layers: [['input', 0, 0]],
        output_layers: [[output, 0, 0]],
      },
    },
    weightSpecs: weights.map(({ name, value }) => ({ name, shape: value.shape, dtype: 'float32' })),
    weightData: await joinedValues(weights.map(({ value }) => value)),
  };
}

const inputEntry = (inputShape: readonly number[]): object => ({
  class_name: 'InputLayer',
  name: 'input',
  config: { batch_input_shape: [null, ...inputShape], dtype: 'float32', sparse: false, name: 'input' },
  inbound_nodes: [],
});

const layerEntry = ({ className, config, name, inputs }: PlacedLayer): object => ({
  class_name: className,
  name,
  config: { ...config, name, trainable: true },
  inbound_nodes: [inputs.map((from) => [from, 0, 0, {}])],
});

async function joinedValues(tensors: readonly Tensor[]): Promise<ArrayBuffer> {
  const all = new Float32Array(tensors.reduce((size, x) => size + x.size, 0));
  let offset = 0;
  for (const x of tensors) {
    all.set(await x.data(), offset);
    offset += x.size;
  }
  return all.buffer;
}
