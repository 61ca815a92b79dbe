import { evaluation, randomStream } from '@robustjs/core';
import { dispose, grad, sum, type Tensor, tidy } from '@tensorflow/tfjs-core';
import type { Recipe } from '../recipe.ts';
import { buildModel, type DataShape, loadMethod } from '../train/index.ts';
import type { Speed } from './estimate.ts';

const ROWS = 64;
const SECONDS = 0.4;

/** Measures for about a second how fast a recipe's network runs here. A runtime must have been started. */
export async function measureSpeed(recipe: Recipe, shape: DataShape): Promise<Speed> {
  const method = await loadMethod({ package: 'standard', options: {} });
  const { network } = buildModel(recipe, shape, method);
  const ids = Array.from({ length: ROWS }, (_, row) => row);
  const inputs = randomStream(0).split('calibrate').uniformRows(ids, shape.inputShape);
  const forward = (x: Tensor): Tensor => network.forward(x, evaluation());
  const gradient = grad((x: Tensor) => sum(forward(x)));
  try {
    return {
      gradientsPerSecond: await ratePerSecond(() => gradient(inputs)),
      forwardsPerSecond: await ratePerSecond(() => tidy(() => forward(inputs))),
    };
  } finally {
    inputs.dispose();
    network.dispose();
  }
}

async function ratePerSecond(work: () => Tensor): Promise<number> {
  await once(work);
  const start = performance.now();
  let rounds = 0;
  let seconds = 0;
  while (seconds < SECONDS) {
    await once(work);
    rounds++;
    seconds = (performance.now() - start) / 1000;
  }
  return (rounds * ROWS) / seconds;
}

async function once(work: () => Tensor): Promise<void> {
  const result = work();
  await result.data();
  dispose(result);
}
