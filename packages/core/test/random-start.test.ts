import { expectSameBits, numbersOf, useWasm } from '@robustjs/testkit';
import { fill, gather, tensor1d, tidy, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { l1, l2, linf, randomStream, type ThreatModel, threatModel } from '../src/index.ts';

useWasm();

const COUNT = 4000;
const SIZE = 5;
const EPS = 0.5;
const WIDE = [-10, 10] as const;
const random = randomStream(2).split('start');
const ids = Array.from({ length: COUNT }, (_, i) => 3 * i);

async function starts(threat: ThreatModel): Promise<number[][]> {
  const out = tidy(() => threat.randomStart(zeros([COUNT, SIZE]), ids, random, WIDE));
  const values = await numbersOf(out);
  out.dispose();
  return ids.map((_, i) => values.slice(i * SIZE, (i + 1) * SIZE));
}

/** Largest distance between the distribution of a sample and the uniform one on [0, 1] (Kolmogorov and Smirnov). */
function distanceFromUniform(sample: readonly number[]): number {
  const sorted = [...sample].sort((a, b) => a - b);
  return Math.max(...sorted.map((u, i) => Math.max(u - i / sorted.length, (i + 1) / sorted.length - u)));
}

// Exceeded once in a million samples of a true uniform: sqrt(ln(2e6) / 2 n).
const CRITICAL = Math.sqrt(Math.log(2e6) / (2 * COUNT));

describe.each([
  ['Linf', (v: number[]) => Math.max(...v.map(Math.abs))],
  ['L2', (v: number[]) => Math.hypot(...v)],
  ['L1', (v: number[]) => v.reduce((sum, value) => sum + Math.abs(value), 0)],
] as const)('%s random start', (norm, length) => {
  it('is uniform in the ball: (r / eps)^d is uniform in [0, 1]', async () => {
    const radii = (await starts(threatModel(norm, EPS))).map((v) => length(v) / EPS);
    expect(Math.max(...radii)).toBeLessThanOrEqual(1 + 1e-6);
    expect(distanceFromUniform(radii.map((r) => r ** SIZE))).toBeLessThan(CRITICAL);
  });

  it('favours no axis and no side', async () => {
    const rows = await starts(threatModel(norm, EPS));
    const mean = (values: number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
    const squares = Array.from({ length: SIZE }, (_, axis) => mean(rows.map((v) => v[axis]! ** 2)));
    for (let axis = 0; axis < SIZE; axis++) {
      expect(Math.abs(mean(rows.map((v) => v[axis]!)))).toBeLessThan(5 * Math.sqrt(squares[axis]! / COUNT));
      expect(squares[axis]! / mean(squares)).toBeGreaterThan(0.85);
      expect(squares[axis]! / mean(squares)).toBeLessThan(1.15);
    }
  });

  it('gives a row by its id, whatever its place, and stays in the box', async () => {
    const clean = fill([3, SIZE], 0.98);
    const swapped = tensor1d([2, 0], 'int32');
    const three = threatModel(norm, EPS).randomStart(clean, [8, 1, 30], random, [0, 1]);
    const two = tidy(() => threatModel(norm, EPS).randomStart(fill([2, SIZE], 0.98), [30, 8], random, [0, 1]));
    const picked = gather(three, swapped);
    await expectSameBits(two, picked);
    expect((await numbersOf(three)).every((value) => value >= 0 && value <= 1)).toBe(true);
    [clean, swapped, three, two, picked].forEach((x) => x.dispose());
  });
});

describe('single dimensions', () => {
  it('agree: in one dimension all three balls are the interval', async () => {
    for (const threat of [linf(EPS), l2(EPS), l1(EPS)]) {
      const out = tidy(() => threat.randomStart(zeros([COUNT, 1]), ids, random, WIDE));
      const values = await numbersOf(out);
      out.dispose();
      expect(distanceFromUniform(values.map((value) => (value / EPS + 1) / 2)), threat.norm).toBeLessThan(CRITICAL);
    }
  });
});
