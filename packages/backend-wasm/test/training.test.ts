import {
  add, backend, conv2d, dispose, logSoftmax, matMul, mean, memory, mul, neg, oneHot, relu, reshape, scalar, sub, sum, type Tensor, type Tensor4D,
  tensor1d, tidy, type Variable, variable, variableGrads, type Scalar,
} from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { beforeAll, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { expectSame, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const BATCH = 8;

function crossEntropy(x: Tensor, [first, second, dense]: readonly Variable[], labels: Tensor): Scalar {
  const a = relu(conv2d(x as Tensor4D, first as Variable as never, 1, 'same'));
  const b = relu(conv2d(a, second as Variable as never, 2, 'same'));
  const logits = matMul(reshape(b, [BATCH, -1]), dense!);
  return neg(mean(sum(mul(logSoftmax(logits), labels), -1)));
}

async function descend(x: Tensor, parameters: readonly Variable[], labels: Tensor): Promise<number> {
  const { value, grads } = variableGrads(() => crossEntropy(x, parameters, labels), [...parameters]);
  for (const parameter of parameters) {
    const next = tidy(() => sub(parameter, mul(grads[parameter.name]!, 0.1)));
    parameter.assign(next);
    next.dispose();
  }
  const [loss] = await value.data();
  dispose([value, grads]);
  return loss!;
}

test('1000 training steps learn, keep the number of tensors, and do not grow the heap after the first', async () => {
  const x = values([BATCH, 12, 12, 1], 1);
  const labels = tidy(() => oneHot(tensor1d([0, 1, 2, 3, 4, 0, 1, 2], 'int32'), 5));
  const parameters = [[3, 3, 1, 8], [3, 3, 8, 8], [6 * 6 * 8, 5]].map((shape, i) => {
    const scaled = tidy(() => mul(values(shape, i + 2), 0.2));
    const made = variable(scaled);
    scaled.dispose();
    return made;
  });
  const heap = (): number => (backend() as BackendWasm & { wasm: { HEAPU8: Uint8Array } }).wasm.HEAPU8.byteLength;
  const firstLoss = await descend(x, parameters, labels);
  const [tensors, size] = [memory().numTensors, heap()];
  let loss = firstLoss;
  for (let i = 0; i < 1000; i++) loss = await descend(x, parameters, labels);
  expect(memory().numTensors).toBe(tensors);
  expect(heap()).toBe(size);
  expect(loss).toBeLessThan(0.1 * firstLoss);
  dispose([x, labels, ...parameters]);
});

test('tf.layers.conv2d has input and weight gradients, equal to those on the cpu backend', async () => {
  await expectSame(() => {
    const model = sequential({
      layers: [
        layers.conv2d({ inputShape: [7, 7, 2], filters: 3, kernelSize: 3, strides: 2, activation: 'relu' }),
        layers.depthwiseConv2d({ kernelSize: 3, padding: 'same' }),
        layers.flatten(),
        layers.dense({ units: 4 }),
      ],
    });
    model.setWeights(model.getWeights().map((weight, i) => add(values(weight.shape, i), scalar(0.1))));
    const x = variable(values([2, 7, 7, 2], 9));
    const trained = model.trainableWeights.map((weight) => weight.read() as Variable);
    const { grads } = variableGrads(() => sum(mul(model.apply(x) as Tensor, values([2, 4], 8))), [x, ...trained]);
    const results = [x, ...trained].map((v) => grads[v.name]!);
    model.dispose();
    x.dispose();
    return results;
  }, [1e-4]);
});
