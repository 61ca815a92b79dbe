// Oracle: the same objectives in ordinary operations, with the gradients that TF.js's tape gives.
import type { Objective } from '@robustjs/core';
import { getKernel, grads, mul, sum, type Tensor, tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { marginObjective, targetedDlrObjective } from '../../attacks/src/index.ts';
import { lead } from '../../attacks/src/planes.ts';
import { startWasm } from '../src/index.ts';
import { expectComposition, expectSecondOrder, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const KERNELS = ['LogitMargin', 'LogitMarginGrad', 'ClassLead', 'ClassLeadGrad'];

test.each(KERNELS)('%s is a kernel here', (name) => expect(getKernel(name, 'wasm')).toBeDefined());

const classes = (count: number, rows: number, step: number): Tensor1D => tensor(Int32Array.from({ length: rows }, (_, row) => (row * step + 1) % count), [rows], 'int32');

const OBJECTIVES: readonly [string, (count: number, rows: number) => Objective][] = [
  ['the margin', () => marginObjective],
  ['the targeted ratio', (count, rows) => targetedDlrObjective(classes(count, rows, 3))],
  ["a class's lead", (count, rows) => lead(classes(count, rows, 3))],
];

/** The objective of these logits and its gradient, for an output gradient that differs from row to row. */
const both = (make: (count: number, rows: number) => Objective, logits: () => Tensor) => (): Tensor[] => {
  const z = logits();
  const [rows, count] = z.shape as [number, number];
  const [objective, labels] = [make(count, rows), classes(count, rows, 1)];
  const f = (at: Tensor): Tensor => objective(at, labels);
  return [f(z), ...grads(f)([z], values([rows], 9))];
};

describe.each(OBJECTIVES)('%s', (_, make) => {
  test.each([[7, 10], [1, 10], [5, 2], [5, 3], [6, 4], [3, 1000]])('%d rows of %d classes', async (rows, count) => {
    await expectComposition(KERNELS, both(make, () => mul(values([rows, count], 1), 20)));
  });

  test('no rows', async () => {
    const got = await on('wasm', both(make, () => tensor([], [0, 5])));
    expect(got.map(({ length }) => length)).toEqual([0, 0]);
  });

  test('logits that are equal', async () => {
    await expectComposition(KERNELS, both(make, () => tensor([1, 1, 1, 1, 2, 2, 1, 1, -1, 3, 3, 3, 0, 0, 0, 5], [4, 4])));
  });

  test.each([Number.NaN, Infinity, -Infinity])('a logit of %d makes the value NaN, in its row alone', async (bad) => {
    for (const place of [0, 4]) {
      const logits = (): Tensor => tensor([3, 1, 2, 0, -1, 5, 4].map((z, k) => (k === place ? bad : z)).concat([3, 1, 2, 0, -1, 5, 4]), [2, 7]);
      const [got] = await expectComposition(KERNELS, () => both(make, logits)().slice(0, 1));
      expect([...got!].map(Number.isNaN)).toEqual([true, false]);
    }
  });
});

// Recorded twice, these are composed of operations that have second derivatives.
test.each(OBJECTIVES.slice(1))('%s has second derivatives', async (_, make) => {
  await expectSecondOrder((z) => make(5, 3)(mul(z, z), classes(5, 3, 1)), () => [values([3, 5], 4)], 2e-2);
});

test('a sum over rows gives each its own gradient', async () => {
  const [gradient] = await on('wasm', () => grads((z: Tensor) => sum(marginObjective(z, classes(3, 2, 1))))([tensor([1, 2, 4, 0, 3, 1], [2, 3])]));
  expect([...gradient!]).toEqual([0, -1, 1, 0, 1, -1]);
});
