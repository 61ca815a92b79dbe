// Oracles: the circle's area, the transpose of pasting, and linear models, whose best patch is known.
import { evaluation, type Model, modelOf, randomStream } from '@robustjs/core';
import { numbersOf, useWasm } from '@robustjs/testkit';
import { add, argMax, concat, mul, reshape, sum, type Tensor, tensor, type Tensor1D, tensor1d, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { applyPatch, universalPatch } from '../src/index.ts';
import { drawPlacement, paste, pullBack, samplesOf } from '../src/masks/placement.ts';

useWasm();

const random = randomStream(3);

describe('placing', () => {
  it('covers scale^2 of the circle, within 2 %, at any place and angle, inside the image', () => {
    for (const scale of [0.3, 0.5, 0.8, 1]) {
      for (let seed = 0; seed < 4; seed++) {
        const placement = drawPlacement(randomStream(seed), [64, 80], { scales: [scale, scale] });
        const samples = samplesOf(placement, [64, 80], 16);
        const area = samples.reduce((total, { share }) => total + share, 0);
        // The share falls below a half at a radius of 0.5^(1/80); its integral over the disc is pi (1 - 1 / 41) of the unit one.
        const expected = Math.PI * (scale * 32) ** 2 * (1 - 1 / 41);
        expect(Math.abs(area / expected - 1)).toBeLessThan(0.02);
        expect(Math.abs(placement.angle)).toBeLessThanOrEqual((22.5 * Math.PI) / 180);
        const [down, across] = placement.centre;
        expect(down - placement.side / 2).toBeGreaterThanOrEqual(-1e-9);
        expect(across + placement.side / 2).toBeLessThanOrEqual(80 + 1e-9);
      }
    }
  });

  it('without turn or scale is the patch itself where it is whole, and the image outside, to the bit', () => {
    const patch = Float32Array.from(random.split('patch').uniform(8 * 8 * 2));
    const image = Float32Array.from(random.split('image').uniform(8 * 10 * 2));
    const samples = samplesOf({ centre: [4, 5], side: 8, angle: 0 }, [8, 10], 8);
    const frame = image.slice();
    paste(frame, patch, 2, samples);
    const reached = new Set(samples.map(({ pixel }) => pixel));
    image.forEach((value, place) => {
      const pixel = Math.floor(place / 2);
      if (!reached.has(pixel)) expect(frame[place]).toBe(value);
    });
    // The middle pixels of the patch, shifted by one column.
    for (const [i, j] of [[3, 3], [4, 4], [2, 5]] as const) for (const c of [0, 1]) expect(frame[(i * 10 + j + 1) * 2 + c]).toBeCloseTo(patch[(i * 8 + j) * 2 + c]!, 6);
    // A quarter turn: what was down is across.
    const turned = image.slice();
    paste(turned, patch, 2, samplesOf({ centre: [4, 5], side: 8, angle: Math.PI / 2 }, [8, 10], 8));
    const places = [[3, 2], [5, 3]].map(([i, j]) => turned[(i! * 10 + j! + 1) * 2]);
    expect(places).not.toEqual([[3, 2], [5, 3]].map(([i, j]) => frame[(i! * 10 + j! + 1) * 2]));
    expect(places[0]).toBeCloseTo(patch[(7 - 2) * 8 * 2 + 3 * 2]!, 5);
  });

  it('carries gradients back to the patch alone by the transpose: a change of the patch changes <image, g> by <change, pulled g>', () => {
    const samples = samplesOf(drawPlacement(randomStream(8), [12, 12], { scales: [0.7, 0.7] }), [12, 12], 5);
    const [patch, change, g] = ['p', 'c', 'g'].map((name) => Float32Array.from(random.split(name).uniform(name === 'g' ? 432 : 75))) as [Float32Array, Float32Array, Float32Array];
    const [one, other] = [new Float32Array(432), new Float32Array(432)];
    paste(one, patch, 3, samples);
    paste(other, patch.map((value, i) => value + change[i]!), 3, samples);
    const pulled = new Float32Array(75);
    pullBack(g, pulled, 3, samples);
    const moved = other.reduce((total, value, i) => total + (value - one[i]!) * g[i]!, 0);
    expect(moved).toBeCloseTo(pulled.reduce((total, value, i) => total + value * change[i]!, 0), 3);
  });
});

describe('a universal patch', () => {
  /** Two classes on images: class 1 where weights of one sign a channel add up above a threshold. */
  const brightness = (signs: number[], threshold: number): Model =>
    modelOf((x) => tidy(() => {
      const score = add(reshape(sum(mul(x, signs), [1, 2, 3]), [-1, 1]), -threshold);
      return concat([zerosLike(score), score], 1);
    }), { inputShape: [12, 12, 2] });
  const images = (name: string, count: number): Tensor => tensor(Float32Array.from(random.split(name).uniform(count * 288)), [count, 12, 12, 2]);

  it('ends at the best corner of the box for a linear model: each channel against its weight', async () => {
    const model = brightness([1, -1], 0);
    const [inputs, labels] = [images('seen', 6), tensor1d([1, 1, 1, 1, 1, 1], 'int32')];
    const { values, objectives } = await universalPatch(model, { inputs, labels }, randomStream(1), { size: 5, steps: 60, batchSize: 4, scales: [0.5, 1] });
    // Corners of the square lie outside of the circle and are never seen; the middle is.
    for (const [i, j] of [[2, 2], [1, 2], [3, 1]] as const) expect([values[(i * 5 + j) * 2], values[(i * 5 + j) * 2 + 1]]).toEqual([0, 1]);
    expect(objectives.at(-1)!).toBeGreaterThan(objectives[0]!);
    [inputs, labels].forEach((x) => x.dispose());
  });

  it('fools a model on images that it has not seen, where a random patch does not, and towards a target too', async () => {
    // The mean of 144 pixels is 0.5; a dark patch of at least half the side takes a fifth of them away.
    const model = brightness([1, 1], 144 * 0.9);
    const [inputs, labels, unseen] = [images('seen', 16), tensor1d(Array<number>(16).fill(1), 'int32'), images('unseen', 16)];
    const accuracy = async (patched: Tensor): Promise<number> => {
      const classes = tidy(() => argMax<Tensor1D>(model.forward(patched, evaluation()), 1));
      const right = (await numbersOf(classes)).filter((k) => k === 1).length / 16;
      classes.dispose();
      return right;
    };
    const placed = async (patch: Parameters<typeof applyPatch>[0]): Promise<number> => {
      const patched = await applyPatch(patch, unseen, Int32Array.from({ length: 16 }, (_, i) => i), randomStream(7), { scales: [0.6, 0.8] });
      const right = await accuracy(patched);
      patched.dispose();
      return right;
    };
    const start = { values: Float32Array.from(random.split('any').uniform(72)), size: 6, channels: 2 };
    expect(await accuracy(unseen)).toBe(1);
    expect(await placed(start)).toBeGreaterThan(0.7);
    for (const target of [undefined, 0]) {
      const made = await universalPatch(model, { inputs, labels }, randomStream(2), { size: 6, steps: 40, scales: [0.6, 0.8], ...(target !== undefined && { target }) });
      expect(await placed(made)).toBe(0);
    }
    [inputs, labels, unseen].forEach((x) => x.dispose());
  });

  it('lies at one place in all frames of a clip, by the id of the clip', async () => {
    const clip = tensor(new Float32Array(2 * 3 * 144), [2, 3, 12, 12, 1]);
    const patch = { values: Float32Array.of(0.7), size: 1, channels: 1 };
    const patched = await applyPatch(patch, clip, [5, 9], randomStream(0), { scales: [0.4, 0.4] });
    const values = await numbersOf(patched);
    const frame = (row: number, t: number): number[] => values.slice((row * 3 + t) * 144, (row * 3 + t + 1) * 144);
    expect(frame(0, 1)).toEqual(frame(0, 0));
    expect(frame(0, 2)).toEqual(frame(0, 0));
    expect(frame(1, 0)).not.toEqual(frame(0, 0));
    [clip, patched].forEach((x) => x.dispose());
  });

  it('is the same for the same seed, and refuses what it cannot do', async () => {
    const model = brightness([1, -1], 0);
    const data = { inputs: images('seen', 4), labels: tensor1d([1, 1, 0, 0], 'int32') };
    const made = (): Promise<{ values: Float32Array }> => universalPatch(model, data, randomStream(1), { size: 3, steps: 3 });
    expect((await made()).values).toEqual((await made()).values);
    const refused = (code: string, ...[options, subject = model]: [object, Model?]): Promise<void> =>
      expect(universalPatch(subject, data, randomStream(1), options)).rejects.toThrow(expect.objectContaining({ code }));
    await refused('RJS_ATTACK_OPTION', { scales: [0, 1] });
    await refused('RJS_ATTACK_OPTION', { step: 3 });
    await refused('RJS_NO_GRADIENT', {}, { ...model, differentiable: false });
    await refused('RJS_ABORTED', { signal: AbortSignal.abort() });
    await expect(applyPatch({ values: new Float32Array(3), size: 1, channels: 3 }, data.inputs, [0, 1, 2, 3], randomStream(0))).rejects.toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
    [data.inputs, data.labels].forEach((x) => x.dispose());
  });
});
