import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imageClassification, metricLearning, parseRecipe, recipeHash, type Tier, trackDocument, trackNamed, workOf, secondsOf } from '../../src/index.ts';

const TIERS: readonly Tier[] = ['smoke', 'small', 'paper'];

describe('the image-classification track', () => {
  it('stands in benchmarks/tracks as the code has it', () => {
    // Made by: node packages/cli/dist/main.js list tracks image-classification > benchmarks/tracks/image-classification.json
    const file = new URL('../../../../benchmarks/tracks/image-classification.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(trackDocument(imageClassification));
  });

  it.each(TIERS)('compares the same four methods on equal terms at tier %s', (tier) => {
    const arms = imageClassification.arms(tier);
    expect(arms.map(({ id }) => id)).toEqual(['standard', 'pgd-at', 'trades', 'advprop']);
    const shared = arms.map(({ recipe }) => ({ ...recipe, method: null }));
    for (const terms of shared) expect(terms).toEqual(shared[0]);
    for (const { recipe } of arms) expect(parseRecipe(recipe)).toEqual(recipe);
  });

  it('gives other seeds other names and other hashes, and changes nothing else', () => {
    const [first] = imageClassification.arms('small', 0);
    const [other] = imageClassification.arms('small', 7);
    expect(other!.id).toBe('standard-seed7');
    expect({ ...other!.recipe, seed: 0 }).toEqual(first!.recipe);
    expect(recipeHash(other!.recipe)).not.toBe(recipeHash(first!.recipe));
  });

  it('keeps the protocol of the default run', () => {
    const { recipe } = imageClassification.arms('small')[1]!;
    expect(recipe.method).toMatchObject({ package: '@robustjs/pgd-at', options: { steps: 5 } });
    expect(recipe.training).toMatchObject({ epochs: 2, batchSize: 64 });
    expect(recipe.evaluation).toMatchObject({ norm: 'Linf', eps: [0.1, 0.2], clean: 1000, attacked: 500 });
    expect(recipe.evaluation.attacks).toEqual([
      { id: 'noise', options: { draws: 100 } },
      { id: 'fgsm', options: {} },
      { id: 'pgd', options: { steps: 50, restarts: 2 } },
      { id: 'pgd', options: { steps: 50, restarts: 1, objective: 'margin' } },
    ]);
    expect(recipe.evaluation.curve).toMatchObject({ attack: { id: 'pgd', options: { steps: 20 } }, examples: 200 });
  });

  it('names the tracks there are when asked for another', () => {
    expect(() => trackNamed('constructor')).toThrow(/Expected a track among image-classification, metric-learning, got "constructor"/);
  });
});

describe('the metric-learning track', () => {
  it('stands in benchmarks/tracks as the code has it', () => {
    // Made by: node packages/cli/dist/main.js list tracks metric-learning > benchmarks/tracks/metric-learning.json
    const file = new URL('../../../../benchmarks/tracks/metric-learning.json', import.meta.url);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual(trackDocument(metricLearning));
  });

  it.each(TIERS)('compares all arms on equal terms at tier %s: same data, network, clean images and evaluation', (tier) => {
    const arms = metricLearning.arms(tier);
    expect(arms.map(({ id }) => id)).toEqual([
      'plain', 'shared-norm', 'mdprop-1', 'mdprop-5', 'robust-dml', 'contrastive-plain', 'arcface-plain', 'arcface-shared-norm', 'arcface-mdprop-1', 'arcface-mdprop-5',
    ]);
    const shared = arms.map(({ recipe }) => ({ ...recipe, method: null, loss: null }));
    for (const terms of shared) expect(terms).toEqual(shared[0]);
    for (const { id, recipe } of arms) {
      expect(parseRecipe(recipe)).toEqual(recipe);
      expect(recipe.loss.id).toBe(id.startsWith('arcface') ? 'arcface' : 'multi-similarity');
    }
    // What tells the shared norm from MDProp is the norms alone.
    const options = (name: string): object => arms.find(({ id }) => id === name)!.recipe.method.options;
    expect({ ...options('shared-norm'), norms: undefined }).toEqual({ ...options('mdprop-5'), norms: undefined });
  });

  it('takes other data by name, in the names of its arms too, and refuses what it does not have', () => {
    expect(metricLearning.arms('small', 2, 'mnist')[3]).toMatchObject({ id: 'mdprop-5-mnist-seed2', recipe: { seed: 2, data: { id: 'mnist' } } });
    expect(() => metricLearning.arms('small', 0, 'cub')).toThrow(/among omniglot, mnist, fashion-mnist, got "cub"/);
    expect(() => imageClassification.arms('small', 0, 'cifar10')).toThrow(/the data of tier small, mnist/);
  });
});

describe('the estimate', () => {
  it('counts the queries of retrieval at each budget, and at the last one more for two other branches', () => {
    // By hand, from the tier: 160 examples, 2 epochs, 1 step and 2 for the weights: 960 gradients in training.
    // Suite: 2 + 4 * 5 gradients on 24 queries at 2 budgets and 2 branches, half as much again for the checks.
    // Forward passes: 3 + 6 on each of these, and 60 in the gallery of three branches.
    const { recipe } = metricLearning.arms('smoke')[3]!;
    expect(workOf(recipe, { train: 0, test: 0 })).toEqual({ gradients: 960 + 1.5 * 22 * 24 * 4, forwards: 9 * 24 * 4 + 180 });
  });

  it('counts passes as the recipe spells them out', () => {
    // By hand, from the tier: 256 examples, 2 epochs, 2 attack steps and 2 for the weights: 2048 gradients in training.
    // Suite: (1 + 4 + 4) gradients on 20 examples at 2 budgets, curve: 4 gradients on 10 examples at 4 budgets; half as
    // much again for the checks. Forward passes: (5 + 1 + 1 + 1) on 20 examples at 2 budgets, and 40 clean.
    const { recipe } = imageClassification.arms('smoke')[1]!;
    expect(workOf(recipe, { train: 0, test: 0 })).toEqual({ gradients: 2048 + 1.5 * (360 + 160), forwards: 320 + 40 });
  });

  it('packs arms onto processes longest first', () => {
    // 6, 5, 4, 3 on two: 6 + 3 and 5 + 4.
    const works = [3, 6, 4, 5].map((gradients) => ({ gradients, forwards: 0 }));
    const speed = { gradientsPerSecond: 1, forwardsPerSecond: 1 };
    expect(secondsOf(works, speed, 2)).toBe(9);
    expect(secondsOf(works, speed, 1)).toBe(18);
    expect(secondsOf(works, speed, 9)).toBe(6);
  });
});
