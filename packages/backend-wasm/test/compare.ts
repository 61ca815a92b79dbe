import {
  add, backend as engineBackend, env, fill, getKernel, grads, mul, type Rank, registerKernel, setBackend, sum, type Tensor, tensor, tidy, unregisterKernel,
} from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect } from 'vitest';
import { startWasm } from '../src/index.ts';

// The cpu backend greets on the console; PROD is TF.js's flag against that.
env().set('PROD', true);

/** Values in [-1, 1] that repeat nowhere, from the seed and the position alone. */
export function values<R extends Rank>(shape: number[], seed: number): Tensor<R> {
  const size = shape.reduce((a, b) => a * b, 1);
  return tensor<R>(Float32Array.from({ length: size }, (_, i) => Math.sin(1.7 * i * i + 12.9898 * i + 78.233 * seed)), shape as never, 'float32');
}

/** f of the inputs, and its gradients for an output gradient in which no two elements are alike. */
export function withGradients(f: (...inputs: Tensor[]) => Tensor, ...inputs: Tensor[]): Tensor[] {
  const y = f(...inputs);
  return [y, ...grads(f)(inputs, values(y.shape, 9))];
}

/** Asserts that gradients on wasm are the slopes that central differences give, along one direction for each input. */
export async function expectSlopes(f: (...inputs: Tensor[]) => Tensor, inputs: () => Tensor[], step: number, tolerance: number): Promise<void> {
  const [y, ...gradients] = await on('wasm', () => withGradients(f, ...inputs()));
  const [weights] = await on('wasm', () => [values([y!.length], 9)]);
  for (const [i, gradient] of gradients.entries()) {
    const moved = (sign: number) => (): Tensor[] => [f(...inputs().map((input, k) => (k === i ? add(input, mul(values(input.shape, 30 + i), sign * step)) : input)))];
    const [[up], [down], [direction]] = [await on('wasm', moved(1)), await on('wasm', moved(-1)), await on('wasm', () => [values([gradient.length], 30 + i)])];
    const expected = y!.reduce((sum, _, k) => sum + weights![k]! * (up![k]! - down![k]!), 0) / (2 * step);
    const products = gradient.map((slope, k) => slope * direction![k]!);
    const got = products.reduce((sum, product) => sum + product, 0);
    expect(Math.abs(got - expected)).toBeLessThanOrEqual(tolerance * Math.hypot(...products));
  }
}

/**
 * Asserts that double backprop on wasm is the slope of the first gradients: their projection on fixed directions is differentiated, and
 * held against central differences of that projection. f is made curved by a square, so that no second derivative is all zero.
 */
export async function expectSecondOrder(f: (...inputs: Tensor[]) => Tensor, inputs: () => Tensor[], tolerance: number, step = 1e-2): Promise<void> {
  const curved = (...at: Tensor[]): Tensor => mul(f(...at), f(...at));
  const projection = (...at: Tensor[]): Tensor => {
    const y = f(...at);
    return grads(curved)(at, values(y.shape, 9)).map((gradient, i) => sum(mul(gradient, values(gradient.shape, 40 + i)))).reduce((a, b) => add(a, b));
  };
  await expectSlopes(projection, inputs, step, tolerance);
}

/** Runs `work` on a backend and reads what it gives; asserts that nothing else of it stays in the backend's memory. */
export async function on(backend: 'cpu' | 'wasm', work: () => Tensor[]): Promise<Float32Array[]> {
  await startWasm();
  await setBackend(backend);
  soilHeap();
  const before = engineBackend().numDataIds();
  const outputs = tidy(work);
  const read = await Promise.all(outputs.map(async (output) => Float32Array.from(await output.data())));
  for (const output of outputs) output.dispose();
  expect(engineBackend().numDataIds()).toBe(before);
  await setBackend('wasm');
  return read;
}

/**
 * Asserts that `work` gives the same with these kernels and without them, where it is composed of ordinary operations on the same backend:
 * every number by its bits, and NaN where there is NaN.
 */
export async function expectComposition(kernels: readonly string[], work: () => Tensor[]): Promise<Float32Array[]> {
  const got = await on('wasm', work);
  const known = kernels.map((name) => getKernel(name, 'wasm'));
  for (const { kernelName, backendName } of known) unregisterKernel(kernelName, backendName);
  try {
    expect(got).toEqual(await on('wasm', work));
  } finally {
    known.forEach(registerKernel);
  }
  return got;
}

/** Fills memory that the next tensors will get with NaN: a kernel that reads what it has not written shows at once. */
function soilHeap(): void {
  const blocks = Array.from({ length: 16 }, (_, i) => Array.from({ length: 8 }, () => fill([2 ** i], Number.NaN))).flat();
  for (const block of blocks) block.dispose();
}

/** Asserts that wasm and TF.js's cpu backend (plain loops, the oracle) agree, relative to the largest absolute value. */
export async function expectSame(work: () => Tensor[], tolerances: readonly number[]): Promise<void> {
  const [got, expected] = [await on('wasm', work), await on('cpu', work)];
  expect(got.length).toBe(expected.length);
  got.forEach((actual, index) => {
    expect(actual.length).toBe(expected[index]!.length);
    expect(largestDifference(actual, expected[index]!)).toBeLessThanOrEqual(tolerances[Math.min(index, tolerances.length - 1)]!);
  });
}

/** max |a - b| / max |b|; not a number wherever either is. */
export function largestDifference(a: Float32Array, b: Float32Array): number {
  let [difference, scale] = [0, 0];
  a.forEach((value, i) => {
    difference = Math.max(difference, Math.abs(value - b[i]!));
    scale = Math.max(scale, Math.abs(b[i]!));
  });
  // Math.max keeps a NaN, and no comparison with it holds.
  return scale === 0 ? difference : difference / scale;
}

/** The bytes of a float array, for comparisons that rounding must not pass. */
export function bytes(array: Float32Array): Buffer {
  return Buffer.from(array.buffer, array.byteOffset, array.byteLength);
}
