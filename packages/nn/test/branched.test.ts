import { commitUpdates, dropUpdates, evaluation, mix, one, randomStream, rows, type Site, type Update } from '@robustjs/core';
import { abs, add, concat, grad, memory, mul, slice, sum, type Tensor, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { batchNorm, branched, branchedNorms, buildNetwork, type Network, resnet, standardKit } from '../src/index.ts';
import { codeOf, expectClose, normalTensor, onWasm, read, training } from './support.ts';

onWasm();

const inputShape = [6, 5, 2];
const branches = ['main', 'adv', 'aux'];

function build(where?: (site: Site) => boolean): Network {
  const network = buildNetwork(resnet({ inputShape, classes: 3, widths: [2, 3] }), {
    kit: branchedNorms(standardKit(randomStream(1)), branches, where),
    inputShape,
  });
  [...network.parameters, ...network.buffers].forEach(({ name, variable }, i) => {
    const values = normalTensor(variable.shape, i);
    if (name.includes('norm')) tidy(() => variable.assign(name.endsWith('variance') ? add(abs(values), 0.5) : values));
  });
  return network;
}

const x = (seed: number, count: number): Tensor => normalTensor([count, ...inputShape], seed);
const part = (batch: Tensor, start: number, count: number): Tensor => slice(batch, [start, 0, 0, 0], [count, ...inputShape]);

describe('rows', () => {
  const route = rows([{ branch: 'adv', count: 2 }, { branch: 'main', count: 0 }, { branch: 'aux', count: 3 }, { branch: 'main', count: 1 }]);

  it('in evaluation equal separate passes to the bit, and leave nothing', () => {
    const network = build();
    const batch = x(1, 6);
    const before = memory().numTensors;
    const stacked = network.forward(batch, evaluation(route));
    expect(memory().numTensors).toBe(before + 1);
    const separate = [
      network.forward(part(batch, 0, 2), evaluation(one('adv'))),
      network.forward(part(batch, 2, 3), evaluation(one('aux'))),
      network.forward(part(batch, 5, 1), evaluation(one('main'))),
    ];
    expect(read(stacked)).toEqual(separate.flatMap(read));
    // The branches do differ.
    expect(read(stacked)).not.toEqual(read(network.forward(batch, evaluation(one('main')))));
  });

  it('in training each part sees its own statistics, and only its branch moves', () => {
    const [network, alone] = [build(), build()];
    const batch = x(2, 7);
    const updates: Update[] = [];
    const before = memory().numTensors;
    const stacked = tidy(() => read(network.forward(batch, training(updates, rows([{ branch: 'main', count: 4 }, { branch: 'adv', count: 3 }, { branch: 'aux', count: 0 }])))));
    const separate: Update[] = [];
    const outputs = tidy(() => [
      ...read(alone.forward(part(batch, 0, 4), training(separate, one('main')))),
      ...read(alone.forward(part(batch, 4, 3), training(separate, one('adv')))),
    ]);
    expectClose(stacked, outputs, 1e-6);
    expect(updates.length).toBe(separate.length);
    const was = new Map(network.buffers.map(({ name, variable }) => [name, read(variable)]));
    commitUpdates(updates);
    commitUpdates(separate);
    expect(memory().numTensors).toBe(before);
    network.buffers.forEach(({ name, variable }, i) => {
      expectClose(variable, read(alone.buffers[i]!.variable), 1e-6);
      const moved = read(variable).join() !== was.get(name)!.join();
      expect([name, moved]).toEqual([name, !name.includes('@aux/')]);
    });
  });

  it('gradients are those of the separate passes', () => {
    const network = build();
    const batch = x(3, 5);
    const weights = normalTensor([5, 3], 9);
    const loss = (logits: Tensor): Tensor => sum(mul(logits, weights));
    const together = grad((v: Tensor) => loss(network.forward(v, training(undefined, rows([{ branch: 'main', count: 2 }, { branch: 'adv', count: 3 }])))))(batch);
    const apart = grad((v: Tensor) => loss(concat([
      network.forward(part(v, 0, 2), training(undefined, one('main'))),
      network.forward(part(v, 2, 3), training(undefined, one('adv'))),
    ])))(batch);
    expectClose(together, read(apart), 1e-5);
  });
});

describe('mix', () => {
  it('with one-hot weights equals the branch of each row', () => {
    const network = build();
    const batch = x(4, 3);
    const mixed = network.forward(batch, evaluation(mix(['main', 'adv'], tensor2d([[0, 1], [1, 0], [0, 1]]))));
    const hard = network.forward(batch, evaluation(rows([{ branch: 'adv', count: 1 }, { branch: 'main', count: 1 }, { branch: 'adv', count: 1 }])));
    expectClose(mixed, read(hard), 1e-6);
  });

  it('weighs the outputs of a norm by row, and gradients reach the weights', () => {
    const site: Site = { path: 'norm', role: 'block', stage: 0, block: 0, index: 0, channels: 2 };
    const layer = branched(site, ['main', 'adv'], batchNorm);
    layer.parameters.forEach(({ variable }, i) => variable.assign(normalTensor([2], i)));
    const input = normalTensor([3, 4, 2], 1);
    const weights = tensor2d([[0.3, 0.7], [1, 0], [0.5, 0.5]]);
    const [a, b, w] = [...['main', 'adv'].map((branch) => read(layer.apply(input, evaluation(one(branch))))), read(weights)] as [number[], number[], number[]];
    const mixed = layer.apply(input, evaluation(mix(['main', 'adv'], weights)));
    expectClose(mixed, a.map((v, i) => { const row = Math.floor(i / 8); return w[row * 2]! * v + w[row * 2 + 1]! * b[i]!; }), 1e-6);
    const gradient = grad((v: Tensor) => sum(layer.apply(input, evaluation(mix(['main', 'adv'], v as typeof weights)))))(weights);
    const rowSum = (values: number[], row: number): number => values.slice(row * 8, row * 8 + 8).reduce((s, v) => s + v);
    expectClose(gradient, [0, 1, 2].flatMap((row) => [rowSum(a, row), rowSum(b, row)]), 1e-5);
  });
});

it('variables are named by branch, and initial values of everything else stay', () => {
  const plain = buildNetwork(resnet({ inputShape, classes: 3, widths: [2] }), { kit: standardKit(randomStream(1)), inputShape });
  const many = buildNetwork(resnet({ inputShape, classes: 3, widths: [2] }), { kit: branchedNorms(standardKit(randomStream(1)), branches), inputShape });
  expect(plain.branches).toEqual(['main']);
  expect(many.branches).toEqual(branches);
  const byName = new Map(many.parameters.map(({ name, variable }) => [name, read(variable)]));
  for (const { name, variable } of plain.parameters) {
    const names = name.includes('norm') ? branches.map((b) => name.replace(/\/(scale|offset)$/, `@${b}/$1`)) : [name];
    for (const copy of names) expect(byName.get(copy)).toEqual(read(variable));
  }
});

it('where says which norms are branched', () => {
  const network = build((site) => site.role !== 'shortcut');
  const branchedSites = [...network.sites].filter(([, layer]) => layer.branches).map(([path]) => path);
  expect(branchedSites).toEqual([
    'stem/norm', 'stage0/block0/norm0', 'stage0/block0/norm1', 'stage1/block0/norm0', 'stage1/block0/norm1',
  ]);
  expect(network.parameters.map(({ name }) => name)).toContain('stage1/block0/shortcut-norm/scale');
});

it('refuses names that make no branches and routes that do not fit', () => {
  const kit = standardKit(randomStream(1));
  const site: Site = { path: 'n', role: 'block', stage: 0, block: 0, index: 0, channels: 2 };
  const before = memory().numTensors;
  for (const names of [[], ['main', 'main'], ['a/b'], ['a@b'], ['']]) {
    expect(codeOf(() => branchedNorms(kit, names).norm(site))).toBe('RJS_BRANCHES');
  }
  expect(memory().numTensors).toBe(before);
  const network = build();
  const batch = x(1, 2);
  const settled = memory().numTensors;
  expect(codeOf(() => network.forward(batch, evaluation(one('other'))))).toBe('RJS_BRANCH');
  expect(codeOf(() => network.forward(batch, evaluation(rows([{ branch: 'main', count: 1 }]))))).toBe('RJS_ROUTE');
  expect(codeOf(() => tidy(() => network.forward(batch, training([], mix(['main'], tensor2d([[1], [1]]))))))).toBe('RJS_ROUTE_MIX');
  expect(memory().numTensors).toBe(settled);
});

it('an attack has no sink: a training pass without one moves nothing', () => {
  const network = build();
  const was = network.buffers.map(({ variable }) => read(variable));
  grad((v: Tensor) => sum(network.forward(v, training(undefined, one('adv')))))(x(1, 3));
  expect(network.buffers.map(({ variable }) => read(variable))).toEqual(was);
  const updates: Update[] = [];
  tidy(() => void network.forward(x(1, 3), training(updates, one('adv'))));
  expect(updates.length).toBeGreaterThan(0);
  dropUpdates(updates);
});
