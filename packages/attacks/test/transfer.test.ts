// Oracles: identities to the bit where a rule does nothing, the papers' equations in plain loops where it does, and the
// backend's own resizing.
import { type Attack, type AttackProblem, evaluation, l2, linf, type Model, modelOf, type Objective, randomStream, runAttack } from '@robustjs/core';
import { binaryLinearModel, expectClose, expectSameBits, numbersOf, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { add, dispose, grad, image, mul, slice, square, sub, sum, type Tensor, tensor, tensor1d, tensor2d, type Tensor4D, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bim, diFgsm, ensemble, miFgsm, niFgsm, siFgsm, tiFgsm, transferFgsm, vmiFgsm } from '../src/index.ts';
import { resizedAndPadded } from '../src/transfer/resize.ts';
import { gaussianKernel } from '../src/transfer/rules.ts';

useWasm();

async function onTiny(attack: Attack, more: Partial<AttackProblem> = {}) {
  const model = tinyCnn();
  const batch = tinyBatch(model, { count: 8 });
  const result = await runAttack(attack, { model, ...batch, threat: linf(0.05), random: randomStream(9), ...more });
  const adversarial = await numbersOf(result.adversarial);
  [result.adversarial, batch, model].forEach((x) => x.dispose());
  return { ...result, adversarial };
}

describe('a rule that does nothing', () => {
  it.each([
    ['no rule', transferFgsm()], ['resizing at probability 0', diFgsm({ diversity: 0 })], ['a kernel of one value', tiFgsm({ kernel: 1 })],
    ['one copy', siFgsm({ copies: 1 })], ['no neighbours', vmiFgsm({ neighbours: 0 })],
  ] as const)('is MI-FGSM to the bit: %s', async (_what, attack) => {
    for (const keep of ['best', 'last'] as const) expect(await onTiny(attack, { keep })).toEqual(await onTiny(miFgsm(), { keep }));
  });

  it.each([
    ['ni', niFgsm({ decay: 0 })], ['di', diFgsm({ decay: 0, diversity: 0 })], ['ti', tiFgsm({ decay: 0, kernel: 1 })], ['si', siFgsm({ decay: 0, copies: 1 })],
    ['vmi', vmiFgsm({ decay: 0, neighbours: 0 })],
  ] as const)('and without momentum BIM: %s', async (_what, attack) => {
    expect(await onTiny(attack)).toEqual(await onTiny(bim({ alpha: 0.05 / 10 })));
  });
});

describe('a rule that does something', () => {
  // The objective c.x - a.x^2 of inputs that are their own outputs has the gradient c - 2 a x.
  const [slopes, bends, start] = [[3, -1], [1, 4], [0.5, 0.25]] as const;
  const slopeAt = (x: readonly number[]): number[] => x.map((value, i) => slopes[i]! - 2 * bends[i]! * value);
  const alpha = 0.3;
  const decay = 0.7;

  async function found(attack: Attack, threat = linf(0.9)): Promise<number[]> {
    const model = modelOf((x) => x.clone(), { inputShape: [2], bounds: [-10, 10] });
    const objective: Objective = (x) => tidy(() => sum(sub(mul(x, [...slopes]), mul(square(x), [...bends])), 1));
    const [inputs, labels] = [tensor2d([[...start]]), tensor1d([0], 'int32')];
    const { adversarial } = await runAttack(attack, { model, inputs, labels, ids: [5], threat, random: randomStream(0), objective, keep: 'last' });
    const numbers = await numbersOf(adversarial);
    dispose([adversarial, inputs, labels]);
    return numbers;
  }

  /** Algorithm 1 of MI-FGSM in a plain loop, with another gradient. */
  function looped(gradientAt: (x: number[], momentum: number[], step: number) => number[], unit: (m: number[]) => number[], limit = 0.9): number[] {
    let [x, momentum] = [[...start] as number[], [0, 0]];
    for (let step = 0; step < 4; step++) {
      const gradient = gradientAt(x, momentum, step);
      const length = Math.abs(gradient[0]!) + Math.abs(gradient[1]!);
      momentum = momentum.map((m, i) => decay * m + gradient[i]! / length);
      const direction = unit(momentum);
      x = x.map((value, i) => Math.min(start[i]! + limit, Math.max(start[i]! - limit, value + alpha * direction[i]!)));
    }
    return x;
  }
  const signs = (m: number[]): number[] => m.map(Math.sign);
  const ofLengthOne = (m: number[]): number[] => m.map((value) => value / Math.hypot(...m));

  it('NI takes the gradient at x + alpha decay m, m in the scale of mean magnitudes', async () => {
    // Two values: the mean magnitude is half the L1 length.
    const expected = looped((x, momentum) => slopeAt(x.map((value, i) => value + alpha * decay * 2 * momentum[i]!)), signs);
    await expectClose(await found(niFgsm({ steps: 4, alpha, decay })), expected, { relative: 1e-5 });
    // Without the look ahead the path is another.
    expect(expected).not.toEqual(looped((x) => slopeAt(x), signs));
  });

  it('SI takes the mean over copies at halved scale, with respect to x', async () => {
    const scales = [1, 0.5, 0.25];
    const mean = (x: number[]): number[] =>
      x.map((_, i) => scales.reduce((total, s) => total + s * slopeAt(x.map((value) => s * value))[i]!, 0) / scales.length);
    await expectClose(await found(siFgsm({ steps: 4, alpha, decay, copies: 3 }), l2(5)), looped(mean, ofLengthOne, 99), { relative: 1e-5 });
  });

  it('VMI corrects by what the neighbours of the last iterate said', async () => {
    const [neighbours, reach, eps] = [3, 1.5, 0.9];
    let variance = [0, 0];
    const draws = (step: number, i: number): number[] =>
      [...randomStream(0).split('vmi-fgsm').split('step', step).split('neighbour', i).split(5).uniform(2)].map((u) => (2 * u - 1) * reach * eps);
    const expected = looped((x, _momentum, step) => {
      const there = slopeAt(x);
      const corrected = there.map((g, i) => g + variance[i]!);
      const around = Array.from({ length: neighbours }, (_, i) => slopeAt(x.map((value, j) => value + draws(step, i)[j]!)));
      variance = there.map((g, j) => around.reduce((total, slope) => total + slope[j]!, 0) / neighbours - g);
      return corrected;
    }, signs);
    await expectClose(await found(vmiFgsm({ steps: 4, alpha, decay, neighbours, reach })), expected, { relative: 1e-5 });
  });

  it('on a linear model every rule ends where BIM does: the gradient is the same everywhere', async () => {
    const weights = [3, -4, 1, -0.5];
    const model = binaryLinearModel(weights, 0.3, [-5, 5]);
    const [inputs, labels] = [tensor2d([[0.5, 0.4, 0.6, 0.5]]), tensor1d([1], 'int32')];
    for (const attack of [niFgsm(), siFgsm(), vmiFgsm(), transferFgsm({ lookAhead: true, copies: 2, neighbours: 3 })]) {
      const { adversarial } = await runAttack(attack, { model, inputs, labels, ids: [0], threat: linf(0.05), random: randomStream(1), keep: 'last' });
      await expectClose(adversarial, [0.45, 0.45, 0.55, 0.55], { relative: 1e-5 });
      adversarial.dispose();
    }
    [inputs, labels, model].forEach((x) => x.dispose());
  });
});

describe('diverse inputs', () => {
  const draw = (ids: number[], shape: number[], options = {}) => {
    const inputs = randomStream(2).uniformRows(ids, shape);
    return { inputs, transform: resizedAndPadded(inputs, ids, randomStream(3), { probability: 1, share: 0.5, bounds: [0, 1], ...options }) };
  };

  it('are the backend\'s bilinear resizing, at a place, with zeros around', async () => {
    const { inputs, transform } = draw([1, 2, 3, 4], [12, 8, 2]);
    const resized = transform.forward(inputs);
    const sizes = new Set<string>();
    for (let row = 0; row < 4; row++) {
      const [whole, one] = [slice(resized, [row], [1]), slice(inputs, [row], [1]) as Tensor4D];
      const values = (await whole.array()) as number[][][][];
      const filled = (line: number[][]): boolean => line.flat().some((value) => value !== 0);
      const rows = values[0]!.map((line, i) => (filled(line) ? i : -1)).filter((i) => i >= 0);
      const columns = values[0]![0]!.map((_, j) => (filled(values[0]!.map((line) => line[j]!)) ? j : -1)).filter((j) => j >= 0);
      // Sizes from [6, 12) and [4, 8), from the same draw.
      expect(rows.length).toBeGreaterThanOrEqual(6);
      expect(rows.length).toBeLessThan(12);
      // u in [k / 6, (k + 1) / 6) gives 6 + k rows and 4 + floor(4 u) columns.
      const k = rows.length - 6;
      expect([4 + Math.floor((4 * k) / 6), 4 + Math.ceil((4 * (k + 1)) / 6) - 1]).toContain(columns.length);
      const expected = image.resizeBilinear(one, [rows.length, columns.length], false, true);
      const inside = slice(whole, [0, rows[0]!, columns[0]!, 0], [1, rows.length, columns.length, 2]);
      await expectClose(inside, expected, { absolute: 1e-6 });
      sizes.add(`${rows.length} at ${rows[0]}, ${columns[0]}`);
      dispose([whole, one, expected, inside]);
    }
    expect(sizes.size).toBeGreaterThan(1);
    [inputs, resized, transform].forEach((x) => x.dispose());
  });

  it.each([[[9, 7, 3]], [[3, 6, 5, 1]]])('carry gradients back by the adjoint: <D x, g> = <x, D* g>, %s', async (shape) => {
    const ids = [4, 8, 15];
    const { inputs, transform } = draw(ids, shape);
    const other = randomStream(7).uniformRows(ids, shape);
    const [forward, backward] = [transform.forward(inputs), transform.backward(other)];
    const dot = async (a: Tensor, b: Tensor): Promise<number> => {
      const [x, y] = [await numbersOf(a), await numbersOf(b)];
      return x.reduce((total, value, i) => total + value * y[i]!, 0);
    };
    expect(await dot(forward, other)).toBeCloseTo(await dot(inputs, backward), 3);
    [inputs, other, forward, backward, transform].forEach((x) => x.dispose());
  });

  it('leave a row alone at probability 0, pad with what lies nearest to zero, and treat all frames of a clip alike', async () => {
    const still = draw([1, 2], [6, 6, 1], { probability: 0 });
    const same = still.transform.forward(still.inputs);
    await expectSameBits(same, still.inputs);
    const lifted = draw([1], [8, 8, 1], { bounds: [0.25, 1] });
    const padded = lifted.transform.forward(lifted.inputs);
    expect((await numbersOf(padded)).filter((value) => value === 0.25).length).toBeGreaterThan(0);
    const frame = randomStream(5).uniformRows([3], [6, 6, 1]);
    const clip = tidy(() => tensor([...frame.dataSync(), ...frame.dataSync()], [1, 2, 6, 6, 1]));
    const transform = resizedAndPadded(clip, [3], randomStream(3), { probability: 1, share: 0.5, bounds: [0, 1] });
    const moved = transform.forward(clip);
    const values = await numbersOf(moved);
    expect(values.slice(0, 36)).toEqual(values.slice(36));
    [still.inputs, still.transform, same, lifted.inputs, lifted.transform, padded, frame, clip, transform, moved].forEach((x) => x.dispose());
  });
});

describe('translation invariance', () => {
  it('smooths with a Gaussian that adds up to 1 and falls off as exp(-x^2 / 2) over three deviations', () => {
    const kernel = gaussianKernel(15);
    expect(kernel.reduce((total, value) => total + value, 0)).toBeCloseTo(1, 6);
    // Neighbours of the middle are 6 / 14 deviations away; the corner is 3 in both directions.
    expect(kernel[7 * 15 + 8]! / kernel[7 * 15 + 7]!).toBeCloseTo(Math.exp(-((6 / 14) ** 2) / 2), 5);
    expect(kernel[0]! / kernel[7 * 15 + 7]!).toBeCloseTo(Math.exp(-9), 6);
  });

  it('takes the convolved gradient, in a plain loop, and its sign as step', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model, { count: 3 });
    const attack = tiFgsm({ steps: 1, kernel: 5 });
    const slope = grad((x) => sum(attack.objective(model.forward(x, evaluation()), batch.labels)))(batch.inputs);
    const [g, x, kernel] = [await numbersOf(slope), await numbersOf(batch.inputs), gaussianKernel(5)];
    const expected = x.map((value, place) => {
      const [row, i, j] = [Math.floor(place / 64), Math.floor((place % 64) / 8), place % 8];
      let total = 0;
      for (let a = -2; a <= 2; a++) for (let b = -2; b <= 2; b++) {
        if (i + a >= 0 && i + a < 8 && j + b >= 0 && j + b < 8) total += kernel[(a + 2) * 5 + b + 2]! * g[row * 64 + (i + a) * 8 + j + b]!;
      }
      return Math.min(1, Math.max(0, value + 0.05 * Math.sign(total)));
    });
    const { adversarial } = await runAttack(attack, { model, ...batch, threat: linf(0.05), random: randomStream(0), keep: 'last' });
    await expectClose(adversarial, expected, { absolute: 1e-6 });
    [slope, adversarial, batch, model].forEach((t) => t.dispose());
  });
});

