// Oracle: the same judgement in ordinary operations.
import { l2, linf, type ThreatModel } from '@robustjs/core';
import { add, cast, dispose, getKernel, greater, mul, slice, tensor, type Tensor, type Tensor1D } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { improve, type Rows, verdicts } from '../../core/src/judge.ts';
import { startWasm } from '../src/index.ts';
import { expectComposition, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const KERNELS = ['JudgeRows', 'JudgeOutputs', 'LinfDistance', 'L2Distance', 'SelectRows'];
const SPECIAL = [Number.NaN, Infinity, -Infinity];

test.each(KERNELS)('%s is a kernel here', (name) => expect(getKernel(name, 'wasm')).toBeDefined());

const bools = (held: readonly boolean[]): Tensor1D => tensor(held.map(Number), [held.length], 'bool');
const numbers = (held: readonly number[]): Tensor1D => tensor([...held], [held.length], 'float32');

/** One row for each way in which five flags can fall, with objectives and distances that are sometimes larger than those kept. */
function judged(threat: ThreatModel, size: number, bad?: number): () => Tensor[] {
  const all = Array.from({ length: 32 }, (_, row) => row);
  const flag = (bit: number): boolean[] => all.map((row) => Math.floor(row / 2 ** bit) % 2 === 1);
  return () => {
    const clean = add(mul(values([32, size], 1), 0.3), 0.5);
    // Every fourth row leaves the ball, some of them the box.
    const reach = tensor(all.map((row) => (row % 4 === 3 ? 0.9 : 0.02)), [32, 1]);
    const moved = add(clean, mul(values([32, size], 2), reach)).bufferSync();
    if (bad !== undefined) moved.set(bad, 5, size - 1);
    const objective = [...all.map((row) => Math.sin(row))];
    if (bad !== undefined) objective[6] = bad;
    const rows: Rows = {
      clean, goals: cast(numbers(all), 'int32'), best: add(clean, 0.001), values: numbers(all.map((row) => Math.cos(3 * row))),
      distances: numbers(all.map((row) => (row % 3 === 0 ? Infinity : 0.01))), success: bools(flag(0)), rejected: cast(numbers(all), 'int32'),
    };
    const proposal = { inputs: moved.toTensor(), finite: bools(flag(1)), values: numbers(objective), adversarial: bools(flag(2)) };
    const { best, values: kept, distances, success, rejected } = improve(rows, proposal, { threat, bounds: [0, 1], criterion: () => rows.success });
    return [best, kept, distances, success, rejected];
  };
}

describe.each([['Linf', linf(0.05)], ['L2', l2(0.05)], ['nearest', linf(Infinity)]])('%s', (_, threat) => {
  test.each([1, 3, 4, 19])('rows of %d values', async (size) => {
    const [, , , success, rejected] = await expectComposition(KERNELS, judged(threat, size));
    expect(new Set(success)).toEqual(new Set([0, 1]));
    expect(rejected!.some((count, row) => count > row)).toBe(true);
  });
  test.each(SPECIAL)('%d in inputs and objectives', async (bad) => {
    const [best, , , , rejected] = await expectComposition(KERNELS, judged(threat, 7, bad));
    expect(best!.every(Number.isFinite)).toBe(true);
    expect(rejected![5]).toBe(6);
  });
});

test('outputs that are not finite are adversarial but where there are targets', async () => {
  const outputs = (): Tensor => tensor([1, 2, 3, Number.NaN, 0, 1, Infinity, 0, 0, -Infinity, Infinity, 0, -1, -2, -3, 3e38, 3e38, 3e38], [6, 3]);
  const holds = (): Tensor1D => bools([true, true, false, true, false, true]);
  const finite = [1, 0, 0, 0, 1, 1];
  const [untargeted, targeted] = [false, true].map((is) => () => Object.values<Tensor>(verdicts(outputs(), holds(), is)));
  expect((await expectComposition(KERNELS, untargeted!)).map((held) => [...held])).toEqual([finite, [1, 1, 1, 1, 0, 1]]);
  expect((await expectComposition(KERNELS, targeted!)).map((held) => [...held])).toEqual([finite, [1, 0, 0, 0, 0, 1]]);
});

test.each([[[0, 3]], [[1, 1]], [[3, 2, 2, 5]], [[2, 784]]])('distances of %j', async (shape) => {
  await expectComposition(KERNELS, () => [linf(1), l2(1)].map((threat) => threat.distance(values(shape, 1), values(shape, 2))));
});

test.each(SPECIAL)('distances with %d', async (bad) => {
  for (const at of [0, 6]) {
    const distances = await expectComposition(KERNELS, () => {
      const x = values([2, 7], 1).bufferSync();
      x.set(bad, 1, at);
      return [linf(1), l2(1)].map((threat) => threat.distance(x.toTensor(), values([2, 7], 2)));
    });
    for (const held of distances) expect([...held].map(Number.isFinite)).toEqual([true, false]);
  }
});

test('an empty batch and a single row', async () => {
  for (const count of [0, 1]) {
    await expectComposition(KERNELS, () => {
      const cut = (x: Tensor): Tensor => slice(x, [0, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
      const flags = cast(cut(numbers([1])), 'bool') as Tensor1D;
      const floats = cut(numbers([0.5])) as Tensor1D;
      const rows: Rows = {
        clean: cut(values([1, 4], 1)), goals: cast(floats, 'int32'), best: cut(values([1, 4], 1)), values: floats, distances: floats,
        success: cast(mul(floats, 0), 'bool'), rejected: cast(mul(floats, 0), 'int32'),
      };
      const proposal = { inputs: rows.clean, finite: flags, values: floats, adversarial: flags };
      const { best, success, rejected } = improve(rows, proposal, { threat: linf(1), bounds: [-1, 1], criterion: () => flags });
      return [best, success, rejected, ...Object.values<Tensor>(verdicts(cut(values([1, 3], 2)), flags, false))];
    });
  }
});

// What no row was taken of is the same memory.
test('what was kept outlives the proposal, and the other way round', async () => {
  for (const taken of [0, 1]) {
    const [got] = await on('wasm', () => {
      const [old, found] = [values([3, 4], 1), values([3, 4], 2)];
      const rows: Rows = {
        clean: found, goals: cast(numbers([0, 0, 0]), 'int32'), best: old, values: numbers([0, 0, 0]), distances: numbers([0, 0, 0]),
        success: greater(numbers([0, 0, 0]), 0), rejected: cast(numbers([0, 0, 0]), 'int32'),
      };
      const finite = bools([true, true, true]);
      const proposal = { inputs: found, finite, values: numbers([taken, taken, taken]), adversarial: bools([false, false, false]) };
      const { best } = improve(rows, proposal, { threat: linf(1), bounds: [-1, 1], criterion: () => finite });
      dispose([old, found]);
      return [best];
    });
    const [expected] = await on('wasm', () => [values([3, 4], taken === 1 ? 2 : 1)]);
    expect(got).toEqual(expected);
  }
});
