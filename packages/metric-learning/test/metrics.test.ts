import { randomStream } from '@robustjs/core';
import { useWasm } from '@robustjs/testkit';
import { dispose, memory, profile, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { clusteringNmi, density, nearestNeighbors, normalizedMutualInformation, principalComponents, retrievalMetrics, singularValues, spectralDecay } from '../src/index.ts';
import { B, unitRows } from './batches.ts';

useWasm();

/** Random rows of unit length in plain arithmetic. */
function randomRows(count: number, dimensions: number, seed = 0): Float32Array {
  const values = randomStream(seed).normal(count * dimensions);
  for (let i = 0; i < count; i++) {
    const row = values.subarray(i * dimensions, (i + 1) * dimensions);
    const length = Math.hypot(...row);
    row.forEach((value, k) => (row[k] = value / length));
  }
  return values;
}

async function retrieved(values: Float32Array, dimensions: number, labels: Int32Array, ks?: readonly number[]) {
  const queries = tensor2d(values, [labels.length, dimensions]);
  const metrics = await retrievalMetrics({ queries, queryLabels: labels }, ks);
  queries.dispose();
  return metrics;
}

describe('retrieval', () => {
  it('golden values of nine vectors', async () => {
    const metrics = await retrieved(Float32Array.from(unitRows(B.degrees).flat()), 2, Int32Array.from(B.labels), [1, 2, 4]);
    expect(metrics.recall[1]).toBeCloseTo(4 / 9, 10);
    expect(metrics.recall[2]).toBeCloseTo(7 / 9, 10);
    expect(metrics.recall[4]).toBeCloseTo(8 / 9, 10);
    expect(metrics.rPrecision).toBeCloseTo(0.3888888889, 9);
    expect(metrics.mapAtR).toBeCloseTo(0.3055555556, 9);
  });

  it('agrees with brute force on random rows, block by block, with ties', async () => {
    const labels = Int32Array.from(randomStream(1).uniform(150), (u) => Math.floor(u * 12));
    const values = randomRows(150, 6);
    // Copies of other classes: equal distances.
    values.set(values.subarray(0, 60), 60);
    const metrics = await retrieved(values, 6, labels, [1, 3]);
    const distance = (a: number, b: number): number => Array.from({ length: 6 }, (_, k) => (values[a * 6 + k]! - values[b * 6 + k]!) ** 2).reduce((x, y) => x + y, 0);
    const all = Array.from(labels, (_, i) => i);
    const queries = all.filter((i) => all.some((j) => j !== i && labels[j] === labels[i]));
    const order = (i: number): number[] => all.filter((j) => j !== i).sort((a, b) => distance(i, a) - distance(i, b) || a - b);
    const recall = (k: number): number => queries.filter((i) => order(i).slice(0, k).some((j) => labels[j] === labels[i])).length / queries.length;
    expect(metrics.queries).toBe(queries.length);
    expect(Math.abs(metrics.recall[1]! - recall(1))).toBeLessThanOrEqual(1 / queries.length);
    expect(Math.abs(metrics.recall[3]! - recall(3))).toBeLessThanOrEqual(1 / queries.length);
    expect(metrics.mapAtR).toBeLessThanOrEqual(metrics.rPrecision);
  });

  it('a query never finds itself, but finds an exact copy of another class', async () => {
    const copies = Float32Array.from([1, 0, 1, 0, 0, 1, 0, 1]);
    expect((await retrieved(copies, 2, Int32Array.from([0, 1, 0, 1]), [1])).recall[1]).toBe(0);
    expect((await retrieved(copies, 2, Int32Array.from([0, 0, 1, 1]), [1])).recall[1]).toBe(1);
  });

  it('perfect clusters score 1, and recall does not fall with k', async () => {
    const labels = Int32Array.from({ length: 40 }, (_, i) => i % 4);
    const clustered = Float32Array.from(labels, (label) => label).reduce<number[]>((rows, label) => [...rows, ...[0, 1, 2, 3].map((k) => Number(k === label))], []);
    const perfect = await retrieved(Float32Array.from(clustered), 4, labels);
    expect([perfect.recall[1], perfect.rPrecision, perfect.mapAtR]).toEqual([1, 1, 1]);
    const { recall } = await retrieved(randomRows(40, 4), 4, labels, [1, 2, 4, 8, 39]);
    expect(Object.values(recall)).toEqual([...Object.values(recall)].sort((a, b) => a - b));
    expect(recall[39]).toBe(1);
  });

  it('attacked queries look in a clean gallery, their own clean copies left out by index', async () => {
    const gallery = tensor2d([[1, 0], [0.9, 0.1], [0, 1], [0.1, 0.9]]);
    const queries = tensor2d([[0.05, 0.95]]);
    const { recall, nearestIsRight } = await retrievalMetrics(
      { queries, queryLabels: Int32Array.of(0), gallery, galleryLabels: Int32Array.of(0, 0, 1, 1), excluded: Int32Array.of(0) }, [1, 3],
    );
    expect([recall[1], recall[3], nearestIsRight[0]]).toEqual([0, 1, false]);
    dispose([gallery, queries]);
  });

  it('finds neighbours as a full sort does, for any count', async () => {
    const values = randomRows(60, 5, 3);
    const queries = tensor2d(values, [60, 5]);
    const neighbors = await nearestNeighbors({ queries, queryLabels: new Int32Array(60) }, (i) => i);
    for (const i of [0, 1, 7, 40, 59]) {
      const order = Array.from({ length: 60 }, (_, j) => j).filter((j) => j !== i);
      const distance = (j: number): number => Array.from({ length: 5 }, (_, k) => (values[i * 5 + k]! - values[j * 5 + k]!) ** 2).reduce((a, b) => a + b, 0);
      expect([...neighbors.of(i)]).toEqual(order.sort((a, b) => distance(a) - distance(b)).slice(0, i));
    }
    queries.dispose();
  });

  it('looks 10,000 embeddings of 128 numbers up in blocks: no matrix of all pairs stands in memory', async () => {
    const [size, dimensions] = [10_000, 128];
    const values = randomRows(size, dimensions, 7);
    const labels = Int32Array.from({ length: size }, (_, i) => i % 100);
    const queries = tensor2d(values, [size, dimensions]);
    let found: Awaited<ReturnType<typeof retrievalMetrics>> | undefined;
    const held = memory().numBytes;
    const { peakBytes } = await profile(async () => {
      found = await retrievalMetrics({ queries, queryLabels: labels });
      return queries;
    });
    // All pairs would be 400 MB, several times.
    expect(peakBytes - held).toBeLessThan((size * size * 4) / 5);
    const { nearestIsRight } = found!;
    for (const i of [0, 1, 4999, 9999]) {
      const similarity = (j: number): number => values.subarray(i * dimensions, (i + 1) * dimensions).reduce((total, value, k) => total + value * values[j * dimensions + k]!, 0);
      const nearest = Array.from(labels, (_, j) => j).filter((j) => j !== i).reduce((best, j) => (similarity(j) > similarity(best) ? j : best));
      expect(nearestIsRight[i]).toBe(labels[nearest] === labels[i]);
    }
    queries.dispose();
  });

  it('refuses what it cannot judge', async () => {
    const queries = tensor2d([[1, 0], [0, 1]]);
    const broken = tensor2d([[NaN, 0], [0, 1]]);
    const code = (name: string): unknown => expect.objectContaining({ code: name });
    await expect(retrievalMetrics({ queries, queryLabels: Int32Array.of(0, 1) })).rejects.toThrow(code('RJS_METRIC_CLASSES'));
    await expect(retrievalMetrics({ queries, queryLabels: Int32Array.of(0) })).rejects.toThrow(code('RJS_METRIC_EMBEDDINGS'));
    await expect(retrievalMetrics({ queries: broken, queryLabels: Int32Array.of(0, 0) })).rejects.toThrow(code('RJS_METRIC_EMBEDDINGS'));
    // Not the first: with good queries, only the last score of each row is bad.
    for (const bad of [NaN, Infinity]) {
      const gallery = tensor2d([[0, 1], [1, 0], [0.6, bad]]);
      const asked = { queries, queryLabels: Int32Array.of(0, 1), gallery, galleryLabels: Int32Array.of(0, 1, 1), excluded: Int32Array.of(-1, -1) };
      await expect(retrievalMetrics(asked)).rejects.toThrow(code('RJS_METRIC_EMBEDDINGS'));
      await expect(retrievalMetrics({ ...asked, queries: gallery, queryLabels: asked.galleryLabels, gallery: queries, galleryLabels: asked.queryLabels, excluded: Int32Array.of(-1, -1, -1) })).rejects.toThrow(code('RJS_METRIC_EMBEDDINGS'));
      gallery.dispose();
    }
    dispose([queries, broken]);
  });
});

describe('geometry', () => {
  it('density: golden values', () => {
    const { intra, inter, ratio } = density({ values: Float32Array.from(unitRows(B.degrees).flat()), dimensions: 2, labels: Int32Array.from(B.labels) });
    expect(intra).toBeCloseTo(0.4753144411, 6);
    expect(inter).toBeCloseTo(1.1818911019, 6);
    expect(ratio).toBeCloseTo(0.4021643283, 6);
  });

  it('spectral decay: golden values', () => {
    expect(spectralDecay({ values: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1), dimensions: 3 })).toBeCloseTo(0, 12);
    const rows = { values: Float32Array.of(1, 0, 0, 0, 1, 0, 0, 0, 1, 1, 0, 0), dimensions: 3 };
    expect(spectralDecay(rows)).toBeCloseTo(0.0138103585, 8);
    // The divergence the other way round: sum of s ln(3 s) with s = sqrt 2, 1, 1 scaled to add up to 1.
    expect(spectralDecay(rows, -1)).toBeCloseTo(0.0142205928, 8);
    expect(singularValues(rows).map((value) => Number(value.toFixed(8)))).toEqual([1.41421356, 1, 1]);
  });

  it('mutual information: golden values, and k-means finds what is apart', () => {
    expect(normalizedMutualInformation(B.labels, [0, 0, 0, 0, 1, 1, 1, 2, 2])).toBeCloseTo(0.5895098275, 9);
    expect(normalizedMutualInformation([0, 0, 1, 1], [0, 1, 0, 1])).toBeCloseTo(0, 12);
    expect(normalizedMutualInformation(B.labels, B.labels)).toBeCloseTo(1, 12);
    const labels = Int32Array.from({ length: 30 }, (_, i) => i % 3);
    const noise = randomStream(2).normal(60);
    const values = Float32Array.from(noise, (value, i) => 10 * Math.floor((i / 2) % 3) + 0.1 * value);
    expect(clusteringNmi({ values, dimensions: 2, labels })).toBeCloseTo(1, 12);
    expect(clusteringNmi({ values, dimensions: 2, labels })).toBe(clusteringNmi({ values, dimensions: 2, labels }));
  });

  it('rows of zeros have no direction: density leaves them out, and where none is left says so', () => {
    const rows = [[1, 0], [0, 1], [0, 0], [1, 1], [-1, 1], [0, 0]];
    const labels = [0, 0, 0, 1, 1, 2];
    const of = (places: readonly number[]) => ({ values: Float32Array.from(places.flatMap((i) => rows[i]!)), dimensions: 2, labels: Int32Array.from(places, (i) => labels[i]!) });
    // Both classes are at right angles; their means lie at 45 and 90 degrees.
    const expected = { intra: expect.closeTo(1, 12) as number, inter: expect.closeTo(1 - Math.SQRT1_2, 12) as number, ratio: expect.closeTo(1 / (1 - Math.SQRT1_2), 10) as number };
    expect(density(of([0, 1, 3, 4]))).toEqual(expected);
    expect(density(of([0, 1, 2, 3, 4, 5]))).toEqual(expected);
    for (const nothing of [of([2, 2, 5, 5]), of([0, 1, 5, 5]), of([0, 3, 5, 5])]) expect(() => density(nothing)).toThrow(expect.objectContaining({ code: 'RJS_METRIC_CLASSES' }));
    // Opposite rows have a mean without a direction.
    expect(() => density({ values: Float32Array.of(1, 0, -1, 0, 0, 1, 0, 1), dimensions: 2, labels: Int32Array.of(0, 0, 1, 1) })).toThrow(expect.objectContaining({ code: 'RJS_METRIC_CLASSES' }));
  });

  it('a collapse into one place has no ratio, no groups, and an unused direction', () => {
    const rows = { values: Float32Array.from({ length: 24 }, (_, i) => [0.6, 0.8, 0][i % 3]!), dimensions: 3, labels: Int32Array.from({ length: 8 }, (_, i) => i % 2) };
    expect(density(rows)).toEqual({ intra: expect.closeTo(0, 12) as number, inter: expect.closeTo(0, 12) as number, ratio: null });
    expect(clusteringNmi(rows)).toBe(0);
    expect(spectralDecay(rows)).toBe(Infinity);
    expect(spectralDecay({ values: new Float32Array(6), dimensions: 3 })).toBe(Infinity);
    expect(spectralDecay({ values: new Float32Array(6), dimensions: 3 }, -1)).toBe(Infinity);
    expect(() => spectralDecay(rows, 4)).toThrow(expect.objectContaining({ code: 'RJS_METRIC_OPTION' }));
  });

  it('mutual information stays in [0, 1]', () => {
    // Independent labelings in thirds and fifths, and copies: 0 and 1 but for rounding.
    for (const size of [15, 30, 45, 60, 105]) {
      const [thirds, fifths] = [Array.from({ length: size }, (_, i) => i % 3), Array.from({ length: size }, (_, i) => Math.floor(i / 3) % 5)];
      for (const [a, b, near] of [[thirds, fifths, 0], [thirds, thirds, 1], [fifths, fifths, 1]] as const) {
        const value = normalizedMutualInformation(a, b);
        expect(value).toBeCloseTo(near, 12);
        expect(value >= 0 && value <= 1).toBe(true);
      }
    }
  });

  it('says that embeddings are not finite', () => {
    const rows = { values: Float32Array.of(1, 0, 0, 1, NaN, 0, 1, 1), dimensions: 2, labels: Int32Array.of(0, 0, 1, 1) };
    for (const measure of [density, spectralDecay, singularValues, clusteringNmi, principalComponents]) expect(() => measure(rows)).toThrow(expect.objectContaining({ code: 'RJS_METRIC_EMBEDDINGS' }));
  });
});
