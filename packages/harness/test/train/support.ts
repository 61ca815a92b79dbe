import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Dataset, loadMnistDigits, split, take } from '@robustjs/datasets';
import { afterEach } from 'vitest';
import { parseRecipe, type Recipe } from '../../src/recipe.ts';
import type { LoadedMethod } from '../../src/train/index.ts';

let loaded: ReturnType<typeof loadMnistDigits> | undefined;

/** Real MNIST digits: `train` and 200 others for validation. */
export async function digits(train: number): Promise<{ train: Dataset; validation: Dataset }> {
  loaded ??= loadMnistDigits();
  return split(take((await loaded).train, 1000, 0), { parts: { train, validation: 200 }, seed: 0 });
}

export const standard: LoadedMethod = { id: 'standard', package: 'standard', version: '0.1.0', options: {}, defense: {} };

/** A recipe for a tiny network on MNIST. */
export function tinyRecipe(training: object, { widths = [4], ...rest }: { widths?: number[]; seed?: number; method?: object } = {}): Recipe {
  return parseRecipe({
    schema: 1,
    track: 'image-classification',
    tier: 'custom',
    data: { id: 'mnist' },
    architecture: { id: 'small-cnn', options: { widths } },
    method: { package: 'standard' },
    training: { epochs: 1, batchSize: 32, learningRate: 0.05, ...training },
    evaluation: { eps: [0.1], attacks: [{ id: 'pgd' }] },
    ...rest,
  });
}

/** Makes empty folders that are removed after the test. */
export function temporaryFolders(): () => Promise<string> {
  const folders: string[] = [];
  afterEach(async () => {
    await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
  });
  return async () => {
    const folder = await mkdtemp(join(tmpdir(), 'robustjs-train-'));
    folders.push(folder);
    return folder;
  };
}
