import { startWasm } from '@robustjs/backend-wasm';
import { type Model, modelOf } from '@robustjs/core';
import { memoryDataset } from '@robustjs/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { evaluateDataset } from '../../src/evaluate/index.ts';

beforeAll(() => startWasm());

const COUNT = 60;
const dataset = memoryDataset({ id: 'grey', split: 'test', inputShape: [1, 1, 1], classes: 2, images: new Float32Array(COUNT).fill(0.3), labels: new Array<number>(COUNT).fill(0) });

// Class 1 where the value and a draw from [-0.1, 0.1) add up to more than one half: never at 0.3, one time in four at 0.45.
const plain: Model = modelOf((x) => tf.reshape(x, [-1, 1]), { inputShape: [1, 1, 1] });
const noisy: Model = {
  ...plain,
  forward: (x, pass) => tf.tidy(() => {
    const rows = x.shape[0];
    const z = tf.sub(tf.add(tf.reshape(x, [rows, 1]), tf.tensor(pass.random!.uniform(rows).map((u) => 0.2 * u - 0.1), [rows, 1])), 0.5);
    return tf.concat([tf.onesLike(z), tf.add(z, 1)], 1);
  }),
};

it('draws are taken at the strongest attempt on what stands, beside the count of the attacks', async () => {
  const options = { eps: 0.15, attacks: [{ id: 'noise', options: { draws: 1 } }, { id: 'fgsm' }], mode: 'cascade', randomized: true, checks: 'quick', curve: false } as const;
  const { entry, adversarial, examples } = await evaluateDataset(noisy, dataset, options);
  const [{ robust, attacks, bestKnown }] = entry.evaluations as [(typeof entry.evaluations)[number]];
  expect(entry.clean.draws).toEqual(new Array(10).fill(COUNT));
  expect(robust.standing).toBe(COUNT - attacks.at(-1)!.brokenUnion);
  expect(robust.standing).toBeLessThan(COUNT - 5);
  // FGSM ends at 0.45 on every row that noise left, where 3 in 4 of all draws are right; of the few that noise broke, more. At the clean
  // inputs all standing rows would be right in each draw, which together gives 51 or more. Ten draws of 60 spread by 1.1.
  expect(robust.correct).toBeGreaterThan(41);
  expect(robust.correct).toBeLessThan(50);
  expect(Math.min(...robust.draws!)).toBeLessThan(robust.draws!.reduce((a, b) => a + b) / 10);
  expect(bestKnown).toBeUndefined();
  // What is stored is what broke a row, and a clean input elsewhere.
  const stored = adversarial[0]!.values;
  examples.forEach(({ outcomes: [outcome] }, row) => expect(stored[row] === Math.fround(0.3)).toBe(outcome!.brokenBy === null));
});
