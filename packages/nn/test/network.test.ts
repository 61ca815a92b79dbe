import { type Architecture, evaluation, type Kit, MAIN, type Pass, randomStream, type Site } from '@robustjs/core';
import { grad, memory, mul, square, sum, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { buildNetwork, identity, type Network, namedVariable, reluLayer, residual, sequential, smallCnn, standardKit, tap } from '../src/index.ts';
import { codeOf, expectClose, normalTensor, onWasm, read, training } from './support.ts';

onWasm();

const inputShape = [6, 5, 2];
const site = (path: string, channels: number): Site => ({ path, role: 'block', stage: 0, block: 0, index: 0, channels });
const kit = (seed = 1): Kit => standardKit(randomStream(seed));
const build = (seed = 1, options: Partial<Parameters<typeof buildNetwork>[1]> = {}): Network =>
  buildNetwork(smallCnn({ inputShape, classes: 3, widths: [2, 3] }), { kit: kit(seed), inputShape, ...options });

describe('a network', () => {
  it('has branch main, bounds [0, 1] and no normalization by default', () => {
    const network = build();
    expect([network.branches, network.bounds, network.normalization, network.inputShape]).toEqual([[MAIN], [0, 1], undefined, inputShape]);
    expect(build(1, { bounds: [-1, 1] }).bounds).toEqual([-1, 1]);
  });

  it('normalizes its inputs by channel', () => {
    const [plain, normalized] = [build(), build(1, { normalization: { mean: [0.5, -1], std: [2, 0.25] } })];
    const x = normalTensor([2, ...inputShape], 1);
    const values = read(x).map((v, i) => (i % 2 === 0 ? (v - 0.5) / 2 : (v + 1) / 0.25));
    expectClose(normalized.forward(x, evaluation()), read(plain.forward(tensor(values, x.shape), evaluation())));
  });

  it.each([
    { mean: [0], std: [1] },
    { mean: [0, 0], std: [1] },
    { mean: [0, 0], std: [1, 0] },
    { mean: [0, NaN], std: [1, 1] },
  ])('refuses the normalization %j', (normalization) => {
    const before = memory().numTensors;
    expect(codeOf(() => build(1, { normalization }))).toBe('RJS_NORMALIZATION');
    expect(memory().numTensors).toBe(before);
  });

  it('frees all it made when it is disposed', () => {
    const before = memory().numTensors;
    const network = build();
    expect(memory().numTensors).toBe(before + network.parameters.length + network.buffers.length);
    network.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('refuses two sites of one path, and frees what was made by then', () => {
    const twice: Architecture = (k) => sequential(k.norm(site('a', 2)), k.norm(site('a', 2)));
    const before = memory().numTensors;
    expect(codeOf(() => buildNetwork(twice, { kit: kit(), inputShape }))).toBe('RJS_SITE');
    expect(memory().numTensors).toBe(before);
  });

  it('refuses two variables of one name, which a file could not tell apart', () => {
    const doubling: Kit = { ...kit(), norm: (s) => sequential(kit().norm(s), kit().norm(s)) };
    const before = memory().numTensors;
    expect(codeOf(() => build(1, { kit: doubling }))).toBe('RJS_SITE');
    expect(memory().numTensors).toBe(before);
  });

  it('trains a layer that is used twice once, and frees layers that are not used', () => {
    const shared: Architecture = (k) => {
      const layer = k.norm(site('a', 2));
      k.norm(site('unused', 2));
      return sequential(layer, layer);
    };
    const before = memory().numTensors;
    const network = buildNetwork(shared, { kit: kit(), inputShape });
    expect(network.parameters.map(({ name }) => name)).toEqual(['a/scale', 'a/offset']);
    network.dispose();
    expect(memory().numTensors).toBe(before);
  });

  it('does not collide with another one of the same names', () => {
    const [a, b] = [build(1), build(1)];
    expect(a.parameters.map(({ name }) => name)).toEqual(b.parameters.map(({ name }) => name));
    const x = normalTensor([2, ...inputShape], 1);
    const was = read(b.forward(x, evaluation()));
    expect(read(a.forward(x, evaluation()))).toEqual(was);
    for (const { variable } of a.parameters) tidy(() => variable.assign(mul(variable, 2)));
    expect(read(b.forward(x, evaluation()))).toEqual(was);
    expect(read(a.forward(x, evaluation()))).not.toEqual(was);
    a.dispose();
    expect(read(b.forward(x, evaluation()))).toEqual(was);
  });
});

it('namedVariable takes over its value and keeps TF.js free of the name', () => {
  const before = memory().numTensors;
  const [first, second] = [namedVariable('same', normalTensor([2], 1)), namedVariable('same', normalTensor([2], 2), false)];
  expect(memory().numTensors).toBe(before + 2);
  expect(first.variable.name).not.toBe(second.variable.name);
  expect([first.variable.trainable, second.variable.trainable]).toEqual([true, false]);
});

describe('taps', () => {
  const tapped = (network: Network, x: Tensor, pass: Pass): Tensor => {
    const taps = new Map<string, Tensor | undefined>([['features', undefined]]);
    network.forward(x, { ...pass, taps });
    return taps.get('features')!;
  };

  it('give the features before the head: the head on them gives the logits', () => {
    const network = build();
    const x = normalTensor([3, ...inputShape], 1);
    const taps = new Map<string, Tensor | undefined>([['features', undefined], ['other', undefined]]);
    const before = memory().numTensors;
    const logits = network.forward(x, { ...evaluation(), taps });
    expect(memory().numTensors).toBe(before + 2);
    const features = taps.get('features')!;
    // 6x5 halves to 3x3, 3 channels.
    expect(features.shape).toEqual([3, 27]);
    expect(taps.get('other')).toBeUndefined();
    const [kernel, bias] = network.parameters.filter(({ name }) => name.startsWith('head/')).map(({ variable }) => read(variable)) as [number[], number[]];
    const values = read(features);
    const expected = Array.from({ length: 9 }, (_, i) => bias[i % 3]! + values.slice(Math.floor(i / 3) * 27, Math.floor(i / 3) * 27 + 27).reduce((s, v, f) => s + v * kernel[f * 3 + (i % 3)]!, 0));
    expectClose(logits, expected);
  });

  it('let gradients through, and cost nothing where they are not asked for', () => {
    const network = build();
    const x = normalTensor([2, ...inputShape], 1);
    const kept: Tensor[] = [];
    const before = memory().numTensors;
    const gradient = grad((v: Tensor) => {
      const features = tapped(network, v, training());
      kept.push(features);
      return sum(square(features));
    })(x);
    expect(memory().numTensors).toBe(before + 2);
    kept[0]!.dispose();
    // The features of a network without the head: the same layers called one by one.
    const names = ['conv0', 'norm0', 'act0', 'conv1', 'norm1', 'act1', 'flatten'];
    const body = (v: Tensor): Tensor => names.reduce((value, name) => (network.sites.get(name) as typeof reluLayer).apply(value, training()), v);
    expectClose(gradient, read(grad((v: Tensor) => sum(square(body(v))))(x)), 1e-6);
    const settled = memory().numTensors;
    tidy(() => void network.forward(x, evaluation()));
    expect(memory().numTensors).toBe(settled);
  });
});

it('sequential, residual and identity compose', () => {
  const x = normalTensor([2, 3], 1);
  const double = { parameters: [], buffers: [], apply: (v: Tensor) => mul(v, 2) };
  expect(sequential<Tensor>().apply(x, evaluation())).toBe(x);
  const sums = residual(identity<Tensor>(), sequential(double, reluLayer), kit().join(site('j', 3)));
  expectClose(sums.apply(x, evaluation()), read(x).map((v) => v + Math.max(2 * v, 0)), 1e-6);
  expect(sums.branches).toBeUndefined();
  expect(tap('t', double).parameters).toEqual([]);
});
