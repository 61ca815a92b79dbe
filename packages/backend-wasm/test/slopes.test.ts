import { add, engine, matMul, maximum, mean, minimum, mul, relu, sign, square, sub, sum, type Tensor } from '@tensorflow/tfjs-core';
import { describe, test } from 'vitest';
import { expectSecondOrder, expectSlopes, values } from './compare.ts';

// Oracle: central differences, which are exact but for rounding for what is linear in each operand.
const SEEDS = [1, 11, 21];

describe('matrix products', () => {
  test.each([[false, false], [false, true], [true, false], [true, true]])('left transposed %s, right transposed %s', async (left, right) => {
    for (const seed of SEEDS)
      for (const [rows, inner, columns] of [[5, 7, 9], [1, 65, 10], [33, 1, 3]] as const) {
        const inputs = (): Tensor[] => [values(left ? [inner, rows] : [rows, inner], seed), values(right ? [columns, inner] : [inner, columns], seed + 1)];
        await expectSlopes((a, b) => matMul(a, b, left, right), inputs, 0.1, 1e-3);
      }
    await expectSecondOrder((a, b) => matMul(a, b, left, right), () => [values([5, 5], 1), values([5, 5], 2)], 5e-3);
  });
});

test.each(Object.entries({ add, sub, mul }))('%s of repeated operands', async (_, operation) => {
  for (const seed of SEEDS)
    for (const [large, small] of [[[2, 3, 5], [5]], [[3, 4, 2, 6], [3, 1, 1, 6]], [[3, 5], [3, 1]], [[9, 7], []]] as const) {
      const inputs = (): Tensor[] => [values([...large], seed), values([...small], seed + 1)];
      await expectSlopes((a, b) => operation(a, b), inputs, 0.1, 1e-3);
      await expectSlopes((a, b) => operation(b, a), inputs, 0.1, 1e-3);
    }
  await expectSecondOrder((a, b) => operation(a, b), () => [values([4, 3], 1), values([3], 2)], 5e-3);
});

// Steps so small that none crosses where the operands are equal.
test.each(Object.entries({ maximum, minimum }))('%s', async (_, operation) => {
  for (const seed of SEEDS) await expectSlopes((a, b) => operation(a, b), () => [values([5, 7], seed), values([5, 7], seed + 1)], 1e-4, 2e-2);
});

test('relu: slopes, and second derivatives that are zero but for the square around it', async () => {
  for (const seed of SEEDS)
    for (const size of [1, 3, 4, 37]) await expectSlopes(relu, () => [awayFromZero([size], seed)], 0.01, 1e-3);
  for (const size of [1, 4, 37]) await expectSecondOrder(relu, () => [awayFromZero([size], 3)], 5e-3);
});

/** Values of both signs, none nearer to zero than 0.1. */
function awayFromZero(shape: number[], seed: number): Tensor {
  const x = values(shape, seed);
  return add(x, mul(sign(x), 0.1));
}

describe.each([['sum', sum], ['mean', mean]] as const)('%s', (_, reduce) => {
  test.each([[[3, 4, 5, 7], [1, 2]], [[70, 3], [0]], [[4, 6], [1]], [[2, 3, 4, 5], [0, 1, 2]], [[3, 4, 5], [0, 2]]] as const)('of %j over %j', async (shape, axes) => {
    for (const seed of SEEDS) await expectSlopes((x) => reduce(x, [...axes]), () => [values([...shape], seed)], 0.1, 1e-3);
  });
});

const shapes = [[[6, 3, 5], [6]], [[9, 5], [3, 1, 5]], [[4, 2, 2, 8], [2, 2]]] as const;
describe.each([false, true])('batch norm, statistics given: %s', (given) => {
  const kernel = given ? 'BatchNormFixed' : 'BatchNormRows';
  const norm = (counts: readonly number[], relu_: boolean) => (...at: Tensor[]): Tensor => {
    const [x, scale, offset, plus, center, variance] = at as [Tensor, Tensor, Tensor, Tensor, Tensor?, Tensor?];
    const inputs = { x, scale, offset, plus, ...(center && { mean: center }), ...(variance && { variance }) };
    return [engine().runKernel<Tensor | Tensor[]>(kernel, inputs, { counts, epsilon: 0.1, relu: relu_, joined: true })].flat()[0]!;
  };

  test.each(shapes)('of %j in segments of %j rows', async (shape, counts) => {
    const channels = (seed: number): Tensor => values(counts.length > 1 ? [counts.length, shape.at(-1)!] : [shape.at(-1)!], seed);
    const inputs = (seed: number, far: number) => (): Tensor[] => {
      const statistics = given ? [channels(seed + 3), add(square(channels(seed + 4)), 0.5)] : [];
      return [values([...shape], seed), channels(seed + 1), channels(seed + 2), mul(awayFromZero([...shape], seed + 5), far), ...statistics];
    };
    for (const seed of SEEDS) {
      await expectSlopes(norm(counts, false), inputs(seed, 1), 1e-2, 1e-2);
      // Far from zero on both sides, so that no step crosses it.
      await expectSlopes(norm(counts, true), inputs(seed, 90), 1e-2, 2e-2);
    }
  });
});
