// What kernels save for their gradients: held as long as the tape, and given back with it.
import { customGrad, getKernel, grad, type KernelConfig, memory, mul, registerKernel, relu, square, sum, type Tensor, tensor1d, tidy, unregisterKernel } from '@tensorflow/tfjs-core';
import { beforeAll, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { expectSecondOrder, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

/** How often `work` runs TF.js's kernel that clones. */
function clones(work: () => void): number {
  const kernel: KernelConfig = getKernel('Identity', 'wasm');
  let count = 0;
  unregisterKernel('Identity', 'wasm');
  registerKernel({ ...kernel, kernelFunc: (given) => (count++, kernel.kernelFunc(given)) });
  work();
  unregisterKernel('Identity', 'wasm');
  registerKernel(kernel);
  return count;
}

const f = (x: Tensor): Tensor => sum(mul(relu(x), square(x)));

test('one tape clones nothing, two do', () => {
  const run = (g: (x: Tensor) => Tensor) => (): void => tidy(() => void grad(g)(tensor1d([1, -2, 3])));
  expect(clones(run(f))).toBe(0);
  expect(clones(run((x) => sum(grad(f)(x))))).toBeGreaterThan(0);
});

test('what is saved outlives what it was saved from, and goes with the tape', async () => {
  const before = memory();
  const x = tensor1d([1, -2, 3]);
  const slope = grad((at: Tensor) => {
    const inner = mul(at, 1);
    const y = square(inner);
    inner.dispose();
    return y;
  })(x);
  expect([...(await slope.data())]).toEqual([2, -4, 6]);
  x.dispose();
  slope.dispose();
  expect([memory().numTensors, memory().numBytes, memory().numDataBuffers]).toEqual([before.numTensors, before.numBytes, before.numDataBuffers]);
});

test("a custom gradient's tensors too", async () => {
  const tripled = customGrad((given, save) => {
    const x = given as Tensor;
    (save as (tensors: Tensor[]) => void)([x]);
    return { value: square(x), gradFunc: (dy: Tensor, saved: Tensor[]) => mul(dy, mul(saved[0]!, 3)) };
  });
  const [slope] = await on('wasm', () => [grad((x: Tensor) => tripled(x))(tensor1d([1, -2, 3]))]);
  expect([...slope!]).toEqual([3, -6, 9]);
});

test('second derivatives are those of what was saved', async () => {
  await expectSecondOrder((x) => mul(relu(x), square(x)), () => [values([2, 5], 3)], 2e-2);
});
