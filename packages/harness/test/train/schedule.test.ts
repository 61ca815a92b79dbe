import { expect, it } from 'vitest';
import { scheduleFactor } from '../../src/train/schedule.ts';

const over = (schedule: Parameters<typeof scheduleFactor>[0], steps: number): number[] =>
  Array.from({ length: steps }, (_, step) => scheduleFactor(schedule, step, steps));
const close = (values: number[]): unknown[] => values.map((value) => expect.closeTo(value, 12) as unknown);

it('constant stays', () => {
  expect(over({ id: 'constant' }, 3)).toEqual([1, 1, 1]);
});

it('step drops at each milestone, from the first step at or after it', () => {
  expect(over({ id: 'step', milestones: [0.5, 0.75], factor: 0.1 }, 8)).toEqual(close([1, 1, 1, 1, 0.1, 0.1, 0.01, 0.01]));
});

it('cosine goes from 1 through a half towards 0', () => {
  // (1 + cos(pi k / 4)) / 2 with cos(pi / 4) = sqrt(1/2).
  const root = Math.SQRT1_2;
  expect(over({ id: 'cosine', warmup: 0 }, 4)).toEqual(close([1, (1 + root) / 2, 0.5, (1 - root) / 2]));
});

it('cosine rises linearly before, and never stands at 0', () => {
  // Warmup of 4 of 8 steps, then a cosine over the other 4.
  const factors = over({ id: 'cosine', warmup: 0.5 }, 8);
  expect(factors.slice(0, 5)).toEqual(close([0.25, 0.5, 0.75, 1, 1]));
  expect(factors[6]).toBeCloseTo(0.5, 12);
  expect(over({ id: 'cosine', warmup: 1 }, 4)).toEqual(close([0.25, 0.5, 0.75, 1]));
});

it('cyclic rises to the peak and falls, at the middle of each step', () => {
  expect(over({ id: 'cyclic', peak: 0.5 }, 4)).toEqual(close([0.25, 0.75, 0.75, 0.25]));
  expect(over({ id: 'cyclic', peak: 0.25 }, 4)).toEqual(close([0.5, 2.5 / 3, 0.5, 0.5 / 3]));
  expect(over({ id: 'cyclic', peak: 0 }, 2)).toEqual(close([0.75, 0.25]));
  expect(over({ id: 'cyclic', peak: 1 }, 2)).toEqual(close([0.25, 0.75]));
});
