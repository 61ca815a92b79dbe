import { evaluation } from '@robustjs/core';
import { mul, scalar, sum, tensor1d, tensor2d, tidy, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { expectClose, expectNoLeak, expectSameBits, finiteDifference, linearModel, lossOf, numbersOf, quadraticModel, useWasm } from '../src/index.ts';

useWasm();

describe('expectClose and expectSameBits', () => {
  it('fail where they should', async () => {
    await expectClose([1, 2], [1, 2 + 1e-6]);
    await expect(expectClose([1, 2], [1, 2.001])).rejects.toThrow('at 1');
    await expect(expectClose([NaN], [NaN])).rejects.toThrow('at 0');
    await expect(expectClose([1], [1, 2])).rejects.toThrow();
    await expectSameBits([NaN, 0], [NaN, 0]);
    await expect(expectSameBits([0], [-0])).rejects.toThrow('exactly');
  });
});

describe('expectNoLeak', () => {
  it('counts what is left over and what is returned', async () => {
    const kept = await expectNoLeak(() => scalar(1), 1);
    await expect(expectNoLeak(() => scalar(2).dispose(), 1)).rejects.toThrow('left over');
    kept.dispose();
  });
});

describe('finiteDifference', () => {
  it('of a sum of squared logits is 2 z x, and puts the weight back', async () => {
    // z = 3 * 0.5 + 1 * 1 = 2.5 and x = 0.5: the derivative by the first weight is 2.5.
    const model = linearModel({ weights: [[3, 1]] });
    const inputs = tensor2d([[0.5, 1]]);
    const loss = (): Promise<number> => lossOf({ loss: () => tidy(() => { const z = model.forward(inputs, evaluation()); return sum(mul(z, z)); }) });
    expect(await finiteDifference(model, { parameter: 0, index: 0 }, loss, 1e-2)).toBeCloseTo(2.5, 3);
    await expectSameBits(model.parameters[0]!.variable, [3, 1]);
    inputs.dispose();
    model.dispose();
  });
});

describe('models with known answers', () => {
  it('linear: logits and distances agree with a search along the best direction', async () => {
    const model = linearModel({ weights: [[1, 2], [0, -1], [2, 0]], bias: [0.5, 0, -0.2] });
    const input = [0.4, 0.3];
    const row = tensor2d([input]);
    const logits = model.forward(row, evaluation());
    await expectClose(logits, [1.5, -0.3, 0.6]);
    expect(model.logits(input).map((z) => Math.round(z * 1e6) / 1e6)).toEqual([1.5, -0.3, 0.6]);
    // Against class 2: f = 0.9 with w = (-1, 2), so 0.9 / sqrt(5), 0.9 / 3 and 0.9 / 2; class 1 is farther.
    expect(model.distance(input, 0, 'L2')).toBeCloseTo(0.9 / Math.sqrt(5), 9);
    expect(model.distance(input, 0, 'Linf')).toBeCloseTo(0.3, 9);
    expect(model.distance(input, 0, 'L1')).toBeCloseTo(0.45, 9);
    [row, logits].forEach((x) => x.dispose());
    model.dispose();
  });

  it('quadratic: class 0 inside the ball, 1 outside, and a boundary at the radius', async () => {
    const model = quadraticModel(2, 0.5);
    const inputs = tensor2d([[0, 0], [0.3, 0.4], [0.6, 0]]);
    const logits = model.forward(inputs, evaluation());
    await expectClose(logits, [0.25, 0, 0, 0, -0.11, 0], { absolute: 1e-6 });
    [inputs, logits].forEach((x) => x.dispose());
  });

  it('reads tensors and arrays alike', async () => {
    const [x, none] = [tensor1d([1, 2]), zeros([0])];
    expect([await numbersOf(x), await numbersOf([3]), await numbersOf(none)]).toEqual([[1, 2], [3], []]);
    [x, none].forEach((t) => t.dispose());
  });
});
