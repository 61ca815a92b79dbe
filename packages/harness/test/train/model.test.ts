import { startWasm } from '@robustjs/backend-wasm';
import { evaluation } from '@robustjs/core';
import { branchedNorms } from '@robustjs/nn';
import { dispose, fill, memory, ones } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { parseRecipe, type Recipe } from '../../src/recipe.ts';
import { buildModel } from '../../src/train/index.ts';
import { standard, tinyRecipe } from './support.ts';

beforeAll(() => startWasm());

const shape = { inputShape: [8, 8, 1], classes: 3 };
const recipeOf = (id: 'small-cnn' | 'resnet', options: object, seed = 0): Recipe => parseRecipe({ ...tinyRecipe({}), architecture: { id, options }, seed });

it('builds what the recipe says, with weights that follow from the seed', async () => {
  const before = memory().numTensors;
  const kernels = [];
  for (const seed of [0, 0, 1]) {
    const { network, model, deployedRoute } = buildModel(recipeOf('small-cnn', { widths: [4, 8] }, seed), shape, standard);
    expect(model).toBe(network);
    expect(deployedRoute).toEqual({ kind: 'one', branch: 'main' });
    // conv 3*3*1*4, norm 4 + 4, conv 3*3*4*8, norm 8 + 8, dense 4*4*8*3 + 3.
    expect(network.parameters.reduce((count, { variable }) => count + variable.size, 0)).toBe(36 + 8 + 288 + 16 + 387);
    kernels.push(Array.from(await network.parameters[0]!.variable.data()));
    network.dispose();
  }
  expect(kernels[0]).toEqual(kernels[1]);
  expect(kernels[0]).not.toEqual(kernels[2]);
  expect(memory().numTensors).toBe(before);
});

it('normalizes inputs inside the network when asked to', async () => {
  const raw = buildModel(recipeOf('small-cnn', {}), shape, standard).network;
  const scaled = buildModel(recipeOf('small-cnn', { normalization: { mean: [0.5], std: [0.25] } }), shape, standard).network;
  // (0.75 - 0.5) / 0.25 = 1.
  const inputs = [ones([1, 8, 8, 1]), fill([1, 8, 8, 1], 0.75)];
  const outputs = [raw.forward(inputs[0]!, evaluation()), scaled.forward(inputs[1]!, evaluation())];
  expect(await outputs[1]!.data()).toEqual(await outputs[0]!.data());
  dispose([...inputs, ...outputs]);
  raw.dispose();
  scaled.dispose();
});

it('refuses options that the architecture does not take', () => {
  expect(() => buildModel(recipeOf('small-cnn', { width: [4] }), shape, standard)).toThrow(/options of small-cnn.*width/);
  expect(() => buildModel(recipeOf('resnet', { blocks: 0 }), shape, standard)).toThrow(/valid 'blocks'/);
  expect(() => buildModel(recipeOf('resnet', { normalization: { mean: [0, 0], std: [1, 1] } }), shape, standard)).toThrow(/each of 1 channels, got 2 and 2/);
});

it('deploys the branch that the method names, if the network has it', () => {
  const before = memory().numTensors;
  const method = (deploys: string) => ({ ...standard, defense: { kit: (kit: Parameters<typeof branchedNorms>[0]) => branchedNorms(kit, ['main', 'other']), deploys } });
  const { network, deployedRoute } = buildModel(recipeOf('small-cnn', {}), shape, method('other'));
  expect(deployedRoute).toEqual({ kind: 'one', branch: 'other' });
  network.dispose();
  expect(() => buildModel(recipeOf('small-cnn', {}), shape, method('absent'))).toThrow(/among main, other, got "absent"/);
  const failing = { ...standard, defense: { wrap: () => { throw new Error('cannot wrap'); } } };
  expect(() => buildModel(recipeOf('small-cnn', {}), shape, failing)).toThrow('cannot wrap');
  expect(memory().numTensors).toBe(before);
});
