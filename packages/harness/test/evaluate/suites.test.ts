import { startWasm } from '@robustjs/backend-wasm';
import { modelOf } from '@robustjs/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { evaluate, suiteNamed } from '../../src/evaluate/index.ts';

beforeAll(() => startWasm());

describe('a suite with Square', () => {
  // Nothing may be computed: a forward pass of more than the one image of the probe is an error here.
  const counting = (inputShape: number[]) => modelOf((x) => {
    if (x.shape[0] > 1) throw new Error('computed');
    return tf.tidy(() => tf.matMul(tf.reshape(x, [1, -1]), tf.ones([8, 2])));
  }, { inputShape });

  it.each([['vectors', [8]], ['clips', [2, 2, 2, 1]], ['grey images without channels', [4, 2]]])('refuses %s before anything is computed', async (_, inputShape) => {
    for (const name of ['standard', 'plus']) {
      const { attacks, mode } = await suiteNamed(name, 'Linf');
      const refused = evaluate(counting(inputShape), new Float32Array(32), [0, 0, 0, 0], { eps: 0.1, attacks, mode });
      await expect(refused).rejects.toMatchObject({ code: 'RJS_EVALUATE_OPTION', message: expect.stringMatching(/images \[H, W, C\] for Square/) as string });
    }
  });

  it('is not asked of vectors by default, also where the model only predicts', async () => {
    const predict = (x: tf.Tensor): tf.Tensor => tf.tidy(() => tf.matMul(tf.reshape(x, [x.shape[0], -1]), tf.tensor2d([[1, -1], [-1, 1]])));
    const images = Float32Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0.6 : 0.5));
    const model = { ...modelOf(predict, { inputShape: [2] }), differentiable: false };
    const entry = await evaluate(model, images, new Array<number>(8).fill(0), { eps: 0.1, checks: 'quick', curve: false });
    // The margin is 0.2 and an attacker moves it by 0.4.
    expect(entry.evaluations[0]!.attacks.map(({ id }) => id)).toEqual(['noise', 'nes']);
    expect(entry.evaluations[0]!.robust.correct).toBe(0);
  });
});
