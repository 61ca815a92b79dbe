import type { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';

/** How far two numbers may be apart: `absolute + relative * (largest expected magnitude)`. */
export interface Tolerance {
  /** Default 1e-5, about what float32 keeps over a few hundred operations. */
  readonly relative?: number;
  /** Default 1e-7. */
  readonly absolute?: number;
}

/** Numbers as tests have them: a tensor, nested lists read as one, or a flat array. */
export type Numbers = Tensor | ArrayLike<number>;

/** The values of a tensor or an array, as plain numbers. */
export async function numbersOf(values: Numbers): Promise<number[]> {
  return Array.from('dataId' in values ? await values.data() : values);
}

/**
 * Expects two arrays of numbers to agree value by value. The tolerance is relative to the largest magnitude expected, not
 * to each value: what is small beside its neighbours carries their rounding.
 */
export async function expectClose(actual: Numbers, expected: Numbers, tolerance: Tolerance = {}): Promise<void> {
  const [got, wanted] = await Promise.all([numbersOf(actual), numbersOf(expected)]);
  expect(got.length).toBe(wanted.length);
  const { relative = 1e-5, absolute = 1e-7 } = tolerance;
  const allowed = absolute + relative * wanted.reduce((largest, value) => Math.max(largest, Math.abs(value)), 0);
  const worst = got.reduce((at, value, i) => (gap(value, wanted[i]!) > gap(got[at]!, wanted[at]!) ? i : at), 0);
  if (got.length > 0 && !(gap(got[worst]!, wanted[worst]!) <= allowed)) {
    expect.fail(`at ${worst}: got ${got[worst]!}, expected ${wanted[worst]!} within ${allowed}`);
  }
}

/** Expects two arrays of numbers to be the same to the bit; NaN equals NaN and -0 does not equal 0. */
export async function expectSameBits(actual: Numbers, expected: Numbers): Promise<void> {
  const [got, wanted] = await Promise.all([numbersOf(actual), numbersOf(expected)]);
  expect(got.length).toBe(wanted.length);
  const at = got.findIndex((value, i) => !Object.is(value, wanted[i]));
  if (at >= 0) expect.fail(`at ${at}: got ${got[at]!}, expected exactly ${wanted[at]!}`);
}

// What is not a number is infinitely far from everything.
const gap = (a: number, b: number): number => (Number.isNaN(a - b) ? Infinity : Math.abs(a - b));