describe('an ensemble', () => {
  const pair = (): [Model, Model] => [tinyCnn({ seed: 1 }), tinyCnn({ seed: 2 })];

  it('gives the weighted mean of logits, and its gradient', async () => {
    const [a, b] = pair();
    const both = ensemble([a, b], [1, 3]);
    const batch = tinyBatch(a);
    const outputs = [a, b, both].map((model) => model.forward(batch.inputs, evaluation()));
    const [x, y] = [await numbersOf(outputs[0]!), await numbersOf(outputs[1]!)];
    await expectClose(outputs[2]!, x.map((value, i) => 0.25 * value + 0.75 * y[i]!), { absolute: 1e-6 });
    const slopes = [a, b, both].map((model) => grad((t) => sum(square(model.forward(t, evaluation()))))(batch.inputs));
    expect((await numbersOf(slopes[2]!)).some((value) => value !== 0)).toBe(true);
    dispose([...outputs, ...slopes]);
    [a, b, both, batch].forEach((t) => t.dispose());
  });

  it('of one model, or of one model twice, is that model: an attack on it is the white-box attack', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const results = [];
    for (const source of [model, ensemble([model]), ensemble([model, model])]) {
      const { adversarial } = await runAttack(miFgsm(), { model: source, ...batch, threat: linf(0.1), random: randomStream(0), keep: 'last' });
      results.push(await numbersOf(adversarial));
      adversarial.dispose();
    }
    expect(results[1]).toEqual(results[0]);
    expect(results[2]).toEqual(results[0]);
    batch.dispose();
    model.dispose();
  });

  it('is not differentiable where a member is not, gives each member draws of its own, and leaves members alive', () => {
    const [a, b] = pair();
    expect(ensemble([a, { ...b, differentiable: false }]).differentiable).toBe(false);
    const seen: number[] = [];
    const drawing = (model: Model): Model => ({ ...model, forward: (x, pass) => (seen.push(pass.random!.uniform(1)[0]!), model.forward(x, pass)) });
    const both = ensemble([drawing(a), drawing(b)]);
    const batch = tinyBatch(a);
    both.forward(batch.inputs, { ...evaluation(), random: randomStream(4) }).dispose();
    expect(seen[0]).not.toBe(seen[1]);
    both.dispose();
    tidy(() => void add(a.forward(batch.inputs, evaluation()), 0));
    [a, b, batch].forEach((t) => t.dispose());
  });

  it('refuses what does not fit', () => {
    const [a, b] = [tinyCnn(), tinyCnn({ inputShape: [8, 8, 3] })];
    for (const make of [() => ensemble([]), () => ensemble([a, b]), () => ensemble([a], [0]), () => ensemble([a], [1, 2]), () => ensemble([a], [NaN])]) {
      expect(make).toThrow(expect.objectContaining({ code: 'RJS_ENSEMBLE' }));
    }
    [a, b].forEach((t) => t.dispose());
  });
});

describe('what transfer attacks refuse', () => {
  it('is resizing and smoothing of inputs without space, before any pass', async () => {
    const model = binaryLinearModel([1, 2, 3, 4]);
    const [inputs, labels] = [tensor2d([[0.1, 0.2, 0.3, 0.4]]), tensor1d([1], 'int32')];
    for (const attack of [diFgsm(), tiFgsm()]) {
      const running = runAttack(attack, { model, inputs, labels, ids: [0], threat: linf(0.1), random: randomStream(0) });
      await expect(running).rejects.toThrow(expect.objectContaining({ code: 'RJS_ATTACK_INPUT' }));
    }
    [inputs, labels, model].forEach((x) => x.dispose());
  });
});
