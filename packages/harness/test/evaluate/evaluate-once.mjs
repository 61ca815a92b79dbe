// One evaluation in a process of its own: node evaluate-once.mjs FOLDER WORKERS [JSON of options]. Says every job that is done.
import { randomStream } from '@robustjs/core';
import { memoryDataset } from '@robustjs/datasets';
import { evaluateDataset, startRuntime, storeEvaluation } from '@robustjs/harness';
import * as tf from '@tensorflow/tfjs-core';
import { openSubject, SHAPE } from './tiny-subject.mjs';

const [folder, workers, more = '{}'] = process.argv.slice(2);
const say = (text) => process.stdout.write(`${text}\n`);
const runtime = await startRuntime('wasm');
const { evaluable } = openSubject({ seed: 1 });
const images = randomStream(2).split('images').uniform(36 * 16);
const x = tf.tensor(images, [36, ...SHAPE]);
const logits = evaluable.forward(x, {});
// Labels are what the model says, but for every ninth image.
const labels = (await tf.argMax(logits, 1).data()).map((label, i) => (i % 9 === 0 ? (label + 1) % 3 : label));
const dataset = memoryDataset({ id: 'tiny', split: 'test', inputShape: SHAPE, classes: 3, images, labels });
say('begin');
try {
  const evaluated = await evaluateDataset(evaluable, dataset, {
    eps: [0.02, 0.05], attacks: [{ id: 'noise', options: { draws: 5 } }, { id: 'pgd', options: { steps: 5 } }, { id: 'pgd', options: { steps: 10, objective: 'margin' } }],
    mode: 'cascade', checks: 'quick', batchSize: 10, curve: { eps: [0, 0.05, 0.5], attack: { id: 'fgsm' }, examples: 20 }, runtime, folder, workers: Number(workers), pictures: 2,
    source: { module: new URL('tiny-subject.mjs', import.meta.url).href, setup: { seed: 1 } },
    onProgress: () => say('job'), ...JSON.parse(more),
  });
  say('store');
  await storeEvaluation(folder, evaluated);
  say('end');
} catch (error) {
  say(`error ${error.code}: ${error.message}`);
  process.exitCode = 1;
}
