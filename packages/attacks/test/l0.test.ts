import { type Bounds, randomStream, type ThreatModel } from '@robustjs/core';
import { expectSameBits, numbersOf, useWasm } from '@robustjs/testkit';
import { dispose, fill, gather, type Tensor, tensor, tensor1d, tidy, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { l0 } from '../src/index.ts';

useWasm();

type Vector = readonly number[];

const draws = (name: string, shape: readonly number[], scale: number, shift = 0): number[] =>
  Array.from(randomStream(1).split(name).normal(shape.reduce((a, b) => a * b, 1)), (z) => Math.fround(z * scale + shift));
const inBox = (values: Vector, [low, high]: Bounds): number[] => values.map((value) => Math.fround(Math.min(high, Math.max(low, value))));

async function projected(threat: ThreatModel, rows: Vector, clean: Vector, shape: number[], bounds: Bounds): Promise<number[]> {
  const out = tidy(() => threat.project(tensor([...rows], shape), tensor([...clean], shape), bounds));
  const values = await numbersOf(out);
  out.dispose();
  return values;
}

/** All ways to choose at most `count` of `total`. */
const subsets = (total: number, count: number): number[][] =>
  Array.from({ length: 2 ** total }, (_, bits) => Array.from({ length: total }, (_, i) => i).filter((i) => (bits >> i) & 1)).filter((set) => set.length <= count);

const squared = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + (value - b[i]!) ** 2, 0);
/** Pixels in which two inputs differ, recounted in a plain loop. */
const differing = (a: Vector, b: Vector, channels: number): number =>
  Array.from({ length: a.length / channels }, (_, p) => p).filter((p) => a.slice(p * channels, (p + 1) * channels).some((v, c) => v !== b[p * channels + c])).length;

describe('L0 projection', () => {
  it.each([[6, 1, 2], [3, 2, 1], [6, 3, 3], [4, 3, 0]] as const)('is the nearest point of ball and box: %i pixels of %i channels, %i of them free', async (pixels, channels, count) => {
    const bounds = [0, 1] as const;
    const size = pixels * channels;
    const shape = channels === 1 ? [40, size] : [40, pixels, 1, channels];
    const clean = inBox(draws('clean', shape, 0.5, 0.5), bounds);
    const rows = draws('rows', shape, 1, 0.5);
    const out = await projected(l0(count), rows, clean, shape, bounds);
    for (let row = 0; row < 40; row++) {
      const part = (values: Vector): number[] => values.slice(row * size, (row + 1) * size);
      const [target, start, mine] = [part(rows), part(clean), part(out)];
      // Brute force: for each choice of pixels the nearest point is the clipped one.
      const best = Math.min(...subsets(pixels, count).map((set) => squared(start.map((v, i) => (set.includes(Math.floor(i / channels)) ? Math.min(1, Math.max(0, target[i]!)) : v)), target)));
      expect(squared(mine, target)).toBeLessThanOrEqual(best * (1 + 1e-6) + 1e-9);
      expect(differing(mine, start, channels)).toBeLessThanOrEqual(count);
      expect(mine.every((value) => value >= 0 && value <= 1)).toBe(true);
    }
  });

  it('leaves what lies inside as it is, to the bit, however small, and does nothing twice', async () => {
    const clean = [0.5, 0.5, 0.5, 0.5, 0, 0];
    const inside = [0.5, 0.3, 0.5, 0.5, 1e-30, 0].map(Math.fround);
    expect(await projected(l0(2), inside, clean, [1, 6], [0, 1])).toEqual(inside);
    const once = await projected(l0(2), [0.9, 0.3, 0.6, 0.5, 0.7, 2], clean, [1, 6], [0, 1]);
    // Squared distance taken off: 0.16, 0.04, 0.01, 0, 0.49, and 4 - 1 where the box ends.
    expect(once).toEqual([0.5, 0.5, 0.5, 0.5, 0.7, 1].map(Math.fround));
    expect(await projected(l0(2), once, clean, [1, 6], [0, 1])).toEqual(once);
  });

  it('keeps exactly as many of equal changes as the budget has, those in front', async () => {
    expect(await projected(l0(2), [1, 1, 1, 1], [0, 0, 0, 0], [1, 4], [0, 1])).toEqual([1, 1, 0, 0]);
    expect(await projected(l0(1), [0.5, 0.5, 0, 1], [0.5, 0.5, 0.5, 0.5], [1, 4], [0, 1])).toEqual([0.5, 0.5, 0, 0.5]);
  });

  it('is the clean input for a budget of zero, and the box alone without one', async () => {
    const clean = [0.1, 0.9, 0.4].map(Math.fround);
    expect(await projected(l0(0), [5, -5, 0.3], clean, [1, 3], [0, 1])).toEqual(clean);
    expect(await projected(l0(Infinity), [5, -5, 0.5], clean, [1, 3], [0, 1])).toEqual([1, 0, 0.5]);
  });
});

