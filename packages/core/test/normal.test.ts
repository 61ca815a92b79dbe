import { describe, expect, it } from 'vitest';
import { normalQuantile } from '../src/normal.ts';

// The oracle, in double precision: the upper tail by the continued fraction of Laplace (its terms k / (x + ...)) where it
// converges fast, the centre by the power series x + x^3/3 + x^5/(3*5) + ..., and the quantile by bisection.
const density = (x: number): number => Math.exp(-x * x / 2) / Math.sqrt(2 * Math.PI);

function upperTail(x: number): number {
  if (x < 2) {
    let term = x;
    let sum = x;
    for (let k = 1; k < 200; k++) sum += term *= (x * x) / (2 * k + 1);
    return 0.5 - density(x) * sum;
  }
  let fraction = x;
  for (let k = 400; k >= 1; k--) fraction = x + k / fraction;
  return density(x) / fraction;
}

function quantile(p: number): number {
  const tail = Math.min(p, 1 - p);
  let [low, high] = [0, 10];
  for (let i = 0; i < 200; i++) {
    const middle = (low + high) / 2;
    if (upperTail(middle) > tail) low = middle;
    else high = middle;
  }
  return p < 0.5 ? -low : low;
}

describe('normal quantile', () => {
  it('has an oracle that knows the textbook values', () => {
    expect(quantile(0.975)).toBeCloseTo(1.959963984540054, 12);
    expect(quantile(0.5)).toBeCloseTo(0, 12);
    expect(quantile(0.0013498980316300933)).toBeCloseTo(-3, 11);
  });

  it('agrees with it to 3 parts in 10^7 from the far tail to the centre', () => {
    const inner = Array.from({ length: 199 }, (_, i) => (i + 1) / 200).filter((p) => p !== 0.5);
    const tails = [2 ** -33, 2 ** -25, 1e-6, 1e-4, 0.074, 0.076, 1 - 1e-4, 1 - 1e-6];
    for (const p of [...inner, ...tails]) {
      expect(Math.abs(normalQuantile(p) / quantile(p) - 1), String(p)).toBeLessThan(3e-7);
    }
  });

  it('is odd about one half, and zero there', () => {
    expect(normalQuantile(0.5)).toBe(0);
    for (const p of [0.01, 0.25, 0.4375]) expect(normalQuantile(1 - p)).toBeCloseTo(-normalQuantile(p), 12);
  });
});
