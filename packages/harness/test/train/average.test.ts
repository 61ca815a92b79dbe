import { startWasm } from '@robustjs/backend-wasm';
import { namedVariable } from '@robustjs/nn';
import { memory, tensor, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { weightAverage } from '../../src/train/average.ts';

beforeAll(() => startWasm());

it('follows the formula: d = 1/10 after the first step, 2/11 after the second, at most the decay', async () => {
  const before = memory().numTensors;
  const weight = namedVariable('w', tensor([1, 10]));
  const average = weightAverage([weight], 0.2);
  const follow = async (values: number[], step: number): Promise<number[]> => {
    tidy(() => weight.variable.assign(tensor(values)));
    average.update(step);
    return [...(await average.averages[0]!.variable.data())];
  };
  // 0.1 * 1 + 0.9 * 2 = 1.9 and 0.1 * 10 + 0.9 * 20 = 19.
  expect(await follow([2, 20], 0)).toEqual([expect.closeTo(1.9, 6), expect.closeTo(19, 5)]);
  // 2/11 * 1.9 + 9/11 * 1.
  expect((await follow([1, 1], 1))[0]).toBeCloseTo((2 * 1.9 + 9) / 11, 6);
  // (1 + 2) / (10 + 2) = 0.25 is above the decay of 0.2.
  expect((await follow([0, 0], 2))[0]).toBeCloseTo((0.2 * (2 * 1.9 + 9)) / 11, 6);
  average.dispose();
  weight.variable.dispose();
  expect(memory().numTensors).toBe(before);
});

it('swaps in and back without a change to either', async () => {
  const before = memory().numTensors;
  const weight = namedVariable('w', tensor([1]));
  const average = weightAverage([weight], 0);
  tidy(() => weight.variable.assign(tensor([5])));
  const live = average.swapIn();
  expect((await weight.variable.data())[0]).toBe(1);
  live.restore();
  live.release();
  expect((await weight.variable.data())[0]).toBe(5);
  // With a decay of 0 the average is the live model.
  average.update(7);
  expect((await average.averages[0]!.variable.data())[0]).toBe(5);
  average.dispose();
  weight.variable.dispose();
  expect(memory().numTensors).toBe(before);
});

it('without a decay the parameters stand for themselves', async () => {
  const weight = namedVariable('w', tensor([3]));
  const average = weightAverage([weight], undefined);
  average.update(0);
  const live = average.swapIn();
  live.restore();
  live.release();
  expect([average.averages.length, (await weight.variable.data())[0]]).toEqual([0, 3]);
  average.dispose();
  weight.variable.dispose();
});
