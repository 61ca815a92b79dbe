import { conv2d, dot, grad, grads, reshape, sum, type Tensor, type Tensor4D, tidy, mul, add, square } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { largestDifference, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const SHAPES = { x: [2, 6, 7, 2], w: [3, 3, 2, 3] };
const STEP = 1e-2;

/** A cubic in x and w, so that second derivatives in all pairs are neither zero nor constant, and central differences exact. */
function penalty(stride: number) {
  return (x: Tensor, w: Tensor): Tensor => {
    const y = conv2d(x as Tensor4D, w as Tensor4D, stride, 'same');
    return sum(mul(square(y), values(y.shape, 5)));
  };
}

describe.each([1, 2])('derivative of a gradient, stride %d', (stride) => {
  const f = penalty(stride);
  const cases = [
    ['input gradient along the input', 0, 0], ['input gradient along the filter', 0, 1],
    ['filter gradient along the input', 1, 0], ['filter gradient along the filter', 1, 1],
  ] as const;

  // Oracle: central differences of the first gradient along a direction.
  test.each(cases)('%s', async (_, of, along) => {
    const inputs = (): Tensor[] => [values(SHAPES.x, 1), values(SHAPES.w, 2)];
    const direction = (): Tensor => values(of === 0 ? SHAPES.x : SHAPES.w, 3);
    const first = (at: Tensor[]): Tensor => grads(f)(at)[of]!;
    const projected = (...at: Tensor[]): Tensor => sum(mul(first(at), direction()));
    const [got] = await on('wasm', () => [grads(projected)(inputs())[along]!]);
    // The same derivative, contracted the other way: d/dt gradient_along(of + t * direction).
    const [expected] = await on('cpu', () => {
      const moved = (sign: number): Tensor => {
        const at = inputs();
        at[of] = add(at[of]!, mul(direction(), sign * STEP));
        return grads(f)(at)[along]!;
      };
      return [mul(add(moved(1), mul(moved(-1), -1)), 1 / (2 * STEP))];
    });
    expect(largestDifference(got!, expected!)).toBeLessThan(2e-3);
  });
});

test('the filter gradient agrees with central differences of the loss', () => {
  const f = penalty(2);
  const [x, w, direction] = [values(SHAPES.x, 1), values(SHAPES.w, 2), values(SHAPES.w, 4)];
  const [slope, difference] = tidy(() => {
    const along = dot(reshape(grad((v) => f(x, v))(w), [-1]), reshape(direction, [-1])).dataSync()[0]!;
    const loss = (sign: number): number => f(x, add(w, mul(direction, sign * STEP))).dataSync()[0]!;
    return [along, (loss(1) - loss(-1)) / (2 * STEP)] as unknown as Tensor[];
  }) as unknown as [number, number];
  expect(Math.abs(slope - difference)).toBeLessThan(1e-3 * Math.abs(slope));
  for (const tensor of [x, w, direction]) tensor.dispose();
});
