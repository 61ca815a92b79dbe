import { startWasm } from '@robustjs/backend-wasm';
import { modelOf, randomStream } from '@robustjs/core';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { evaluate } from '../../src/evaluate/index.ts';

beforeAll(async () => {
  await startWasm();
});

// A linear model of two classes stands at x under Linf exactly when its margin there exceeds eps ||w||_1, under L2 when it
// exceeds eps ||w||_2, as long as the box is far: all inputs lie in [0.3, 0.7], all budgets below 0.3.
it.each([
  ['Linf', [0.005, 0.02, 0.06], (w: number[]) => w.reduce((sum, v) => sum + Math.abs(v), 0)],
  ['L2', [0.02, 0.06, 0.18], (w: number[]) => Math.hypot(...w)],
] as const)('gives the exact robust accuracy of a linear model under %s', async (norm, budgets, dualNorm) => {
  const [d, n] = [12, 200];
  const w = Array.from(randomStream(5).split('w').normal(d));
  const images = randomStream(5).split('x').uniform(n * d).map((u) => 0.3 + 0.4 * u);
  const margins = Array.from({ length: n }, (_, i) => w.reduce((sum, v, j) => sum + v * (images[i * d + j]! - 0.5), 0));
  const labels = margins.map((margin, i) => (i % 10 === 0 ? Number(margin <= 0) : Number(margin > 0)));
  const weights = tf.tensor2d(w, [d, 1]);
  const model = modelOf((x) => tf.tidy(() => { const z = tf.matMul(tf.sub<tf.Tensor2D>(x, 0.5), weights); return tf.concat([tf.neg(z), z], 1); }), { inputShape: [d] });
  const entry = await evaluate(model, images, labels, { checks: 'quick', norm, eps: budgets, curve: { eps: budgets, attack: { id: 'fgsm' }, examples: n } });
  const standing = budgets.map((eps) => margins.filter((margin, i) => (labels[i] === 1 ? margin : -margin) > eps * dualNorm(w)).length);
  expect(entry.evaluations.map(({ robust }) => robust.correct)).toEqual(standing);
  expect(entry.curve!.points.map(({ correct }) => correct)).toEqual(standing);
  expect(standing[0]).toBeLessThan(180);
  expect(standing[2]).toBeGreaterThan(0);
  expect(entry.clean.correct).toBe(180);
  expect(entry.sanity.filter(({ status }) => status === 'fail')).toEqual([]);
});
