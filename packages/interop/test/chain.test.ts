import { expectClose, useWasm } from '@robustjs/testkit';
import { dispose, fill, grad, memory, mul, randomUniform, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { input, layers, type LayersModel, model, sequential } from '@tensorflow/tfjs-layers';
import { describe, expect, it } from 'vitest';
import { chainOf } from '../src/chain.ts';

useWasm();

/** A network whose weights are all drawn, statistics included. */
function drawn(network: LayersModel): LayersModel {
  const weights = network.getWeights().map(({ shape }, i) => randomUniform(shape, 0.1, 0.6, 'float32', i));
  const signed = weights.map((x, i) => tidy(() => (i % 2 === 0 ? mul(x, 1) : mul(x, 0.5))));
  network.setWeights(signed);
  dispose([weights, signed]);
  return network;
}

const chained = (...parts: layers.Layer[]): LayersModel => drawn(sequential({ layers: parts }));
const first = { inputShape: [9, 8, 2] };

const networks: Record<string, () => LayersModel> = {
  'padding before a convolution, a rectifier after it': () =>
    chained(
      layers.zeroPadding2d({ padding: [[1, 2], [0, 1]], ...first }), layers.conv2d({ filters: 3, kernelSize: 3, strides: 2 }), layers.activation({ activation: 'relu' }),
      layers.flatten(), layers.dense({ units: 6, activation: 'tanh' }), layers.dense({ units: 4, useBias: false }), layers.softmax(),
    ),
  'same padding, normalization and pools': () =>
    chained(
      layers.conv2d({ filters: 4, kernelSize: [3, 2], padding: 'same', activation: 'relu', ...first }), layers.batchNormalization(),
      layers.maxPooling2d({ poolSize: 2, padding: 'same' }), layers.dropout({ rate: 0.5 }), layers.depthwiseConv2d({ kernelSize: 2, depthMultiplier: 2, padding: 'same' }),
      layers.activation({ activation: 'sigmoid' }), layers.averagePooling2d({ poolSize: 2, strides: 1 }), layers.globalAveragePooling2d({}), layers.dense({ units: 3 }),
    ),
  'padding that nothing takes, reshaping': () =>
    chained(
      layers.zeroPadding2d({ padding: 1, ...first }), layers.batchNormalization({ epsilon: 0.1 }), layers.reLU(), layers.gaussianNoise({ stddev: 1 }),
      layers.reshape({ targetShape: [10, 11, 2] }), layers.globalMaxPooling2d({}), layers.batchNormalization(), layers.dense({ units: 3, activation: 'elu' }),
    ),
  'a functional chain': () => {
    const x = input({ shape: [9, 8, 2] });
    const hidden = layers.flatten().apply(layers.conv2d({ filters: 2, kernelSize: 3 }).apply(x));
    return drawn(model({ inputs: x, outputs: layers.dense({ units: 3 }).apply(hidden) as typeof x }));
  },
};

const seen = (forward: (x: Tensor) => Tensor, x: Tensor): Tensor[] =>
  tidy(() => {
    const weighted = (input: Tensor): Tensor => {
      const y = forward(input);
      return sum(mul(y, randomUniform(y.shape, -1, 1, 'float32', 3)));
    };
    return [forward(x), grad(weighted)(x)];
  });

// Oracle: tf.layers.
describe('a chain of layers as plain operations', () => {
  it.each(Object.keys(networks))('%s: outputs and input gradients of tf.layers', async (name) => {
    const network = networks[name]!();
    const chain = chainOf(network)!;
    const x = randomUniform([3, 9, 8, 2], 0, 1, 'float32', 7);
    const expected = seen((input) => network.apply(input, { training: false }) as Tensor, x);
    const before = memory().numTensors;
    const got = seen(chain, x);
    expect(memory().numTensors).toBe(before + 2);
    for (const [i, values] of got.entries()) await expectClose(values, expected[i]!, { relative: 1e-6, absolute: 1e-7 });
    dispose([x, got, expected]);
    network.dispose();
  });

  it('reads weights in each call', async () => {
    const network = networks['a functional chain']!();
    const chain = chainOf(network)!;
    const x = randomUniform([2, 9, 8, 2], 0, 1, 'float32', 7);
    const old = tidy(() => chain(x));
    const zeros = network.getWeights().map((weight) => mul(weight, 0));
    network.setWeights(zeros);
    const now = tidy(() => chain(x));
    expect((await old.data()).every((value) => value !== 0)).toBe(true);
    expect([...(await now.data())]).toEqual([0, 0, 0, 0, 0, 0]);
    dispose([x, old, now, zeros]);
    network.dispose();
  });

  // TF.js has no gradient of a normalization that is given no scale or no center. Oracle: the same network with ones and zeros.
  it('has a gradient where a normalization has neither scale nor center', async () => {
    const make = (given: boolean): LayersModel =>
      sequential({ layers: [layers.batchNormalization({ scale: given, center: given, inputShape: [5] }), layers.activation({ activation: 'tanh' })] });
    const [without, ones] = [drawn(make(false)), make(true)];
    const weights = [fill([5], 1), fill([5], 0), ...without.getWeights()];
    ones.setWeights(weights);
    const x = randomUniform([3, 5], 0, 1, 'float32', 7);
    const [got, expected] = [seen(chainOf(without)!, x), seen((input) => ones.apply(input, { training: false }) as Tensor, x)];
    for (const [i, values] of got.entries()) await expectClose(values, expected[i]!, { relative: 1e-6 });
    dispose([x, got, expected, weights.slice(0, 2)]);
    [without, ones].forEach((network) => network.dispose());
  });

  it.each([
    ['a branch', () => {
      const x = input({ shape: [4] });
      const [a, b] = [layers.dense({ units: 3 }).apply(x), layers.dense({ units: 3 }).apply(x)];
      return model({ inputs: x, outputs: layers.add().apply([a, b] as (typeof x)[]) as typeof x });
    }],
    ['a layer used twice', () => {
      const [x, relu] = [input({ shape: [4] }), layers.reLU()];
      return model({ inputs: x, outputs: relu.apply(relu.apply(x)) as typeof x });
    }],
    ['a layer that wraps another', () => {
      const x = input({ shape: [4] });
      return model({ inputs: x, outputs: layers.timeDistributed({ layer: layers.dense({ units: 2 }) }).apply(layers.reshape({ targetShape: [2, 2] }).apply(x)) as typeof x });
    }],
    ['an activation that is not known', () => sequential({ layers: [layers.dense({ units: 2, activation: 'hardSigmoid', inputShape: [3] })] })],
    ['channels first', () => sequential({ layers: [layers.flatten({ dataFormat: 'channelsFirst', inputShape: [2, 3, 4] })] })],
    ['a dense layer over an axis of more than rows', () => sequential({ layers: [layers.dense({ units: 2, inputShape: [3, 4] })] })],
  ] as const)('is left to tf.layers with %s', (_, make) => {
    const network = make();
    expect(chainOf(network)).toBeUndefined();
    network.dispose();
  });
});
