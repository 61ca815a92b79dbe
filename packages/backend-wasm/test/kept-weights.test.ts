import { conv2d, dispose, grad, matMul, mul, sub, type Tensor, type Tensor4D, tidy, variable } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { bytes, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

type Shape = [number, number, number, number];

/** Output and input gradient of a convolution, read. */
function pass(x: Tensor, filter: Tensor, stride: number): string {
  return tidy(() => {
    const f = (from: Tensor): Tensor => conv2d(from as Tensor4D, filter as Tensor4D, stride, 'same');
    const [y, dx] = [f(x), grad(f)(x)];
    return [y, dx].map((tensor) => bytes(tensor.dataSync() as Float32Array).toString('base64')).join();
  });
}

/** The same with a filter that no kernel has seen. */
function fresh(x: Tensor, filter: Tensor, stride: number): string {
  return tidy(() => pass(x, mul(filter, 1), stride));
}

test.each([[1, [3, 3, 8, 8]], [2, [3, 3, 8, 8]], [1, [3, 3, 2, 3]], [1, [1, 1, 4, 9]]] as [number, Shape][])('attack, optimizer step, attack: stride %d, filter %j', (stride, shape) => {
  const x = values([3, 8, 8, shape[2]], 1);
  const filter = tidy(() => variable(values(shape, 2)));
  const before = [pass(x, filter, stride), pass(x, filter, stride)];
  expect(before).toEqual([fresh(x, filter, stride), fresh(x, filter, stride)]);
  tidy(() => filter.assign(sub(filter, mul(values(shape, 3), 0.1))));
  const after = pass(x, filter, stride);
  expect(after).toBe(fresh(x, filter, stride));
  expect(after).not.toBe(before[0]);
  dispose([x, filter]);
});

test('a filter in the memory of one that was freed is packed anew', () => {
  const x = values([2, 8, 8, 8], 1);
  const seen = [2, 3, 4].map((seed) => {
    const filter = values([3, 3, 8, 8], seed);
    const result = pass(x, filter, 1);
    expect(result).toBe(fresh(x, filter, 1));
    filter.dispose();
    return result;
  });
  expect(new Set(seen).size).toBe(3);
  x.dispose();
});

/** Product and gradient of its left operand, read. */
const product = (a: Tensor, b: Tensor, transposeB: boolean): string =>
  tidy(() => {
    const f = (from: Tensor): Tensor => matMul(from, b, false, transposeB);
    return [f(a), grad(f)(a)].map((tensor) => bytes(tensor.dataSync() as Float32Array).toString('base64')).join();
  });

// Oracle: the same product with an operand that no kernel has seen.
test.each([[true], [false]])('a dense layer again and again, and after an assignment; transposed: %s', (transposeB) => {
  const [a, b] = [values([3, 21], 1), tidy(() => variable(values(transposeB ? [13, 21] : [21, 13], 2)))];
  const fresh = (): string => tidy(() => product(a, mul(b, 1), transposeB));
  const first = fresh();
  for (let time = 0; time < 3; time++) expect(product(a, b, transposeB)).toBe(first);
  tidy(() => b.assign(mul(b, -2)));
  const after = fresh();
  expect(after).not.toBe(first);
  for (let time = 0; time < 3; time++) expect(product(a, b, transposeB)).toBe(after);
  dispose([a, b]);
});
