import { randomStream } from '@robustjs/core';
import { expect, it } from 'vitest';
import { principalComponents } from '../src/index.ts';

it('finds the direction of points on a line, and their places on it', () => {
  // Points (1, 1) + t (3, 4) / 5 for t = -2, -1, 0, 1, 2: variance (4 + 1 + 0 + 1 + 4) / 5 = 2, all along (0.6, 0.8).
  const places = [-2, -1, 0, 1, 2];
  const { mean, directions, variances, project } = principalComponents({ values: Float32Array.from(places.flatMap((t) => [1 + 0.6 * t, 1 + 0.8 * t])), dimensions: 2 });
  expect(mean[0]).toBeCloseTo(1, 6);
  expect(directions[0]![0]).toBeCloseTo(0.6, 6);
  expect(directions[0]![1]).toBeCloseTo(0.8, 6);
  expect(variances[0]).toBeCloseTo(2, 5);
  expect(variances[1]).toBeCloseTo(0, 6);
  expect(project([1.6, 1.8])[0]).toBeCloseTo(1, 5);
  expect(project([1.6, 1.8])[1]).toBeCloseTo(0, 5);
});

it('gives orthogonal directions whose variances are those of the projections, largest first', () => {
  const [n, d] = [60, 4];
  const draws = randomStream(0).normal(n * d);
  const values = draws.map((value, i) => value * [1, 3, 0.5, 2][i % d]!);
  const { directions, variances, project } = principalComponents({ values, dimensions: d }, d);
  const coordinates = Array.from({ length: n }, (_, row) => project(values.subarray(row * d, (row + 1) * d)));
  for (let a = 0; a < d; a++) {
    expect(coordinates.reduce((sum, point) => sum + point[a]! ** 2, 0) / n).toBeCloseTo(variances[a]!, 4);
    if (a > 0) expect(variances[a]!).toBeLessThanOrEqual(variances[a - 1]!);
    for (let b = 0; b < d; b++) expect(directions[a]!.reduce((sum, value, k) => sum + value * directions[b]![k]!, 0)).toBeCloseTo(a === b ? 1 : 0, 6);
  }
});
