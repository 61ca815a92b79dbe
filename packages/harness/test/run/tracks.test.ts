import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { imageClassification, parseRecipe, recipeHash, type Tier, trackDocument, trackNamed, workOf, secondsOf } from '../../src/index.ts';

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
    expect(() => trackNamed('constructor')).toThrow(/Expected a track among image-classification, got "constructor"/);
  });
});

describe('the estimate', () => {
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
