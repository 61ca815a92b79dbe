import { randomStream } from '@robustjs/core';
import { describe, expect, it } from 'vitest';
import {
  allTriplets, batchHard, byMargin, distanceWeighted, distanceWeights, type Miner, perClassBatch, randomTriplets, semiHard, softHard, withRhoRegularization,
} from '../src/index.ts';
import { A, B, type Batch, unitRows } from './batches.ts';

const mined = (miner: Miner, { degrees, labels }: Batch, seed = 0): number[][] => {
  const { anchors, positives, negatives } = miner({ embeddings: Float32Array.from(unitRows(degrees).flat()), dimensions: 2, labels: Int32Array.from(labels), random: randomStream(seed) });
  return Array.from(anchors, (anchor, i) => [anchor, positives[i]!, negatives[i]!]);
};

const distance = ({ degrees }: Batch, a: number, b: number): number => 2 * Math.sin((Math.abs(degrees[a]! - degrees[b]!) * Math.PI) / 360);

describe('miners', () => {
  it('all triplets, and those by margin: golden counts', () => {
    expect(mined(allTriplets, A)).toHaveLength(24);
    expect(mined(byMargin('all'), A)).toHaveLength(17);
    expect(mined(byMargin('hard'), A)).toHaveLength(15);
    expect(mined(byMargin('semi-hard'), A)).toEqual([[5, 4, 1], [5, 4, 2]]);
    expect(mined(byMargin('easy'), A)).toHaveLength(7);
  });

  it.each([['random', randomTriplets], ['batch-hard', batchHard], ['semi-hard', semiHard()], ['soft-hard', softHard], ['distance-weighted', distanceWeighted()]] as const)('%s gives valid triplets, the same for the same seed', (_name, miner) => {
    for (const seed of [0, 1, 2]) {
      const triplets = mined(miner, B, seed);
      expect(triplets.length).toBeGreaterThan(0);
      for (const [a, p, n] of triplets) expect([a !== p, B.labels[a!] === B.labels[p!], B.labels[a!] !== B.labels[n!]]).toEqual([true, true, true]);
      expect(mined(miner, B, seed)).toEqual(triplets);
    }
  });

  it('random triplets are as many as examples, none twice', () => {
    const triplets = mined(randomTriplets, B).map(String);
    expect(new Set(triplets).size).toBe(9);
  });

  it('batch-hard takes the farthest positive and the nearest negative', () => {
    for (const [a, p, n] of mined(batchHard, B)) {
      const others = B.labels.map((_, i) => i).filter((i) => i !== a);
      const near = others.filter((i) => B.labels[i] === B.labels[a!]).map((i) => distance(B, a!, i));
      const far = others.filter((i) => B.labels[i] !== B.labels[a!]).map((i) => distance(B, a!, i));
      expect(distance(B, a!, p!)).toBeCloseTo(Math.max(...near), 6);
      expect(distance(B, a!, n!)).toBeCloseTo(Math.min(...far), 6);
    }
  });

  it('semi-hard negatives lie behind the positive within the margin, where there are any', () => {
    for (let seed = 0; seed < 20; seed++) {
      for (const [a, p, n] of mined(semiHard(0.2), B, seed)) {
        const near = distance(B, a!, p!);
        const between = B.labels.map((_, i) => i).filter((i) => B.labels[i] !== B.labels[a!] && distance(B, a!, i) > near + 1e-6 && distance(B, a!, i) < near + 0.2 - 1e-6);
        if (between.length > 0) expect(between).toContain(n);
      }
    }
  });

  it('distance weights: golden values in four dimensions', () => {
    const rows = unitRows(A.degrees).map(([c, s]) => [c! * Math.sqrt(0.75), s! * Math.sqrt(0.75), Math.sqrt(0.125), Math.sqrt(0.125)]);
    const distances = [2, 3, 4, 5].map((i) => Math.hypot(...rows[0]!.map((x, k) => x - rows[i]![k]!)));
    const share = (weights: readonly number[]): number[] => weights.map((weight) => weight / weights.reduce((a, b) => a + b, 0));
    share(distanceWeights(distances, 4)).forEach((q, i) => expect(q).toBeCloseTo([0.4927362512, 0.1609125678, 0.1731755905, 0.1731755905][i]!, 6));
    expect(share(distanceWeights(distances, 4, { farthest: 1.4 }))).toEqual([1, 0, 0, 0]);
    // 128 dimensions: logarithms of the weights, up to a constant.
    const [half, one, far] = distanceWeights([0.5, 1, 1.6], 128).map(Math.log) as [number, number, number];
    expect(half - one).toBeCloseTo(91.37 - 17.98, 1);
    expect(far - one).toBeCloseTo(4.63 - 17.98, 1);
    expect(distanceWeights([2, 2], 128).every(Number.isFinite)).toBe(true);
  });

  it('an anchor whose negatives all lie beyond the bound has no triplet', () => {
    expect(mined(distanceWeighted({ farthest: 0.1 }), { degrees: [0, 10, 180, 190], labels: [0, 0, 1, 1] })).toEqual([]);
  });

  it('rho regularization turns the share of triplets that it is told', () => {
    const all = mined(allTriplets, B);
    expect(mined(withRhoRegularization(allTriplets, 0), B)).toEqual(all);
    for (const [a, p, n] of mined(withRhoRegularization(allTriplets, 1), B)) expect([a === p, a !== n, B.labels[n!] === B.labels[a!]]).toEqual([true, true, true]);
    const turned = mined(withRhoRegularization(allTriplets, 0.3), B).filter(([a, p]) => a === p).length / all.length;
    expect(Math.abs(turned - 0.3)).toBeLessThan(0.12);
  });
});

describe('batches by class', () => {
  const labels = Int32Array.from([0, 0, 0, 1, 1, 2, 3, 3]);

  it('hold groups of one class, never a class of one example', () => {
    const seen = new Set<number>();
    for (let step = 0; step < 50; step++) {
      const rows = perClassBatch(labels, { batchSize: 8, perClass: 2 }, randomStream(0).split(step));
      for (let i = 0; i < 8; i += 2) expect(labels[rows[i]!]).toBe(labels[rows[i + 1]!]);
      rows.forEach((row) => seen.add(row));
    }
    expect([...seen].sort()).toEqual([0, 1, 2, 3, 4, 6, 7]);
  });

  it('refuse what cannot be', () => {
    expect(() => perClassBatch(labels, { batchSize: 7 }, randomStream(0))).toThrow(expect.objectContaining({ code: 'RJS_METRIC_OPTION' }));
    expect(() => perClassBatch(Int32Array.of(0, 1, 2), { batchSize: 4 }, randomStream(0))).toThrow(expect.objectContaining({ code: 'RJS_METRIC_CLASSES' }));
  });
});
