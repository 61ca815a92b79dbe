import { linf, type Model, modelOf, one, randomStream, RobustError, runAttack } from '@robustjs/core';
import { startWasm } from '@robustjs/backend-wasm';
import { type Dataset, memoryDataset } from '@robustjs/datasets';
import { matMul, memory, reshape, tensor, tensor1d, tensor2d, type Rank, type Tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { nearestPositives, queryAttack, targetRows } from '../../src/retrieval/attacks.ts';
import { type Gallery, galleryOf, retrievalLost, retrievalMargin } from '../../src/retrieval/gallery.ts';
import { lookUp } from '../../src/retrieval/plain.ts';

beforeAll(() => startWasm());

/** A gallery of given rows. */
function galleryFrom(rows: readonly (readonly number[])[], labels: readonly number[]): Gallery {
  const embeddings = tensor2d(rows as number[][]);
  const labelTensor = tensor1d([...labels], 'int32');
  return {
    embeddings, values: Float32Array.from(rows.flat()), dimensions: rows[0]!.length, labels: Int32Array.from(labels), labelTensor,
    dispose: () => [embeddings, labelTensor].forEach((x) => x.dispose()),
  };
}

/** Squared distances by plain loops. */
const squared = (a: readonly number[], b: readonly number[]): number => a.reduce((sum, value, k) => sum + (value - b[k]!) ** 2, 0);

/** Whether the nearest row but `own` is of another class, and how much nearer than the nearest of its own. */
function bruteForce(query: readonly number[], rows: readonly (readonly number[])[], labels: readonly number[], own: number): { lost: boolean; margin: number } {
  const others = rows.map((row, i) => ({ i, distance: squared(query, row) })).filter(({ i }) => i !== own).sort((a, b) => a.distance - b.distance || a.i - b.i);
  const nearest = (same: boolean): number => Math.min(...others.filter(({ i }) => (labels[i] === labels[own]) === same).map(({ distance }) => distance));
  return { lost: labels[others[0]!.i] !== labels[own], margin: nearest(true) - nearest(false) };
}

describe('retrieval lost', () => {
  it('agrees with brute force on random sets, and its margin with the distances', async () => {
    for (let trial = 0; trial < 10; trial++) {
      const random = randomStream(trial).split('trial');
      const [n, d] = [12, 3];
      const draws = random.normal(n * d);
      const rows = Array.from({ length: n }, (_, i) => [...draws.subarray(i * d, (i + 1) * d)]);
      const labels = rows.map((_, i) => i % 4);
      const noise = random.split('noise').normal(n * d);
      const queries = rows.map((row, i) => row.map((value, k) => value + 0.8 * noise[i * d + k]!));
      const gallery = galleryFrom(rows, labels);
      const before = memory().numTensors;
      const [outputs, goals] = [tensor2d(queries), tensor1d(rows.map((_, i) => i), 'int32')];
      const [lost, margin] = [retrievalLost(gallery)(outputs, goals), retrievalMargin(gallery)(outputs, goals)];
      const expected = queries.map((query, i) => bruteForce(query, rows, labels, i));
      expect(Array.from(await lost.data(), Boolean)).toEqual(expected.map((one) => one.lost));
      Array.from(await margin.data()).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!.margin, 4));
      queries.forEach((query, i) => expect(lookUp(Float32Array.from(query), gallery, i)).toMatchObject({ lost: expected[i]!.lost, tie: false }));
      [outputs, goals, lost, margin].forEach((x) => x.dispose());
      expect(memory().numTensors).toBe(before);
      gallery.dispose();
    }
  });

  it('leaves the own copy out by place: an exact copy of another class takes the query', async () => {
    // Row 1 lies where row 0 does, and is of another class: dropping the first neighbour would hide it.
    const gallery = galleryFrom([[0, 0], [0, 0], [3, 0]], [0, 1, 0]);
    const [outputs, goals] = [tensor2d([[0, 0], [2.9, 0]]), tensor1d([0, 2], 'int32')];
    const lost = retrievalLost(gallery)(outputs, goals);
    expect(Array.from(await lost.data(), Boolean)).toEqual([true, false]);
    expect(lookUp(Float32Array.of(0, 0), gallery, 0)).toEqual({ nearest: 1, lost: true, tie: false });
    // Row 0 and row 1 are equally near to row 2, one of each class: the first of equals counts.
    expect(lookUp(Float32Array.of(2.9, 0), gallery, 2)).toEqual({ nearest: 0, lost: false, tie: true });
    [outputs, goals, lost].forEach((x) => x.dispose());
    gallery.dispose();
  });
});

// A linear map of 4 pixels to 3 numbers.
const W = [[1, -2, 0.5], [0.3, 1, -1], [-0.7, 0.2, 2], [1.5, 0.4, -0.6]];
const linear = (): Model => modelOf((x) => matMul(reshape<Rank.R2>(x, [-1, 4]), tensor2d(W)), { inputShape: [2, 2, 1] });
const map = (x: ArrayLike<number>): number[] => [0, 1, 2].map((k) => W.reduce((sum, row, i) => sum + row[k]! * x[i]!, 0));
const pulled = (direction: readonly number[]): number[] => W.map((row) => Math.sign(row.reduce((sum, value, k) => sum + value * direction[k]!, 0)));

