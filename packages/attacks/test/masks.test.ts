// Oracles: plain loops over all rectangles and positions, and linear models, where the best values inside a mask are known.
import { type Attack, type AttackProblem, type Bounds, l2, type Model, modelOf, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { expectClose, expectSameBits, numbersOf, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { concat, dispose, mul, reshape, sum, type Tensor, tensor, tensor1d, tidy, zeros, zerosLike } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { adversarialFraming, framing, patch, pixels, randomPatch, randomPixels, roa, saltAndPepper } from '../src/index.ts';
import type { Answer, Row } from '../src/queries/by-row.ts';
import { salted, sprinkle } from '../src/masks/salt-and-pepper.ts';
import { distanceOf } from '../src/queries/vectors.ts';

useWasm();

const BOX: Bounds = [0, 1];
const draws = (name: string, size: number): number[] => [...randomStream(11).split(name).uniform(size)];

/** Which values differ, in order. */
async function changedIn(a: Tensor, b: Tensor): Promise<boolean[]> {
  const [x, y] = [await numbersOf(a), await numbersOf(b)];
  return x.map((value, i) => value !== y[i]);
}

/** Two classes on images or clips: logits `[0, w.x]`. */
function linearOn(shape: number[], weights: number[]): Model {
  const w = (x: Tensor): Tensor => sum(mul(reshape(x, [x.shape[0], -1]), weights), 1, true);
  return modelOf((x) => tidy(() => concat([zerosLike(w(x)), w(x)], 1)), { inputShape: shape });
}

async function attacked(attack: Attack, model: Model, threat: ThreatModel, values: number[], more: Partial<AttackProblem> = {}): Promise<number[]> {
  const [inputs, labels] = [tensor(values, [1, ...model.inputShape]), tensor1d([1], 'int32')];
  const { adversarial, rejected } = await runAttack(attack, { model, inputs, labels, ids: [2], threat, random: randomStream(1), ...more });
  expect([...rejected]).toEqual([0]);
  const numbers = await numbersOf(adversarial);
  dispose([inputs, labels, adversarial]);
  return numbers;
}

describe('areas', () => {
  it.each([
    ['a patch of 30 of 112', patch(30), 900], ['a frame of 5', framing(5), 112 ** 2 - 102 ** 2], ['100 pixels', pixels(100), 100],
  ] as const)('of %s are what may change, in every frame and channel', async (_what, threat, positions) => {
    const clean = zeros([2, 3, 112, 112, 3]);
    const start = threat.randomStart(clean, [1, 2], randomStream(0), [0.1, 1]);
    const changed = await changedIn(start, clean);
    for (let frame = 0; frame < 6; frame++) {
      expect(changed.slice(frame * 112 ** 2 * 3, (frame + 1) * 112 ** 2 * 3).filter(Boolean).length).toBe(3 * positions);
    }
    const distance = threat.distance(start, clean);
    expect(await numbersOf(distance)).toEqual([threat.eps, threat.eps]);
    dispose([clean, start, distance]);
  });
});

describe('a frame', () => {
  it('is the union of four strips, and its distance the narrowest that covers', async () => {
    const [height, width] = [5, 7];
    const clean = zeros([1, height, width, 2]);
    for (const thickness of [0, 1, 2, 3]) {
      const moved = framing(thickness).randomStart(clean, [0], randomStream(0), [0.5, 1]);
      const changed = await changedIn(moved, clean);
      changed.forEach((is, place) => {
        const [i, j] = [Math.floor(place / (2 * width)), Math.floor(place / 2) % width];
        expect(is).toBe(i < thickness || i >= height - thickness || j < thickness || j >= width - thickness);
      });
      moved.dispose();
    }
    for (const [i, j, depth] of [[0, 3, 1], [2, 1, 2], [2, 3, 3], [3, 5, 2]] as const) {
      const one = tensor(Float32Array.from({ length: 70 }, (_, place) => (place === (i * width + j) * 2 ? 0.1 : 0)), [1, height, width, 2]);
      const distance = framing(1).distance(one, clean);
      expect(await numbersOf(distance)).toEqual([depth]);
      dispose([one, distance]);
    }
    clean.dispose();
  });
});

describe('a patch', () => {
  const shape = [2, 6, 5, 2] as const;
  const clean = draws('clean', 120);
  const inputs = draws('inputs', 120).map((u) => 2 * u - 0.5);

  /** All rectangles of a frame, with whether a place lies inside. */
  function* rectangles(height: number, width: number): Generator<(i: number, j: number) => boolean> {
    for (let top = 0; top + height <= shape[1]; top++) {
      for (let left = 0; left + width <= shape[2]; left++) yield (i, j) => i >= top && i < top + height && j >= left && j < left + width;
    }
  }

  it.each([[[2, 3]], [[3, 3]], [[1, 4]], [[6, 5]]] as const)('of %s is projected onto by trying every rectangle', async (size) => {
    const expected = Array.from({ length: shape[0] }, (_, row) => {
      const own = (values: number[]): number[] => values.slice(row * 60, (row + 1) * 60);
      let [best, least] = [[] as number[], Infinity];
      for (const inside of rectangles(...(size as [number, number]))) {
        const candidate = own(clean).map((value, place) => (inside(Math.floor(place / 10), Math.floor(place / 2) % 5) ? Math.min(1, Math.max(0, own(inputs)[place]!)) : value));
        const distance = candidate.reduce((total, value, place) => total + (value - own(inputs)[place]!) ** 2, 0);
        if (distance < least) [best, least] = [candidate, distance];
      }
      return best;
    }).flat();
    const [x, y] = [tensor(inputs, [...shape]), tensor(clean, [...shape])];
    const threat = patch(size);
    const projected = threat.project(x, y, BOX);
    await expectClose(projected, expected, { absolute: 1e-6 });
    const again = threat.project(projected, y, BOX);
    await expectSameBits(again, projected);
    dispose([x, y, projected, again]);
  });

  it('measures by the smallest rectangle of its proportions', async () => {
    const at = (...places: [number, number][]): Tensor => tensor(Float32Array.from({ length: 60 }, (_, p) => (places.some(([i, j]) => p === (i * 5 + j) * 2 + 1) ? 0.3 : 0)), [1, 6, 5, 2]);
    const none = zeros([1, 6, 5, 2]);
    // 4 x 2 proportions: a pixel needs the larger of down and twice across.
    for (const [changed, expected] of [[at(), 0], [at([3, 2]), 2], [at([0, 0], [5, 0]), 6], [at([1, 1], [2, 3]), 6]] as const) {
      const distance = patch([4, 2]).distance(changed, none);
      expect(await numbersOf(distance)).toEqual([expected]);
      dispose([changed, distance]);
    }
    none.dispose();
  });

  it('steps where a linear function gains most, and lies in each frame of a clip in a place of its own', async () => {
    const gradient = tensor(draws('gradient', 120).map((u) => u - 0.5), [1, 2, 6, 5, 2]);
    const g = await numbersOf(gradient);
    const direction = patch(2).steepest(gradient, gradient, BOX);
    const d = await numbersOf(direction);
    for (let frame = 0; frame < 2; frame++) {
      let most = 0;
      for (const inside of rectangles(2, 2)) {
        let total = 0;
        for (let p = 0; p < 60; p++) if (inside(Math.floor(p / 10), Math.floor(p / 2) % 5)) total += Math.abs(g[frame * 60 + p]!);
        most = Math.max(most, total);
      }
      expect(d.slice(frame * 60, frame * 60 + 60).reduce((total, value, p) => total + value * g[frame * 60 + p]!, 0)).toBeCloseTo(most, 5);
    }
    expect(Math.max(...d)).toBe(1);
    const frames = zeros([1, 2, 6, 5, 2]);
    const moved = patch(2).randomStart(frames, [4], randomStream(3), [0.5, 1]);
    const changed = await changedIn(moved, frames);
    expect(changed.slice(0, 60)).not.toEqual(changed.slice(60));
    dispose([gradient, direction, frames, moved]);
  });
});

describe('pixels', () => {
  it('count in every frame, and are L0 on images', async () => {
    const clip = zeros([1, 2, 3, 3, 2]);
    const changed = tensor(Float32Array.from({ length: 36 }, (_, p) => ([0, 1, 4, 20].includes(p) ? 0.4 : 0)), [1, 2, 3, 3, 2]);
    const distance = pixels(1).distance(changed, clip);
    // Positions 0 and 2 of the first frame, 1 of the second.
    expect(await numbersOf(distance)).toEqual([2]);
    const projected = pixels(1).project(changed, clip, BOX);
    expect((await numbersOf(projected)).map((value, p) => (value === 0 ? -1 : p)).filter((p) => p >= 0)).toEqual([0, 1, 20]);
    dispose([clip, changed, distance, projected]);
  });

  it.each(['1.5', -1])('are a whole number: not %s', (count) => {
    for (const make of [patch, framing, pixels]) expect(() => make(count)).toThrow(expect.objectContaining({ code: 'RJS_EPS' }));
  });
});

describe('attacks inside a mask, on linear models', () => {
  const weights = draws('weights', 64).map((u) => u - 0.5);
  const clean = draws('image', 64).map((u) => 0.2 + 0.6 * u);
  const model = linearOn([8, 8, 1], weights);
  const [one] = [{ steps: 1, alpha: 1 }];
  /** Class 1 loses most where a value goes to 0 under a positive weight and to 1 under a negative one. */
  const worst = (place: number): number => (weights[place]! > 0 ? 0 : 1);
  const score = (x: number[]): number => x.reduce((total, value, i) => total + value * weights[i]!, 0);

  it.each([
    ['adversarial-framing', adversarialFraming(one), framing(2), 64 - 16], ['random-patch', randomPatch(one), patch(3), 9], ['random-pixels', randomPixels(one), pixels(10), 10], ['roa', roa(one), patch(3), 9],
  ] as const)('%s is at the best corner after one step of the whole range, and nothing else changed by a bit', async (_id, attack, threat, size) => {
    const found = await attacked(attack, model, threat, clean, { keep: 'last' });
    const kept = Array.from(Float32Array.from(clean));
    const changed = found.map((value, i) => value !== kept[i]);
    expect(changed.filter(Boolean).length).toBe(size);
    found.forEach((value, i) => changed[i] && expect(value).toBe(worst(i)));
  });

  it('nested budgets only help: a wider frame, and the same with fixed seeds', async () => {
    const scores: number[] = [];
    for (const width of [0, 1, 2, 3, 4]) scores.push(score(await attacked(adversarialFraming(one), model, framing(width), clean, { keep: 'last' })));
    expect(scores).toEqual([...scores].sort((a, b) => b - a));
    // The whole image: every value at its worst corner.
    expect(scores[4]!).toBeCloseTo(score(clean.map((_, i) => worst(i))), 4);
  });

  it('roa finds the place that a plain loop over all of them finds, and the gradient names it among a few', async () => {
    const covered = (top: number, left: number): number[] =>
      clean.map((value, p) => (Math.floor(p / 8) >= top && Math.floor(p / 8) < top + 3 && p % 8 >= left && p % 8 < left + 3 ? 0.5 : value));
    let [best, least] = [[0, 0], Infinity];
    for (let top = 0; top <= 5; top++) for (let left = 0; left <= 5; left++) if (score(covered(top, left)) < least) [best, least] = [[top, left], score(covered(top, left))];
    const found = await attacked(roa({ ...one, search: 'exhaustive' }), model, patch(3), clean, { keep: 'last' });
    const places = found.map((value, p) => (value === 0 || value === 1 ? p : -1)).filter((p) => p >= 0);
    expect(places[0]).toBe(best[0]! * 8 + best[1]!);
    expect(places.length).toBe(9);
    // All places as candidates: the same one. One candidate: no worse than a random place on average.
    expect(await attacked(roa({ ...one, candidates: 36 }), model, patch(3), clean, { keep: 'last' })).toEqual(found);
    const guided = score(await attacked(roa({ ...one, candidates: 5 }), model, patch(3), clean, { keep: 'last' }));
    const random: number[] = [];
    for (let seed = 0; seed < 12; seed++) random.push(score(await attacked(randomPatch(one), model, patch(3), clean, { keep: 'last', random: randomStream(seed) })));
    expect(guided).toBeLessThan(random.reduce((a, b) => a + b, 0) / 12);
  });

  it('roa takes a random place where all of them tie, and with a stride only every other', async () => {
    const flat = modelOf((x) => tidy(() => mul(reshape(sum(x, [1, 2, 3]), [-1, 1]), tensor([0, 0], [1, 2]))), { inputShape: [8, 8, 1] });
    const corners = new Set<number>();
    for (let seed = 0; seed < 8; seed++) {
      const kept = Array.from(Float32Array.from(clean));
      const found = await attacked(roa({ steps: 1, stride: 2, search: 'exhaustive' }), flat, patch(2), clean, { keep: 'last', random: randomStream(seed) });
      const corner = found.findIndex((value, i) => value !== kept[i]);
      expect(Math.floor(corner / 8) % 2).toBe(0);
      expect((corner % 8) % 2).toBe(0);
      corners.add(corner);
    }
    expect(corners.size).toBeGreaterThan(2);
  });

  it('loses no more of a tiny network to random places than to the best', async () => {
    const network = tinyCnn();
    const batch = tinyBatch(network, { count: 12 });
    const broken = async (attack: Attack): Promise<number> => {
      const { success, adversarial } = await runAttack(attack, { model: network, ...batch, threat: patch(3), random: randomStream(0) });
      adversarial.dispose();
      return success.filter(Boolean).length;
    };
    expect(await broken(randomPatch({ steps: 8, alpha: 0.25 }))).toBeLessThanOrEqual(await broken(roa({ steps: 8, alpha: 0.25, search: 'exhaustive' })));
    [batch, network].forEach((x) => x.dispose());
  });

  it('works on clips: masks by frame', async () => {
    const onClips = linearOn([2, 4, 4, 1], draws('clip', 32).map((u) => u - 0.5));
    const values = draws('frames', 32).map((u) => 0.2 + 0.6 * u);
    const kept = Array.from(Float32Array.from(values));
    for (const [attack, threat, each] of [[roa(one), patch(2), 4], [randomPatch(one), patch(2), 4], [randomPixels(one), pixels(3), 3], [adversarialFraming(one), framing(1), 12]] as const) {
      const found = await attacked(attack, onClips, threat, values, { keep: 'last' });
      const changed = found.map((value, i) => value !== kept[i]);
      expect([changed.slice(0, 16), changed.slice(16)].map((frame) => frame.filter(Boolean).length), attack.id).toEqual([each, each]);
    }
  });
});

describe('salt and pepper', () => {
  const clean = Float32Array.from({ length: 2000 }, (_, i) => 0.3 + (i % 5) / 20);
  const row = (): Row => ({ clean, shape: [20, 20, 5], id: 1, bounds: [0, 1], random: randomStream(4), best: clean });

  it('changes this share of the pixels, in all channels, to the ends of the range', () => {
    for (const share of [0.1, 0.5, 1]) {
      const noisy = salted(row(), share, 0);
      const pixel = (p: number): boolean => [0, 1, 2, 3, 4].every((c) => noisy[5 * p + c] !== clean[5 * p + c]);
      const changed = Array.from({ length: 400 }, (_, p) => pixel(p));
      // Four standard deviations of 400 draws.
      expect(Math.abs(changed.filter(Boolean).length / 400 - share)).toBeLessThanOrEqual(4 * Math.sqrt((share * (1 - share)) / 400));
      expect(noisy.every((value, i) => value === clean[i] || value === 0 || value === 1)).toBe(true);
    }
    expect(salted(row(), 1, 0).every((value) => value === 0 || value === 1)).toBe(true);
  });

  it('keeps the nearest, and moves its share by the schedule in a plain loop', () => {
    // Adversarial where at least 60 values are 1.
    const adversarial = (x: Float32Array): boolean => x.filter((value) => value === 1).length >= 60;
    const own = row();
    const questions: Generator<Float32Array, unknown, Answer> = sprinkle(own, 50);
    const asked: number[] = [];
    let next = questions.next();
    for (; !next.done; next = questions.next({ adversarial: adversarial(next.value), value: 0 })) {
      asked.push(next.value.reduce((total, value, i) => total + Number(value !== clean[i]), 0));
    }
    expect(asked.length).toBe(51);
    let [low, high, rise, share, nearest] = [0, 1, 1 / 50, 1 / 50, Infinity];
    for (let step = 0; step < 50; step++) {
      const noisy = salted(row(), share, step);
      expect(noisy.reduce((total, value, i) => total + Number(value !== clean[i]), 0)).toBe(asked[step + 1]);
      const closer = adversarial(noisy) && distanceOf(noisy, clean, 'L2') < nearest;
      if (closer) {
        nearest = distanceOf(noisy, clean, 'L2');
        low = share / 2;
        high = Math.min(1, share * 1.2);
        rise = (high - low) / (50 - step);
      }
      if (closer || share === high) share = low;
      share = Math.min(high, share + rise);
    }
    expect(distanceOf(own.best, clean, 'L2')).toBe(nearest);
    expect(nearest).toBeLessThan(Infinity);
  });

  it('breaks a network without its gradient', async () => {
    const network = tinyCnn();
    const batch = tinyBatch(network);
    const { success, adversarial } = await runAttack(saltAndPepper({ queries: 200 }), { model: { ...network, differentiable: false }, ...batch, threat: l2(Infinity), random: randomStream(0) });
    expect(success.filter(Boolean).length).toBeGreaterThan(3);
    adversarial.dispose();
    [batch, network].forEach((x) => x.dispose());
  });
});
