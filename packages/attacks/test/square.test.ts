// Oracles: the sheet of window sizes; patterns by hand; every proposal held against the plain rules of algorithms 2 and 3 and
// against a plain loop that keeps the better image; a linear model whose best corner is known.
import { type Attack, l1, l2, linf, type Model, modelOf, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { binaryLinearModel, expectClose, numbersOf, useWasm } from '@robustjs/testkit';
import { dispose, fill, matMul, reshape, tensor, tensor1d, type Tensor, tensor4d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { square } from '../src/index.ts';
import { bumps } from '../src/square/bump.ts';
import { changedShare, oddSide, windowSide } from '../src/square/schedule.ts';
import { cornerAt } from '../src/square/windows.ts';

useWasm();

describe('the schedule', () => {
  /** The queries at which a side is first taken, with the side. */
  const changes = (side: (query: number) => number): [query: number, side: number][] =>
    Array.from({ length: 5000 }, (_, query) => [query, side(query)] as [number, number]).filter(([query, now]) => query === 0 || side(query - 1) !== now);

  it('has the windows of AutoAttack over 5000 queries', () => {
    expect(changes((query) => windowSide(changedShare(query, 0.8), 32, 32))).toEqual([[0, 29], [11, 20], [51, 14], [201, 10], [501, 7], [1001, 5], [2001, 4], [4001, 3]]);
    expect(changes((query) => windowSide(changedShare(query, 0.8), 28, 28))).toEqual([[0, 25], [11, 18], [51, 13], [201, 9], [501, 6], [1001, 4], [2001, 3], [4001, 2]]);
  });

  it('halves at 10 places of 10 000 queries, or of as many as there are', () => {
    expect([6000, 6001, 8000, 8001, 9999].map((query) => 0.8 / changedShare(query, 0.8))).toEqual([128, 256, 256, 512, 512]);
    // 1000 queries: 10 of 10 000 are over after the first.
    expect([0, 1, 2, 5, 6, 20, 21, 801].map((query) => 0.8 / changedShare(query, 0.8, 1000))).toEqual([1, 1, 2, 2, 4, 4, 8, 512]);
  });

  it('keeps windows in the image, and those with a center odd', () => {
    expect([windowSide(0.8, 4, 100), windowSide(1e-9, 4, 4)]).toEqual([4, 1]);
    expect([oddSide(0.8, 28, 28), oddSide(0.4, 28, 28), oddSide(0.05, 28, 28), oddSide(0.001, 28, 28), oddSide(0.8, 4, 4), oddSide(0.8, 2, 9)]).toEqual([25, 19, 7, 3, 3, 1]);
  });

  it('puts windows anywhere in the image', () => {
    const draws = [0, 0.2499, 0.25, 0.9999];
    expect(draws.map((u) => cornerAt(u, u, 3, [6, 10, 1]))).toEqual([{ top: 0, left: 0 }, { top: 0, left: 1 }, { top: 1, left: 2 }, { top: 3, left: 7 }]);
    expect(cornerAt(0.9999, 0.5, 6, [6, 6, 1])).toEqual({ top: 0, left: 0 });
  });
});

describe('the pattern', () => {
  it.each([[2, 1 / 4], [1, 1 / 16]] as const)('is two bumps of opposite signs, side 3, power %d', async (power, ring) => {
    // The upper one has one row, the lower two with the center in the second.
    const [top, low] = [[ring, 1 + ring, ring], [ring, ring, ring, ring, 1 + ring, ring]];
    const length = (v: number[]): number => v.reduce((sum, x) => sum + Math.abs(x) ** power, 0) ** (1 / power);
    const both = [...top.map((v) => v / length(top)), ...low.map((v) => -v / length(low))];
    await expectClose(bumps(3, power), both.map((v) => v / length(both)), { relative: 1e-6 });
  });

  it.each([1, 2, 4, 7, 25])('has length 1, side %d', (side) => {
    const squares = bumps(side, 2).reduce((sum, v) => sum + v * v, 0);
    const magnitudes = bumps(side, 1).reduce((sum, v) => sum + Math.abs(v), 0);
    expect([squares, magnitudes]).toEqual([expect.closeTo(1, 5), expect.closeTo(1, 5)]);
  });
});

const SHAPE = [9, 7, 2] as const;
const SIZE = 9 * 7 * 2;

interface Watched {
  readonly proposals: number[][][];
  readonly margins: number[][];
}

/** What Square proposes, image by image, and the logit differences that it is told. Nothing breaks a row. */
async function watched(attack: Attack, threat: ThreatModel, clean: number[][], bounds: readonly [number, number] = [-9, 9]): Promise<Watched> {
  const weights = tensor(randomStream(8).normal(SIZE * 2), [SIZE, 2]);
  const seen: [Promise<number[]>, Promise<number[]>][] = [];
  const model: Model = modelOf(
    (x) => {
      const outputs = matMul(reshape(x, [-1, SIZE]), weights as Tensor<never>);
      seen.push([numbersOf(x), numbersOf(outputs)]);
      return outputs;
    },
    { inputShape: SHAPE, bounds, differentiable: false },
  );
  const inputs = tensor4d(clean.flat(), [clean.length, ...SHAPE]);
  const labels = tensor1d(clean.map(() => 0), 'int32');
  const never = (outputs: Tensor) => fill([outputs.shape[0]], 0, 'bool');
  const { adversarial } = await runAttack(attack, { model, inputs, labels, ids: clean.map((_, i) => 10 + i), threat, random: randomStream(2), criterion: never as never });
  const values = await Promise.all(seen.map(async ([x, outputs]) => [await x, await outputs] as const));
  dispose([weights, inputs, labels, adversarial]);
  const images = clean.map((_, row) => row);
  return {
    proposals: images.map((row) => values.map(([x]) => x.slice(row * SIZE, (row + 1) * SIZE))),
    margins: images.map((row) => values.map(([, outputs]) => outputs[2 * row + 1]! - outputs[2 * row]!)),
  };
}

const images = (count: number, [low, high]: readonly [number, number]): number[][] =>
  Array.from({ length: count }, (_, i) => [...randomStream(4).split(i).uniform(SIZE)].map((u) => low + u * (high - low)));

/** Places where two images differ. */
const changed = (a: readonly number[], b: readonly number[]): number[] => a.flatMap((v, i) => (Math.abs(v - b[i]!) > 1e-6 ? [i] : []));
const [rowOf, columnOf, channelOf] = [(i: number) => Math.floor(i / 14), (i: number) => Math.floor(i / 2) % 7, (i: number) => i % 2];
/** Height and width of what holds these places. */
const extent = (places: readonly number[]): [number, number] => {
  const span = (of: (i: number) => number): number => Math.max(...places.map(of)) - Math.min(...places.map(of)) + 1;
  return [span(rowOf), span(columnOf)];
};

/** The best image before each proposal after the first, by a plain loop. */
function bestBefore({ proposals, margins }: Watched, image: number): number[][] {
  let best = 0;
  return proposals[image]!.slice(1).map((_, at) => {
    if (margins[image]![at]! > margins[image]![best]!) best = at;
    return proposals[image]![best]!;
  });
}

describe('the proposals', () => {
  it('under Linf start as stripes at +-eps, and set a window of each channel to one of the two', async () => {
    const clean = images(3, [0.05, 0.95]);
    const seen = await watched(square({ queries: 60 }), linf(0.1), clean, [0, 1]);
    const moved = (row: number, v: number, i: number): number => Math.sign(v - clean[row]![i]!);
    for (const row of [0, 1, 2]) {
      const all = seen.proposals[row]!.slice(0, -1);
      for (const image of all) await expectClose(image, image.map((v, i) => Math.min(1, Math.max(0, clean[row]![i]! + 0.1 * moved(row, v, i)))), { relative: 1e-6 });
      const start = all[0]!.map((v, i) => moved(row, v, i));
      expect(start).toEqual(start.map((_, i) => start[i % 14]));
      expect(new Set(start)).toEqual(new Set([-1, 1]));
      const before = bestBefore(seen, row);
      for (const [query, image] of all.slice(1).entries()) {
        const places = changed(image, before[query]!);
        const side = windowSide(changedShare(query, 0.8), 9, 7);
        for (const channel of [0, 1]) {
          const here = places.filter((i) => channelOf(i) === channel);
          if (here.length === 0) continue;
          const [height, width] = extent(here);
          expect(Math.max(height, width)).toBeLessThanOrEqual(side);
          expect(new Set(here.map((i) => moved(row, image[i]!, i))).size).toBe(1);
        }
      }
    }
    // Images draw windows of their own.
    expect(changed(seen.proposals[0]![30]!, bestBefore(seen, 0)[29]!)).not.toEqual(changed(seen.proposals[1]![30]!, bestBefore(seen, 1)[29]!));
  });

  it.each([['L2', l2(2), 2], ['L1', l1(6), 1]] as const)('under %s spend the whole budget, and move what one window held to another', async (_norm, threat, power) => {
    const clean = images(2, [-1, 1]);
    const seen = await watched(square({ queries: 40 }), threat, clean);
    for (const row of [0, 1]) {
      const all = seen.proposals[row]!.slice(0, -1);
      const delta = (image: readonly number[]): number[] => image.map((v, i) => v - clean[row]![i]!);
      for (const image of all) {
        const length = delta(image).reduce((sum, v) => sum + Math.abs(v) ** power, 0) ** (1 / power);
        expect(length / threat.eps).toBeCloseTo(1, 5);
      }
      const before = bestBefore(seen, row);
      for (const [query, image] of all.slice(1).entries()) {
        if (power === 1) continue;
        // Outside both windows the perturbation is as it was, but for the scale that brings it to the budget.
        const [now, old] = [delta(image), delta(before[query]!)];
        const ratios = now.map((v, i) => v / old[i]!).filter((ratio) => Number.isFinite(ratio) && ratio > 0);
        const kept = ratios.filter((ratio) => Math.abs(ratio - 1) < 1e-3).length;
        const side = oddSide(changedShare(query, 0.8), 9, 7);
        if (2 * side * side < 40) expect(kept).toBeGreaterThanOrEqual(old.filter((v) => v !== 0).length - 4 * side * side);
      }
    }
  });

  it('leave the window that is emptied, in L2, without a perturbation', async () => {
    const clean = images(1, [-1, 1]);
    const seen = await watched(square({ queries: 30, initialShare: 0.1 }), l2(2), clean);
    const before = bestBefore(seen, 0);
    const emptied = seen.proposals[0]!.slice(1, -1).map((image, query) =>
      image.flatMap((v, i) => (Math.abs(v - clean[0]![i]!) < 1e-6 && Math.abs(before[query]![i]! - clean[0]![i]!) > 1e-4 ? [i] : [])));
    expect(emptied.some((places) => places.length > 0)).toBe(true);
    for (const places of emptied.filter((found) => found.length > 0)) expect(Math.max(...extent(places))).toBeLessThanOrEqual(3);
  });
});

describe('Square', () => {
  // 16 pixels: all of them have been in windows of side 1 after a while, so the best corner is found.
  const weights = [...randomStream(1).normal(16)];
  const imageModel = (): Model & { radius: number } => {
    const flat = binaryLinearModel(weights, 0.4, [-5, 5]);
    const radius = flat.distance(Array<number>(16).fill(0), 1, 'Linf');
    return { ...flat, inputShape: [4, 4, 1], forward: (x, pass) => tidy(() => flat.forward(reshape(x, [-1, 16]), pass)), radius };
  };
  const attacked = async (attack: Attack, model: Model, threat: ThreatModel) => {
    const [inputs, labels] = [fill([2, 4, 4, 1], 0), tensor1d([1, 1], 'int32')];
    const result = await runAttack(attack, { model, inputs, labels, ids: [4, 9], threat, random: randomStream(0) });
    dispose([inputs, labels, result.adversarial]);
    return result;
  };

  it('breaks a linear model under Linf if and only if eps exceeds the distance', async () => {
    const model = imageModel();
    // Windows of one pixel from query 201 on.
    const attack = square({ queries: 600 });
    expect((await attacked(attack, model, linf(model.radius * 0.999))).success).toEqual([false, false]);
    const { success, queries, gradientCalls } = await attacked(attack, model, linf(model.radius * 1.001));
    expect(success).toEqual([true, true]);
    expect([...gradientCalls]).toEqual([0, 0]);
    // A row leaves with the query that broke it.
    expect(Math.max(...queries)).toBeLessThan(600);
    model.dispose();
  });

  // Bumps are of both signs and spread out, so that they need more than the one best perturbation.
  it.each([['L2', l2, 2], ['L1', l1, 6]] as const)('does not break it below the distance, and does well beyond it, %s', async (norm, threat, share) => {
    const model = imageModel();
    const flat = binaryLinearModel(weights, 0.4, [-5, 5]);
    const radius = flat.distance(Array<number>(16).fill(0), 1, norm);
    expect((await attacked(square({ queries: 300 }), model, threat(radius * 0.999))).success).toEqual([false, false]);
    expect((await attacked(square({ queries: 300 }), model, threat(radius * share))).success).toEqual([true, true]);
    flat.dispose();
    model.dispose();
  });

  it('keeps what is better by cross-entropy as by the margin where there are two classes', async () => {
    const model = imageModel();
    const [margin, entropy] = [square({ queries: 300 }), { ...square({ queries: 300, objective: 'cross-entropy' }), id: 'square' }];
    const threat = linf(model.radius * 1.05);
    expect((await attacked(entropy, model, threat)).queries).toEqual((await attacked(margin, model, threat)).queries);
    model.dispose();
  });

  it('draws anew in a restart', async () => {
    const model = imageModel();
    const threat = linf(model.radius * 0.9);
    expect([...(await attacked(square({ queries: 5, restarts: 3 }), model, threat)).queries]).toEqual([19, 19]);
    const best = async (restarts: number): Promise<number[]> => [...(await attacked(square({ queries: 5, restarts }), model, threat)).values];
    const [once, often] = [await best(1), await best(6)];
    expect(often.every((value, i) => value >= once[i]!)).toBe(true);
    expect(often.some((value, i) => value > once[i]!)).toBe(true);
    model.dispose();
  });

  it('refuses inputs that are no images, and a search without a budget', async () => {
    const model = binaryLinearModel([1, 2]);
    const [inputs, labels] = [tensor([[0.5, 0.5]]), tensor1d([1], 'int32')];
    const problem = { model, inputs, labels, ids: [0], random: randomStream(0) };
    await expect(runAttack(square(), { ...problem, threat: linf(0.1) })).rejects.toThrow(expect.objectContaining({ code: 'RJS_ATTACK_INPUT' }));
    await expect(runAttack(square(), { ...problem, threat: linf(Infinity) })).rejects.toThrow(expect.objectContaining({ code: 'RJS_ATTACK_BUDGET' }));
    dispose([inputs, labels]);
    model.dispose();
  });

  it.each([{ queries: 0 }, { initialShare: 1 }, { restarts: 0 }, { objective: 'hinge' }, { steps: 3 }])('refuses %j', (options) => {
    expect(() => square(options as object)).toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
  });
});
