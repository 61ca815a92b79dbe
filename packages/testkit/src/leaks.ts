import { memory } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/**
 * Runs some work and expects as many live tensors after it as before, plus those it is said to return.
 *
 * @param kept tensors that the result holds on purpose.
 */
export async function expectNoLeak<Result>(work: () => Promise<Result> | Result, kept = 0): Promise<Result> {
  const before = memory().numTensors;
  const result = await work();
  expect(memory().numTensors - before, 'tensors left over').toBe(kept);
  return result;
}
