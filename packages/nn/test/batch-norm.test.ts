import { commitUpdates, dropUpdates, evaluation, type Layer, type Site, type Update } from '@robustjs/core';
import { grads, memory, mul, sum, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { batchNorm } from '../src/index.ts';
import { differences, expectClose, normals, normalTensor, onWasm, read, training } from './support.ts';

onWasm();

const C = 3;
const site: Site = { path: 'norm', role: 'block', stage: 0, block: 0, index: 0, channels: C };

/** A norm whose variables are not at their initial values. */
function seededNorm(): Layer {
  const layer = batchNorm(site);
  [...layer.parameters, ...layer.buffers].forEach(({ variable }, i) => variable.assign(tensor(normals(C, 20 + i).map((v) => 1 + 0.3 * v))));
  return layer;
}

interface Moments {
  readonly mean: number;
  readonly biased: number;
  readonly unbiased: number;
}

/** Mean and variances by channel, as PyTorch's BatchNorm documents them. */
function moments(x: number[]): Moments[] {
  return Array.from({ length: C }, (_, c) => {
    const column = x.filter((_value, i) => i % C === c);
    const mean = column.reduce((a, b) => a + b) / column.length;
    const squares = column.reduce((total, v) => total + (v - mean) ** 2, 0);
    return { mean, biased: squares / column.length, unbiased: squares / (column.length - 1) };
  });
}

const normalized = (x: number[], mean: number[], variance: number[], scale: number[], offset: number[]): number[] =>
  x.map((v, i) => ((v - mean[i % C]!) / Math.sqrt(variance[i % C]! + 1e-5)) * scale[i % C]! + offset[i % C]!);

describe.each([[[6, C]], [[4, 5, C]], [[3, 4, 2, C]], [[2, 3, 2, 2, C]]])('batch norm of %j', (shape) => {
  const x = (): Tensor => tidy(() => mul(normalTensor(shape, 7), 2));

  it('normalizes by the batch in training and records what it saw', () => {
    const layer = seededNorm();
    const input = x();
    const [scale, offset, oldMean, oldVariance] = [...layer.parameters, ...layer.buffers].map(({ variable }) => read(variable));
    const seen = moments(read(input));
    const updates: Update[] = [];
    const before = memory().numTensors;
    const y = tidy(() => layer.apply(input, training(updates)));
    expect(memory().numTensors).toBe(before + 3);
    expectClose(y, normalized(read(input), seen.map((m) => m.mean), seen.map((m) => m.biased), scale!, offset!));
    expect(layer.buffers.map(({ variable }) => read(variable))).toEqual([oldMean, oldVariance]);
    commitUpdates(updates);
    // PyTorch: running = 0.9 * running + 0.1 * batch, with the unbiased variance.
    expectClose(layer.buffers[0]!.variable, seen.map((m, c) => 0.9 * oldMean![c]! + 0.1 * m.mean));
    expectClose(layer.buffers[1]!.variable, seen.map((m, c) => 0.9 * oldVariance![c]! + 0.1 * m.unbiased));
    expect(memory().numTensors).toBe(before + 1);
  });

  it('an empty batch moves no running statistics', () => {
    const layer = seededNorm();
    const updates: Update[] = [];
    const before = memory().numTensors;
    const y = tidy(() => layer.apply(tensor([], [0, ...shape.slice(1)]), training(updates)));
    expect([y.shape, updates.length]).toEqual([[0, ...shape.slice(1)], 0]);
    expect(memory().numTensors).toBe(before + 1);
  });

  it('normalizes by the running statistics in evaluation', () => {
    const layer = seededNorm();
    const input = x();
    const [scale, offset, mean, variance] = [...layer.parameters, ...layer.buffers].map(({ variable: v }) => read(v));
    expectClose(tidy(() => layer.apply(input, evaluation())), normalized(read(input), mean!, variance!, scale!, offset!));
  });

  it('has the gradient of plain loops, through the statistics', () => {
    const layer = seededNorm();
    const [scale, offset] = layer.parameters.map(({ variable }) => read(variable));
    const input = x();
    const weights = normals(input.size, 9);
    const loss = (values: number[], s: number[], o: number[]): number => {
      const m = moments(values);
      const y = normalized(values, m.map((c) => c.mean), m.map((c) => c.biased), s, o);
      return y.reduce((total, v, i) => total + v * weights[i]!, 0);
    };
    const [dx, dscale, doffset] = grads((values: Tensor, s: Tensor, o: Tensor) => {
      void [s, o];
      return sum(mul(layer.apply(values, training()), tensor(weights, shape)));
    })([input, layer.parameters[0]!.variable, layer.parameters[1]!.variable]);
    expectClose(dx!, differences((values) => loss(values, scale!, offset!), read(input)), 1e-4);
    expectClose(dscale!, differences((s) => loss(read(input), s, offset!), scale!), 1e-4);
    expectClose(doffset!, differences((o) => loss(read(input), scale!, o), offset!), 1e-4);
  });
});

it('starts as PyTorch does: scale 1, offset 0, mean 0, variance 1', () => {
  const layer = batchNorm(site);
  expect([...layer.parameters, ...layer.buffers].map(({ name, variable }) => [name, read(variable)])).toEqual([
    ['norm/scale', [1, 1, 1]],
    ['norm/offset', [0, 0, 0]],
    ['norm/mean', [0, 0, 0]],
    ['norm/variance', [1, 1, 1]],
  ]);
  expect(layer.parameters.map(({ variable }) => variable.trainable)).toEqual([true, true]);
  expect(layer.buffers.map(({ variable }) => variable.trainable)).toEqual([false, false]);
});

it('without a sink moves nothing and leaves nothing', () => {
  const layer = seededNorm();
  const input = normalTensor([4, C], 1);
  const was = layer.buffers.map(({ variable }) => read(variable));
  const before = memory().numTensors;
  tidy(() => void layer.apply(input, training()));
  expect(memory().numTensors).toBe(before);
  expect(layer.buffers.map(({ variable }) => read(variable))).toEqual(was);
});

it('dropping the records moves nothing and leaves nothing', () => {
  const layer = seededNorm();
  const input = normalTensor([4, C], 1);
  const was = layer.buffers.map(({ variable }) => read(variable));
  const before = memory().numTensors;
  const updates: Update[] = [];
  tidy(() => void layer.apply(input, training(updates)));
  dropUpdates(updates);
  expect(memory().numTensors).toBe(before);
  expect(layer.buffers.map(({ variable }) => read(variable))).toEqual(was);
});

it('records a variance of zero for a single value, not NaN', () => {
  const updates: Update[] = [];
  tidy(() => batchNorm(site).apply(normalTensor([1, C], 1), training(updates)));
  expect(read(updates[1]!.value)).toEqual([0, 0, 0]);
  dropUpdates(updates);
});