const IMAGES = [[0.5, 0.5, 0.5, 0.5], [0.52, 0.5, 0.49, 0.5], [0.1, 0.9, 0.2, 0.8], [0.9, 0.1, 0.8, 0.3], [0.8, 0.9, 0.1, 0.1], [0.2, 0.2, 0.9, 0.9]];
const LABELS = [0, 0, 1, 1, 2, 2];
const images = (ids?: number[]): Dataset => memoryDataset({
  id: 'six', split: 'test', inputShape: [2, 2, 1], classes: 3, images: Float32Array.from(IMAGES.flat()), labels: LABELS, ...(ids && { ids: Int32Array.from(ids) }),
});

/** What one long step does to image 0: a step of twice eps reaches the corner of the ball wherever the start was. */
async function oneStep(id: string, options: Record<string, unknown>): Promise<{ moved: number[]; gallery: Gallery; stream: ReturnType<typeof randomStream> }> {
  const [model, dataset, eps] = [linear(), images(), 0.001];
  const gallery = await galleryOf(model, one('main'), dataset);
  const stream = randomStream(3);
  const prepared = queryAttack({ id, options: { steps: 1, alpha: 2 * eps, ...options } }).on({ gallery, ids: dataset.ids, queries: Int32Array.of(0), random: stream });
  const [inputs, goals] = [tensor(IMAGES[0]!, [1, 2, 2, 1]), tensor1d([0], 'int32')];
  const result = await runAttack(prepared.attack, { model, inputs, ids: [0], labels: goals, threat: linf(eps), criterion: retrievalLost(gallery), random: stream });
  expect(result.success).toEqual([false]);
  const moved = Array.from(await result.adversarial.data(), (value, i) => Math.round((value - IMAGES[0]![i]!) / eps));
  [inputs, goals, result.adversarial].forEach((x: Tensor) => x.dispose());
  prepared.dispose();
  return { moved, gallery, stream };
}

describe('attacks on a linear map', () => {
  const minus = (a: readonly number[], b: readonly number[]): number[] => a.map((value, k) => value - b[k]!);
  const unit = (v: readonly number[]): number[] => v.map((value) => value / Math.sqrt(squared(v, v.map(() => 0))));
  const embedded = IMAGES.map(map);

  it('global goes straight away from the nearest embedding of the class: x + eps sign(W (Wx - r))', async () => {
    const before = memory().numTensors;
    const { moved, gallery } = await oneStep('global', {});
    expect(moved).toEqual(pulled(minus(embedded[0]!, embedded[1]!)));
    gallery.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('targets pull along the sum of unit vectors towards them: x + eps sign(W sum u_k)', async () => {
    for (const [id, count] of [['single-target', 1], ['multi-target', 3]] as const) {
      const { moved, gallery, stream } = await oneStep(id, count === 1 ? {} : { targets: count });
      const rows = [...targetRows({ gallery, ids: images().ids, queries: Int32Array.of(0), random: stream }, count, 'random').subarray(0, count)];
      expect(rows.every((row) => LABELS[row] !== 0)).toBe(true);
      const units = rows.map((row) => unit(minus(embedded[row]!, embedded[0]!)));
      expect(moved).toEqual(pulled([0, 1, 2].map((k) => units.reduce((sum, u) => sum + u[k]!, 0))));
      gallery.dispose();
    }
  });

  it('finds positives and nearest targets as brute force does, and draws targets by id', async () => {
    const gallery = await galleryOf(linear(), one('main'), images());
    const all = Int32Array.from(LABELS, (_, i) => i);
    const nearest = (row: number, allowed: (other: number) => boolean): number[] =>
      [...all].filter((other) => other !== row && allowed(other)).sort((a, b) => squared(embedded[row]!, embedded[a]!) - squared(embedded[row]!, embedded[b]!));
    expect([...nearestPositives(gallery, all)]).toEqual([...all].map((row) => nearest(row, (other) => LABELS[other] === LABELS[row])[0]));
    const stream = randomStream(0);
    const scene = (ids: Int32Array): Parameters<typeof targetRows>[0] => ({ gallery, ids, queries: all, random: stream });
    const near = targetRows(scene(all), 2, 'nearest');
    expect([...near]).toEqual([...all].flatMap((row) => nearest(row, (other) => LABELS[other] !== LABELS[row]).slice(0, 2)));
    // The same id draws the same numbers wherever it stands.
    const swapped = targetRows(scene(Int32Array.of(1, 0, 2, 3, 4, 5)), 4, 'random');
    const straight = targetRows(scene(all), 4, 'random');
    expect([...swapped.subarray(0, 4)]).toEqual([...straight.subarray(4, 8)]);
    gallery.dispose();
  });

  it.each([
    [{ id: 'pgd', options: {} }, 'among noise, untargeted, global, single-target, multi-target, margin'],
    [{ id: 'margin', options: { steps: 0 } }, 'options that margin takes'],
    [{ id: 'single-target', options: { targets: 2 } }, 'options that single-target takes'],
  ])('refuses %j', (recipe, expected) => {
    const refused = (): unknown => queryAttack(recipe);
    expect(refused).toThrow(RobustError);
    expect(refused).toThrow(expected);
  });
});
