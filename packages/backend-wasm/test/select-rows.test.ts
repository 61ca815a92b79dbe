import { dispose, engine, getKernel, memory, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { chooseRows as ofAttacks } from '../../attacks/src/rows.ts';
import { chooseRows as ofCore } from '../../core/src/rows.ts';
import { startWasm } from '../src/index.ts';

beforeAll(async () => void (await startWasm()));

const mask = [true, false, true, true, false];

test('is a kernel here', () => expect(getKernel('SelectRows', 'wasm')).toBeDefined());

// Oracle: a plain loop over rows. NaN and infinities travel as they are.
test.each([[[5]], [[5, 1]], [[5, 3]], [[5, 2, 3, 2]]])('takes whole rows of %j', async (shape) => {
  const size = shape.reduce((a, b) => a * b, 1);
  const [a, b] = [1, -1].map((sign) => Float32Array.from({ length: size }, (_, i) => (i === 2 ? NaN : i === 3 ? Infinity : sign * (i + 0.5))));
  const expected = Array.from(a!, (value, i) => (mask[Math.floor((i * 5) / size)] ? value : b![i]!));
  const before = memory().numTensors;
  const given = [tensor(mask, [5], 'bool'), tensor(a!, shape), tensor(b!, shape)] as const;
  for (const choose of [ofAttacks, ofCore]) {
    const got = choose(given[0] as Parameters<typeof choose>[0], given[1], given[2]);
    expect([...(await got.data())]).toEqual(expected);
    dispose(got);
  }
  dispose([...given]);
  expect(memory().numTensors).toBe(before);
});

test('an empty batch stays empty', async () => {
  const [none, rows] = [tensor([], [0], 'bool'), tensor([], [0, 4])];
  const got = engine().runKernel<Tensor>('SelectRows', { mask: none, yes: rows, no: rows });
  expect(got.shape).toEqual([0, 4]);
  dispose([none, rows, got]);
});
