import { expectClose, expectSameBits, numbersOf, useWasm } from '@robustjs/testkit';
import { dispose, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { box, l1, l2, linf, randomStream, type ThreatModel, threatModel } from '../src/index.ts';

useWasm();

type Vector = readonly number[];
const WIDE = [-100, 100] as const;
const lengthOf: Readonly<Record<string, (v: Vector) => number>> = {
  Linf: (v) => Math.max(...v.map(Math.abs)),
  L2: (v) => Math.hypot(...v),
  L1: (v) => v.reduce((sum, value) => sum + Math.abs(value), 0),
};

/** The nearest point of a ball around the origin, in double precision and by another way than the code's. */
const nearest: Readonly<Record<string, (v: Vector, eps: number) => number[]>> = {
  Linf: (v, eps) => v.map((value) => Math.sign(value) * Math.min(Math.abs(value), eps)),
  L2: (v, eps) => v.map((value) => value * Math.min(1, eps / Math.hypot(...v))),
  // Lagrange: the minimum of |z - v|^2 / 2 + t |z|_1 is the soft threshold; the multiplier t by bisection.
  L1(v, eps) {
    const shrunk = (t: number): number[] => v.map((value) => Math.sign(value) * Math.max(Math.abs(value) - t, 0));
    if (lengthOf['L1']!(v) <= eps) return [...v];
    let [low, high] = [0, lengthOf['Linf']!(v)];
    for (let i = 0; i < 100; i++) {
      const middle = (low + high) / 2;
      if (lengthOf['L1']!(shrunk(middle)) > eps) low = middle;
      else high = middle;
    }
    return shrunk(high);
  },
};

const randomRows = (name: string, count: number, size: number, scale: number): number[][] => {
  const draws = randomStream(1).split(name, size).normal(count * size);
  return Array.from({ length: count }, (_, i) => Array.from(draws.slice(i * size, (i + 1) * size), (z) => Math.fround(z * scale)));
};

const projected = async (threat: ThreatModel, rows: number[][], clean: number[][], bounds: readonly [number, number]): Promise<number[][]> => {
  const out = tidy(() => threat.project(tensor2d(rows), tensor2d(clean), bounds));
  const values = await numbersOf(out);
  out.dispose();
  const size = rows[0]!.length;
  return rows.map((_, i) => values.slice(i * size, (i + 1) * size));
};

describe.each(['Linf', 'L2', 'L1'])('%s projection', (norm) => {
  it.each([1, 2, 3, 6])('is the nearest point of the ball, in %i dimensions', async (size) => {
    const rows = randomRows(norm, 50, size, 1);
    const clean = rows.map(() => Array<number>(size).fill(0));
    const out = await projected(threatModel(norm, 0.7), rows, clean, WIDE);
    await expectClose(out.flat(), rows.flatMap((row) => nearest[norm]!(row, 0.7)), { relative: 2e-6 });
    // Brute force: no point of the ball is nearer.
    const candidates = randomRows('candidates', 300, size, 1).map((v) => v.map((value) => (value * 0.7) / Math.max(0.7, lengthOf[norm]!(v))));
    const distance = (a: Vector, b: Vector): number => Math.hypot(...a.map((value, i) => value - b[i]!));
    rows.forEach((row, i) => {
      const best = Math.min(...candidates.map((candidate) => distance(candidate, row)));
      expect(distance(out[i]!, row)).toBeLessThanOrEqual(best + 1e-5);
    });
  });

  it('leaves what lies inside as it is, to the bit, and does nothing twice', async () => {
    const rows = randomRows('inside', 20, 6, 0.02).map((row) => row.map((value) => Math.fround(value + 0.5)));
    const clean = rows.map((row) => row.map(() => 0.5));
    expect(await projected(threatModel(norm, 2), rows, clean, [0, 1])).toEqual(rows);
    const far = randomRows('far', 20, 6, 1);
    const once = await projected(threatModel(norm, 0.3), far, far.map(() => Array<number>(6).fill(0.5)), [0, 1]);
    const twice = await projected(threatModel(norm, 0.3), once, far.map(() => Array<number>(6).fill(0.5)), [0, 1]);
    await expectClose(twice.flat(), once.flat(), { relative: 1e-6 });
  });

  it('ends inside ball and box, both, from anywhere', async () => {
    const clean = randomRows('clean', 100, 6, 1).map((row) => row.map((value) => Math.fround(Math.min(1, Math.max(0, value)))));
    const rows = randomRows('rows', 100, 6, 2);
    const out = await projected(threatModel(norm, 0.4), rows, clean, [0, 1]);
    out.forEach((row, i) => {
      expect(lengthOf[norm]!(row.map((value, j) => value - clean[i]![j]!))).toBeLessThanOrEqual(0.4 * (1 + 1e-6) + 1e-6);
      expect(row.every((value) => value >= 0 && value <= 1)).toBe(true);
    });
  });

  it('with a budget of zero gives the clean rows to the bit', async () => {
    const clean = randomRows('zero', 20, 5, 1).map((row) => row.map((value) => Math.fround(Math.min(1, Math.abs(value)))));
    expect(await projected(threatModel(norm, 0), randomRows('any', 20, 5, 2), clean, [0, 1])).toEqual(clean);
  });

  it('measures the distance that it limits', async () => {
    const rows = randomRows('distance', 10, 6, 1);
    const distance = tidy(() => threatModel(norm, 1).distance(tensor2d(rows), tensor2d(rows.map((row) => row.map(() => 0.25)))));
    await expectClose(distance, rows.map((row) => lengthOf[norm]!(row.map((value) => value - 0.25))), { relative: 1e-6 });
    distance.dispose();
  });
});

describe('L1 projection of equal and huge magnitudes', () => {
  it('shares the budget between ties', async () => {
    // By symmetry: four values of 1 onto a ball of 1 are four of 1/4; (3, 3, 0) onto 2 is (1, 1, 0).
    expect(await projected(l1(1), [[1, -1, 1, -1]], [[0, 0, 0, 0]], WIDE)).toEqual([[0.25, -0.25, 0.25, -0.25]]);
    expect(await projected(l1(2), [[3, 3, 0]], [[0, 0, 0]], WIDE)).toEqual([[1, 1, 0]]);
  });
});

describe('box', () => {
  it('is the whole range: only the bounds hold', async () => {
    const bounds = [-1, 2] as const;
    expect(box(bounds)).toMatchObject({ norm: 'box', eps: 3 });
    expect(await projected(box(bounds), [[-5, 5, 0.5]], [[2, -1, 0]], bounds)).toEqual([[-1, 2, 0.5]]);
  });
});

describe('threat models by name', () => {
  it('are the functions of the same name, with eps read', () => {
    expect(threatModel('Linf', '8/255')).toMatchObject({ norm: 'Linf', eps: 8 / 255 });
    expect([linf(1), l2(1), l1(1)].map(({ norm }) => norm)).toEqual(['Linf', 'L2', 'L1']);
  });

  it('refuses other names and bad budgets', () => {
    for (const name of ['linf', 'L0', '', 'constructor']) {
      expect(() => threatModel(name, 1)).toThrow(expect.objectContaining({ code: 'RJS_NORM' }));
    }
    for (const norm of ['Linf', 'L2', 'L1']) expect(() => threatModel(norm, -1)).toThrow(expect.objectContaining({ code: 'RJS_EPS' }));
  });
});

describe.each(['Linf', 'L2', 'L1'])('%s steepest step', (norm) => {
  const gradient = randomRows('gradient', 30, 5, 1);
  const threat = norm === 'L1' ? l1(1, { quantile: 1 }) : threatModel(norm, 1);
  const dual = { Linf: 'L1', L2: 'L2', L1: 'Linf' }[norm]!;
  const dot = (a: Vector, b: Vector): number => a.reduce((sum, value, i) => sum + value * b[i]!, 0);

  it('has length one and the largest inner product with the gradient of all such steps', async () => {
    const step = tidy(() => threat.steepest(tensor2d(gradient), tensor2d(gradient.map((row) => row.map(() => 0.5))), [0, 1]));
    const values = await numbersOf(step);
    step.dispose();
    const others = randomRows('others', 500, 5, 1).map((v) => v.map((value) => value / lengthOf[norm]!(v)));
    gradient.forEach((row, i) => {
      const mine = values.slice(i * 5, (i + 1) * 5);
      expect(lengthOf[norm]!(mine)).toBeCloseTo(1, 5);
      // Hölder: the maximum is the gradient's length in the dual norm.
      expect(dot(mine, row)).toBeCloseTo(lengthOf[dual]!(row), 4);
      expect(Math.max(...others.map((other) => dot(other, row)))).toBeLessThanOrEqual(dot(mine, row) + 1e-5);
    });
  });

  it('does not take a small gradient for none: 1e-30 counts as 1 does', async () => {
    const step = tidy(() => threat.steepest(tensor2d([[1e-30, 0], [0, -1e-30]]), tensor2d([[0.5, 0.5], [0.5, 0.5]]), [0, 1]));
    await expectClose(step, [1, 0, 0, -1], { relative: 1e-6 });
    step.dispose();
  });

  it('stays where the gradient is zero', async () => {
    const step = tidy(() => threat.steepest(tensor2d([[0, 0]]), tensor2d([[0.5, 0.5]]), [0, 1]));
    await expectSameBits((await numbersOf(step)).map(Math.abs), [0, 0]);
    dispose(step);
  });
});

describe('L1 steepest step', () => {
  it('moves the share of values that the quantile leaves, each by the same', async () => {
    // 0.99 of 200 values stay: the two largest move by one half each.
    const gradient = Array.from({ length: 200 }, (_, i) => (i === 17 ? -9 : i === 150 ? 8 : Math.sin(i)));
    const step = tidy(() => l1(1).steepest(tensor2d([gradient]), tensor2d([gradient.map(() => 0.5)]), [0, 1]));
    const values = await numbersOf(step);
    step.dispose();
    expect(values.map((value, i) => [i, value] as const).filter(([, value]) => value !== 0)).toEqual([[17, -0.5], [150, 0.5]]);
  });

  it('passes over values at the edge of the box that would leave it', async () => {
    // The largest gradient points out of the box at 1, the next out of it at 0; the third one is free.
    const step = tidy(() => l1(1, { quantile: 1 }).steepest(tensor2d([[5, -4, 3, 1]]), tensor2d([[1, 0, 0.2, 0.2]]), [0, 1]));
    expect(await numbersOf(step)).toEqual([0, -0, 1, 0].map((v) => expect.closeTo(v, 10) as number));
    step.dispose();
  });
});
