import { expectClose, useWasm } from '@robustjs/testkit';
import { scalar, tensor1d, tensor2d, variable, zeros } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { checkRoute, commitUpdates, dropUpdates, evaluation, MAIN, mix, type Model, modelOf, one, type Route, rows } from '../src/index.ts';

useWasm();

describe('checkRoute', () => {
  const known = ['main', 'adversarial'];
  const check = (route: Route, train = false): void => {
    const batch = zeros([4, 2]);
    try {
      checkRoute(route, known, batch, train);
    } finally {
      batch.dispose();
    }
  };
  const weightsOf = (shape: [number, number]) => mix(known, zeros(shape));

  it('takes routes that cover the batch with branches that exist', () => {
    const soft = weightsOf([4, 2]);
    for (const route of [one('main'), rows([{ branch: 'main', count: 1 }, { branch: 'adversarial', count: 3 }]), soft]) check(route);
    check(rows([{ branch: 'main', count: 4 }, { branch: 'adversarial', count: 0 }]), true);
    if (soft.kind === 'mix') soft.weights.dispose();
  });

  it('names the branches that exist when one does not', () => {
    for (const route of [one('aux'), rows([{ branch: 'aux', count: 4 }])]) {
      expect(() => check(route)).toThrow(expect.objectContaining({ code: 'RJS_BRANCH', message: expect.stringContaining('main, adversarial') as string }));
    }
  });

  it('refuses parts and weights that do not add up to the batch', () => {
    const part = (count: number): Route => rows([{ branch: 'main', count: 1 }, { branch: 'adversarial', count }]);
    const [short, narrow] = [weightsOf([3, 2]), weightsOf([4, 1])];
    for (const route of [part(2), part(3.5), rows([{ branch: 'main', count: 5 }, { branch: 'main', count: -1 }]), short, narrow]) {
      expect(() => check(route)).toThrow(expect.objectContaining({ code: 'RJS_ROUTE' }));
    }
    for (const route of [short, narrow]) if (route.kind === 'mix') route.weights.dispose();
  });

  it('refuses soft selection in training', () => {
    const soft = weightsOf([4, 2]);
    expect(() => check(soft, true)).toThrow(expect.objectContaining({ code: 'RJS_ROUTE_MIX' }));
    if (soft.kind === 'mix') soft.weights.dispose();
  });
});

describe('passes and updates', () => {
  it('evaluates through the main branch with nothing recorded', () => {
    expect(evaluation()).toEqual({ train: false, route: { kind: 'one', branch: MAIN } });
    expect(evaluation(one('a')).route).toEqual(one('a'));
  });

  it('commits updates in order and disposes them: 0.9 * 10 + 0.1 * 20 = 11, then 0.5 * 11 + 0.5 * 1 = 6', async () => {
    const initial = tensor1d([10, 0]);
    const buffer = variable(initial, false);
    commitUpdates([
      { buffer, value: tensor1d([20, 0]), decay: 0.9 },
      { buffer, value: tensor1d([1, 4]), decay: 0.5 },
    ]);
    await expectClose(buffer, [6, 2]);
    initial.dispose();
    buffer.dispose();
  });

  it('drops updates without moving anything', async () => {
    const initial = scalar(3);
    const buffer = variable(initial, false);
    dropUpdates([{ buffer, value: scalar(9), decay: 0 }]);
    await expectClose(buffer, [3]);
    initial.dispose();
    buffer.dispose();
  });
});

describe('modelOf', () => {
  it('makes a model without parameters of any function, with bounds [0, 1] unless told', async () => {
    const model: Model = modelOf((x) => x.clone(), { inputShape: [2] });
    expect(model).toMatchObject({ inputShape: [2], bounds: [0, 1], branches: ['main'], parameters: [], buffers: [] });
    expect(modelOf((x) => x, { inputShape: [2], bounds: [-1, 1] }).bounds).toEqual([-1, 1]);
    const inputs = tensor2d([[1, 2]]);
    const outputs = model.forward(inputs, evaluation());
    await expectClose(outputs, [1, 2]);
    model.dispose();
    inputs.dispose();
    outputs.dispose();
  });
});
