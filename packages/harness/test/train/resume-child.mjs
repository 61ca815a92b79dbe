// Trains a tiny network from the built packages and says each step: node resume-child.mjs FOLDER IMAGES LABELS WORKERS. Killed and started again
// by resume.test.ts until it ends.
import { startWasm } from '@robustjs/backend-wasm';
import { memoryDataset } from '@robustjs/datasets';
import { readFile } from 'node:fs/promises';
import { loadMethod, train } from '../../dist/train/index.js';
import { parseRecipe } from '../../dist/recipe.js';

const [folder, images, labels, workers] = process.argv.slice(2);
const data = memoryDataset({
  id: 'mnist', split: 'train', inputShape: [28, 28, 1], classes: 10,
  images: new Uint8Array(await readFile(images)), labels: new Uint8Array(await readFile(labels)),
});
const recipe = parseRecipe({
  schema: 1, track: 'image-classification', tier: 'custom', data: { id: 'mnist' },
  architecture: { id: 'small-cnn', options: { widths: [4, 32] } },
  method: { package: '@robustjs/advprop', options: { steps: 1, eps: 0.1 } },
  training: { epochs: 3, batchSize: 24, learningRate: 0.01, ema: 0.9, shards: 4, optimizer: { id: 'adam' } },
  evaluation: { eps: [0.1], attacks: [{ id: 'pgd' }] },
  seed: 3,
});
await startWasm();
const { weightsSha256, curves } = await train({
  recipe, data: { train: data, validation: data }, method: await loadMethod(recipe.method),
  checkpointDir: folder, checkpointEverySteps: 1, workers: Number(workers),
  onProgress: ({ step }) => process.stdout.write(`step ${step}\n`),
});
process.stdout.write(`done ${JSON.stringify({ weightsSha256, curves })}\n`);
