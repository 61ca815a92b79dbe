import { useWasm } from '@robustjs/testkit';
import type { Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { randomStream } from '../src/index.ts';

useWasm();

const average = (values: ArrayLike<number>): number => Array.from(values).reduce((sum, value) => sum + value, 0) / values.length;

async function taken(x: Tensor): Promise<number[]> {
  const values = Array.from(await x.data());
  x.dispose();
  return values;
}

/** Pearson's statistic of counts against equal chances; with k counts its mean is k - 1 and its variance 2 (k - 1). */
function chiSquare(counts: readonly number[]): number {
  const expected = average(counts);
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

function expectUniform(counts: readonly number[]): void {
  const freedom = counts.length - 1;
  expect(Math.abs(chiSquare(counts) - freedom)).toBeLessThan(4 * Math.sqrt(2 * freedom));
}

const counted = (values: Iterable<number>, bins: number): number[] => {
  const counts = Array<number>(bins).fill(0);
  for (const value of values) counts[value]! += 1;
  return counts;
};

describe('random stream', () => {
  it('is pinned: these numbers are part of every published result', () => {
    expect([...randomStream(0).uniform(3)]).toEqual([0.5638760328292847, 0.8753857612609863, 0.16485154628753662]);
    expect([...randomStream(0).permutation(8)]).toEqual([4, 3, 0, 1, 6, 7, 5, 2]);
    expect([...randomStream(1).split('start', 2).uniform(2)]).toEqual([0.32419896125793457, 0.6080686450004578]);
    expect([...randomStream(0).normal(3)]).toEqual([0.1608039140701294, 1.152225375175476, -0.9747118949890137]);
  });

  it('is a value: the same call gives the same numbers, and a longer call starts with them', () => {
    const stream = randomStream(7).split('a');
    expect(stream.uniform(5)).toEqual(stream.uniform(5));
    expect(stream.uniform(9).slice(0, 5)).toEqual(stream.uniform(5));
    expect(randomStream(7).split('a').normal(5)).toEqual(stream.normal(5));
  });

  it('tells names apart: order, kind, nesting, seed and sign', () => {
    const firsts = [
      randomStream(0), randomStream(1), randomStream(-1), randomStream(2 ** 40), randomStream(0).split('a'), randomStream(0).split('b'),
      randomStream(0).split('a', 'b'), randomStream(0).split('b', 'a'), randomStream(0).split('ab'), randomStream(0).split('1'),
      randomStream(0).split(1), randomStream(0).split(1, 1), randomStream(0).split(11), randomStream(0).split(0.5), randomStream(0).split(''),
    ].map((stream) => stream.uniform(2).join());
    expect(new Set(firsts).size).toBe(firsts.length);
    expect(randomStream(0).split('a').split('b').uniform(2)).toEqual(randomStream(0).split('a', 'b').uniform(2));
  });

  it('refuses a seed that is not a whole number', () => {
    for (const seed of [0.5, NaN, Infinity, 2 ** 53]) {
      expect(() => randomStream(seed)).toThrow(expect.objectContaining({ code: 'RJS_SEED' }));
    }
  });
});

describe('uniform draws', () => {
  const draws = randomStream(11).split('uniform').uniform(1 << 16);

  it('are multiples of 2^-24 in [0, 1)', () => {
    for (const u of draws) expect(u >= 0 && u < 1 && Number.isInteger(u * 2 ** 24)).toBe(true);
  });

  it('fill 256 bins evenly, by their high bits and by their low ones', () => {
    expectUniform(counted(draws.map((u) => Math.floor(u * 256)), 256));
    expectUniform(counted(draws.map((u) => (u * 2 ** 24) % 256), 256));
  });

  it('come in pairs that fill the square: neighbours in a stream, and the first of neighbouring streams', () => {
    const pair = (a: number, b: number): number => Math.floor(a * 16) * 16 + Math.floor(b * 16);
    expectUniform(counted(Array.from({ length: 1 << 15 }, (_, i) => pair(draws[2 * i]!, draws[2 * i + 1]!)), 256));
    const firsts = Array.from({ length: 8193 }, (_, i) => randomStream(5).split(i).uniform(1)[0]!);
    expectUniform(counted(firsts.slice(1).map((u, i) => pair(firsts[i]!, u)), 256));
  });
});

describe('normal draws', () => {
  it('have the moments of a standard normal: 0, 1, 0, 3', () => {
    const draws = randomStream(13).normal(1 << 16);
    // Standard deviations of the sample moments: sqrt(1, 2, 15, 96) / sqrt(n), four of them allowed.
    const within = [1, 2, 15, 96].map((variance) => 4 * Math.sqrt(variance / draws.length));
    [0, 1, 0, 3].forEach((moment, i) => expect(Math.abs(average(draws.map((z) => z ** (i + 1))) - moment)).toBeLessThan(within[i]!));
  });
});

describe('rows of draws', () => {
  it('depend on the id of the example, not on its place or its company', async () => {
    const stream = randomStream(3).split('start');
    for (const kind of ['uniformRows', 'normalRows'] as const) {
      const together = await taken(stream[kind]([40, 7, 12], [2, 3]));
      const alone = await taken(stream[kind]([7], [2, 3]));
      const swapped = await taken(stream[kind](new Int32Array([12, 7]), [2, 3]));
      expect(together.slice(6, 12)).toEqual(alone);
      expect(swapped).toEqual([...together.slice(12), ...together.slice(6, 12)]);
      expect(new Set(together).size).toBe(18);
    }
  });

  it('have the shape asked for, one number a row included', () => {
    const shapes = [[2, 3, 1], [2], [0, 4]].map((shape) => {
      const x = randomStream(0).uniformRows(Array.from({ length: shape[0]! }, (_, i) => i), shape.slice(1));
      x.dispose();
      return x.shape;
    });
    expect(shapes).toEqual([[2, 3, 1], [2], [0, 4]]);
  });
});

describe('permutation', () => {
  it('is one, for every size', () => {
    for (const count of [0, 1, 2, 17, 1000]) {
      expect([...randomStream(count).permutation(count)].sort((a, b) => a - b)).toEqual(Array.from({ length: count }, (_, i) => i));
    }
  });

  it('gives each of the 24 orders of 4 things equally often', () => {
    const counts = new Map<string, number>();
    for (let i = 0; i < 24 * 400; i++) {
      const order = randomStream(1).split('order', i).permutation(4).join('');
      counts.set(order, (counts.get(order) ?? 0) + 1);
    }
    expect(counts.size).toBe(24);
    expectUniform([...counts.values()]);
  });
});
