import { one, type Pass, randomStream, type Route, type Update } from '@robustjs/core';
import { startWasm } from '@robustjs/backend-wasm';
import { type Tensor, tensor, util } from '@tensorflow/tfjs-core';
import { beforeAll, expect } from 'vitest';

/** Starts the runtime before the tests of a file. */
export function onWasm(): void {
  beforeAll(async () => {
    await startWasm();
  });
}

/** A training pass. */
export function training(updates?: Update[], route: Route = one('main')): Pass {
  return { train: true, route, ...(updates && { updates }) };
}

/** Standard normal values. */
export function normals(count: number, seed: number): Float32Array {
  return randomStream(seed).normal(count);
}

/** A tensor of standard normal values. */
export function normalTensor(shape: number[], seed: number): Tensor {
  return tensor(normals(util.sizeFromShape(shape), seed), shape);
}

/** Values of a tensor as an ordinary array. */
export function read(x: Tensor): number[] {
  return Array.from(x.dataSync());
}

/** Largest difference, as a share of the largest expected absolute value. */
export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length).toBe(expected.length);
  const scale = Math.max(1e-30, ...Array.from(expected, Math.abs));
  return Math.max(0, ...Array.from(actual, (value, i) => Math.abs(value - expected[i]!))) / scale;
}

/** Asserts that values agree, relative to the largest. */
export function expectClose(actual: Tensor | ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-5): void {
  const error = relativeError('shape' in actual ? read(actual) : actual, expected);
  expect(Number.isFinite(error)).toBe(true);
  expect(error).toBeLessThanOrEqual(tolerance);
}

/** The RobustError code that a call throws. */
export function codeOf(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    return (error as { code: string }).code;
  }
  return 'none';
}

/** Every index of an array of this shape, last axis fastest. */
export function* indicesOf(shape: readonly number[]): Generator<number[]> {
  const size = util.sizeFromShape([...shape]);
  const strides = shape.map((_, axis) => util.sizeFromShape(shape.slice(axis + 1)));
  for (let flat = 0; flat < size; flat++) yield strides.map((stride, axis) => Math.floor(flat / stride) % shape[axis]!);
}

/** Place of an index in flat values, last axis fastest. */
export function flatIndex(index: readonly number[], shape: readonly number[]): number {
  return index.reduce((flat, i, axis) => flat * shape[axis]! + i, 0);
}

/** Central differences of a function of many values, in double precision. */
export function differences(f: (values: number[]) => number, at: ArrayLike<number>, step = 1e-5): number[] {
  const values = Array.from(at);
  return values.map((value, i) => {
    const shifted = (by: number): number => f(values.with(i, value + by));
    return (shifted(step) - shifted(-step)) / (2 * step);
  });
}
