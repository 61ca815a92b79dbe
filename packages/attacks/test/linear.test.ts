// A linear model's best attack is known: under Linf x + eps sign(w), under L2 x + eps w / ||w||, under L1 everything on the
// largest weight; and a label flips if and only if eps exceeds the distance |f(x)| / ||w||_dual.
import { type Attack, type AttackProblem, type AttackResult, l1, l2, linf, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { binaryLinearModel, expectClose, linearModel, type LinearModel, numbersOf, useWasm } from '@robustjs/testkit';
import { tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { bim, fgsm, miFgsm, pgd, rfgsm } from '../src/index.ts';

useWasm();

const WEIGHTS = [3, -4, 1, -0.5];
const INPUT = [0.5, 0.4, 0.6, 0.5];
const WIDE = [-5, 5] as const;

async function attacked(
  attack: Attack,
  threat: ThreatModel,
  model: LinearModel,
  inputs: number[][],
  labels: number[],
  more: Partial<AttackProblem> = {},
): Promise<Omit<AttackResult, 'adversarial'> & { adversarial: number[] }> {
  const [x, y] = [tensor2d(inputs), tensor1d(labels, 'int32')];
  const result = await runAttack(attack, { model, inputs: x, labels: y, ids: labels.map((_, i) => i), threat, random: randomStream(0), ...more });
  const adversarial = await numbersOf(result.adversarial);
  [x, y, result.adversarial].forEach((t) => t.dispose());
  return { ...result, adversarial };
}

describe('the smallest distance, hand-computed', () => {
  it('is |f| / ||w||_dual: f = 0.1, w = (3, -4) gives L2 0.02, Linf 0.1 / 7, L1 0.025', () => {
    const model = binaryLinearModel([3, -4], -1);
    expect(model.distance([0.5, 0.1], 1, 'L2')).toBeCloseTo(0.02, 12);
    expect(model.distance([0.5, 0.1], 1, 'Linf')).toBeCloseTo(0.1 / 7, 12);
    expect(model.distance([0.5, 0.1], 1, 'L1')).toBeCloseTo(0.025, 12);
    model.dispose();
  });
});

describe('a linear model', () => {
  // f(x) = 1.5 - 1.6 + 0.6 - 0.25 + 0.3 = 0.55, of label 1; ||w||_1 = 8.5.
  const binary = (): LinearModel => binaryLinearModel(WEIGHTS, 0.3, WIDE);

  it.each([
    ['fgsm', fgsm()], ['rfgsm', rfgsm()], ['bim', bim({ steps: 7 })], ['pgd', pgd({ steps: 7 })], ['mi-fgsm', miFgsm({ steps: 7 })],
    ['pgd on the margin', pgd({ steps: 7, objective: 'margin' })],
  ] as const)('flips under %s if and only if eps exceeds the Linf distance', async (name, attack) => {
    const model = binary();
    const radius = model.distance(INPUT, 1, 'Linf');
    expect(radius).toBeCloseTo(0.55 / 8.5, 6);
    // A random first step may point the wrong way, so R+FGSM is only sure to fail below the distance.
    expect((await attacked(attack, linf(radius * 0.999), model, [INPUT], [1])).success).toEqual([false]);
    if (name !== 'rfgsm') expect((await attacked(attack, linf(radius * 1.001), model, [INPUT], [1])).success).toEqual([true]);
    model.dispose();
  });

  it.each([['L2', l2, 'L2'], ['L1', (eps: number) => l1(eps, { quantile: 1 }), 'L1']] as const)(
    'flips under PGD in %s if and only if eps exceeds the distance', async (_norm, threat, norm) => {
      const model = binary();
      const radius = model.distance(INPUT, 1, norm);
      // On the sphere each step of eps / 2 shortens what is left of the start across w to two thirds.
      const attack = pgd({ steps: 40, alpha: radius / 2 });
      expect((await attacked(attack, threat(radius * 0.999), model, [INPUT], [1])).success).toEqual([false]);
      expect((await attacked(attack, threat(radius * 1.001), model, [INPUT], [1])).success).toEqual([true]);
      model.dispose();
    });

  it('sends PGD to x - eps sign(w) from any start, after 2 eps / alpha steps', async () => {
    const model = binary();
    for (const seed of [0, 1, 2]) {
      const attack = pgd({ steps: 8, alpha: 0.0025 });
      const result = await attacked(attack, linf(0.01), model, [INPUT], [1], { keep: 'last', random: randomStream(seed) });
      await expectClose(result.adversarial, INPUT.map((v, i) => v - 0.01 * Math.sign(WEIGHTS[i]!)), { relative: 1e-6 });
    }
    model.dispose();
  });

  it('sends PGD in L2 to x - eps w / ||w||, and the single step of FGSM there at once', async () => {
    const model = binary();
    const length = Math.hypot(...WEIGHTS);
    const best = INPUT.map((v, i) => v - (0.02 * WEIGHTS[i]!) / length);
    await expectClose((await attacked(pgd({ steps: 40, alpha: 0.01 }), l2(0.02), model, [INPUT], [1], { keep: 'last' })).adversarial, best, { relative: 1e-6 });
    await expectClose((await attacked(fgsm(), l2(0.02), model, [INPUT], [1], { keep: 'last' })).adversarial, best, { relative: 1e-6 });
    model.dispose();
  });

  it('puts the whole of an L1 budget on the largest weight', async () => {
    const model = binary();
    const best = INPUT.map((v, i) => (i === 1 ? v + 0.05 : v));
    for (const attack of [fgsm(), bim({ steps: 5 })]) {
      const result = await attacked(attack, l1(0.05, { quantile: 1 }), model, [INPUT], [1], { keep: 'last' });
      await expectClose(result.adversarial, best, { relative: 1e-6 });
    }
    model.dispose();
  });

  it('never leaves the box: a value at its edge stays', async () => {
    const model = binaryLinearModel(WEIGHTS, 0.3);
    const result = await attacked(pgd({ steps: 20 }), linf(0.2), model, [[0, 1, 0.1, 0.95]], [1], { keep: 'last' });
    await expectClose(result.adversarial, [0, 1, 0, 1], { absolute: 1e-6 });
    model.dispose();
  });

  it.each([15, 20, 40, 80])('is broken by PGD on cross-entropy however sure it is: a margin of %d', async (margin) => {
    // 1 - p is exp(-margin), which float32 cannot tell from 0 in 1 - p above 17: the gradient must come from the other class.
    for (const label of [0, 1]) {
      const weights = label === 1 ? [2 * margin, 0] : [-2 * margin, 0];
      const sure = binaryLinearModel(weights, 0, [-1, 1]);
      // z = 2 margin x: at x = 0.5 it is the margin, and 0 at x = 0.
      const { success } = await attacked(bim({ steps: 10 }), linf(0.51), sure, [[0.5, 0.5]], [label]);
      expect(success).toEqual([true]);
      sure.dispose();
    }
  });

  it('moves towards a target by the gradient of its own class: z_t - z_y, and never more easily than away', async () => {
    // Three classes; from x = 0 the other two are at Linf distances 0.1 and 0.3, by the rows below.
    const model = linearModel({ weights: [[0, 0], [1, 1], [1, -1]], bias: [0, -0.2, -0.6], bounds: WIDE });
    expect(model.distance([0, 0], 0, 'Linf')).toBeCloseTo(0.1, 12);
    for (const [eps, target, reached] of [[0.09, 1, false], [0.11, 1, true], [0.11, 2, false], [0.29, 2, false]] as const) {
      const targets = tensor1d([target], 'int32');
      const towards = await attacked(pgd({ steps: 20, objective: 'margin' }), linf(eps), model, [[0, 0]], [0], { targets });
      const away = await attacked(pgd({ steps: 20, objective: 'margin' }), linf(eps), model, [[0, 0]], [0]);
      expect(towards.success, `${eps} to ${target}`).toEqual([reached]);
      if (reached) expect(away.success).toEqual([true]);
      targets.dispose();
    }
    model.dispose();
  });
});
