import '@tensorflow/tfjs-backend-cpu';
import type { Batch } from '@robustjs/core';
import { dispose, memory, ready } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { batchCount, batches, memoryDataset, shuffledBatches, subset } from '../src/index.ts';
import { expectCode, range } from './fixtures.ts';

// Example i has the values [i, i + 100] / 255, the label i % 3 and the id 500 + i.
const dataset = memoryDataset({
  id: 'toy',
  split: 'all',
  inputShape: [1, 2, 1],
  classes: 3,
  images: Uint8Array.from(range(10).flatMap((i) => [i, i + 100])),
  labels: range(10).map((i) => i % 3),
  firstId: 500,
});

beforeAll(async () => {
  await ready();
});

interface Plain {
  readonly ids: number[];
  readonly values: number[];
  readonly labels: number[];
  readonly shape: number[];
}

async function collect(stream: AsyncIterable<Batch>): Promise<Plain[]> {
  const all: Plain[] = [];
  for await (const { inputs, labels, ids } of stream) {
    all.push({ ids: [...ids], values: [...(await inputs.data())], labels: [...(await labels.data())], shape: [...inputs.shape] });
    expect([inputs.dtype, labels.dtype]).toEqual(['float32', 'int32']);
    dispose([inputs, labels]);
  }
  return all;
}

describe('batches', () => {
  test('come in order with inputs, labels and ids of the same examples', async () => {
    const before = memory().numTensors;
    const all = await collect(batches(dataset, { batchSize: 4 }));
    expect(all.map(({ shape }) => shape)).toEqual([[4, 1, 2, 1], [4, 1, 2, 1], [2, 1, 2, 1]]);
    expect(all.flatMap(({ ids }) => ids)).toEqual(range(10).map((i) => 500 + i));
    expect(all.flatMap(({ labels }) => labels)).toEqual(range(10).map((i) => i % 3));
    expect(all.flatMap(({ values }) => values)).toEqual(range(10).flatMap((i) => [Math.fround(i / 255), Math.fround((i + 100) / 255)]));
    expect(memory().numTensors).toBe(before);
  });

  test('hold two tensors each, and none after leaving early', async () => {
    const before = memory().numTensors;
    for await (const batch of batches(dataset, { batchSize: 4 })) {
      expect(memory().numTensors).toBe(before + 2);
      dispose([batch.inputs, batch.labels]);
      break;
    }
    expect(memory().numTensors).toBe(before);
  });

  test('dropLast leaves out what does not fill a batch', async () => {
    expect((await collect(batches(dataset, { batchSize: 4, dropLast: true }))).length).toBe(2);
    expect([batchCount(10, { batchSize: 4 }), batchCount(10, { batchSize: 4, dropLast: true }), batchCount(0, { batchSize: 4 })]).toEqual([3, 2, 0]);
  });

  test('read no more rows than asked for', async () => {
    const read: number[] = [];
    const spy = { ...dataset, read: (indices: ArrayLike<number>) => (read.push(indices.length), dataset.read(indices)) };
    for await (const batch of batches(spy, { batchSize: 3 })) {
      dispose([batch.inputs, batch.labels]);
      break;
    }
    expect(read).toEqual([3]);
  });

  test('refuse sizes that are not positive whole numbers, and stop when asked', async () => {
    await expectCode('RJS_DATA_BATCH', () => collect(batches(dataset, { batchSize: 0 })));
    await expectCode('RJS_DATA_BATCH', () => collect(batches(dataset, { batchSize: 2.5 })));
    await expectCode('RJS_DATA_BATCH', () => collect(batches(dataset, { batchSize: 4, start: 4 })));
    await expectCode('RJS_ABORTED', () => collect(batches(dataset, { batchSize: 4, signal: AbortSignal.abort() })));
  });
});

describe('shuffledBatches', () => {
  const options = { batchSize: 4, seed: 3, epoch: 0 };

  test('hold every example once, in an order of their own for each epoch', async () => {
    const first = (await collect(shuffledBatches(dataset, options))).flatMap(({ ids }) => ids);
    const second = (await collect(shuffledBatches(dataset, { ...options, epoch: 1 }))).flatMap(({ ids }) => ids);
    expect([...first].sort((a, b) => a - b)).toEqual(range(10).map((i) => 500 + i));
    expect(second).not.toEqual(first);
    expect((await collect(shuffledBatches(dataset, options))).flatMap(({ ids }) => ids)).toEqual(first);
  });

  test('are the same whatever order the examples are stored in', async () => {
    const reversed = subset(dataset, range(10).reverse());
    expect(await collect(shuffledBatches(reversed, options))).toEqual(await collect(shuffledBatches(dataset, options)));
  });

  test('go on from any batch', async () => {
    const all = await collect(shuffledBatches(dataset, options));
    expect(await collect(shuffledBatches(dataset, { ...options, start: 1 }))).toEqual(all.slice(1));
    expect(await collect(shuffledBatches(dataset, { ...options, start: 3 }))).toEqual([]);
  });
});