describe('L0 distance', () => {
  it('counts positions, whatever number of their channels changes', async () => {
    // Of four pixels the first changes in one channel, the third in all three.
    const moved = [0, 0.1, 0, 0, 0, 0, 1, 1, 1, 0, 0, 0];
    const distance = tidy(() => l0(1).distance(tensor(moved, [1, 2, 2, 3]), zeros([1, 2, 2, 3])));
    expect(await numbersOf(distance)).toEqual([2]);
    const flat = tidy(() => l0(1).distance(tensor(moved, [1, 12]), zeros([1, 12])));
    expect(await numbersOf(flat)).toEqual([4]);
    dispose([distance, flat]);
  });
});

describe('L0 random start', () => {
  const starts = (clean: Tensor, ids: number[], count: number): Tensor => l0(count).randomStart(clean, ids, randomStream(4).split('start'), [-1, 3]);

  it('moves as many pixels as the budget has, every one as often, to values anywhere in the box', async () => {
    const [rows, pixels] = [3000, 5];
    const out = tidy(() => starts(fill([rows, pixels, 2], 0.5), Array.from({ length: rows }, (_, i) => i), 2));
    const values = await numbersOf(out);
    out.dispose();
    const moved = Array.from({ length: rows * pixels }, (_, i) => values[2 * i] !== 0.5);
    for (let row = 0; row < rows; row++) expect(moved.slice(row * pixels, (row + 1) * pixels).filter(Boolean).length).toBe(2);
    for (let pixel = 0; pixel < pixels; pixel++) {
      // Binomial: 3000 draws of probability 2/5, five standard deviations.
      const times = moved.filter((m, i) => m && i % pixels === pixel).length;
      expect(Math.abs(times - rows * 0.4)).toBeLessThan(5 * Math.sqrt(rows * 0.24));
    }
    const free = values.filter((_, i) => moved[Math.floor(i / 2)]).map((value) => (value + 1) / 4).sort((a, b) => a - b);
    const worst = Math.max(...free.map((u, i) => Math.max(u - i / free.length, (i + 1) / free.length - u)));
    expect(worst).toBeLessThan(Math.sqrt(Math.log(2e6) / (2 * free.length)));
  });

  it('gives a row by its id, whatever its place', async () => {
    const clean = fill([3, 6], 0.25);
    const three = starts(clean, [8, 1, 30], 2);
    const two = tidy(() => starts(fill([2, 6], 0.25), [30, 8], 2));
    const picked = tidy(() => gather(three, tensor1d([2, 0], 'int32')));
    await expectSameBits(two, picked);
    dispose([clean, three, two, picked]);
  });
});

describe('L0 steepest step', () => {
  it('is the pixel and the corner of the box that gain most, against brute force', async () => {
    const [rows, pixels, channels, bounds] = [50, 4, 2, [0, 1] as const];
    const shape = [rows, pixels, channels];
    const [gradient, inputs] = [draws('gradient', shape, 1), inBox(draws('inputs', shape, 0.4, 0.5), bounds)];
    const step = tidy(() => l0(3).steepest(tensor(gradient, shape), tensor(inputs, shape), bounds));
    const moves = await numbersOf(step);
    step.dispose();
    const size = pixels * channels;
    for (let row = 0; row < rows; row++) {
      const part = (values: Vector): number[] => values.slice(row * size, (row + 1) * size);
      const [g, x, mine] = [part(gradient), part(inputs), part(moves)];
      const gains = Array.from({ length: pixels }, (_, p) =>
        Math.max(...[0, 1].flatMap((a) => [0, 1].map((b) => g[2 * p]! * (a - x[2 * p]!) + g[2 * p + 1]! * (b - x[2 * p + 1]!)))));
      expect(mine.reduce((sum, move, i) => sum + move * g[i]!, 0)).toBeCloseTo(Math.max(...gains), 5);
      expect(differing(mine, Array<number>(size).fill(0), channels)).toBeLessThanOrEqual(1);
    }
  });

  it('stays where the gradient is zero, and does not take a small one for none', async () => {
    const step = tidy(() => l0(1).steepest(tensor([0, 0, 0, -1e-30], [2, 2]), fill([2, 2], 0.5), [0, 1]));
    expect((await numbersOf(step)).map((v) => v + 0)).toEqual([0, 0, 0, -0.5]);
    step.dispose();
  });
});

describe('L0 budgets', () => {
  it('are whole numbers of pixels', () => {
    expect(l0('6/2')).toMatchObject({ norm: 'L0', eps: 3 });
    for (const eps of [1.5, -1, NaN, '8/255']) expect(() => l0(eps)).toThrow(expect.objectContaining({ code: 'RJS_EPS' }));
  });
});
