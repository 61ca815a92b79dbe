import { branchedNorms, conv, crossEntropy, exportPlain } from '@robustjs/nn';
import { expectClose, expectPlainExport, expectSameBits, numbersOf, rowsOf, snapshot, changedNames, tinyBatch, tinyResnet, useWasm } from '@robustjs/testkit';
import { add, dispose, gather, grad, mean, mul, type Scalar, sum, type Tensor, tensor1d, tensor4d, tidy, variableGrads } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { commitUpdates, type ConvOptions, evaluation, mix, type Model, one, randomStream, type Site, type Update } from '../src/index.ts';
import { halfInstanceKit } from './kits/half-instance.ts';
import { normFreeKit } from './kits/norm-free.ts';
import { softMixture } from './kits/soft-mixture.ts';
import { standardizedConv } from './kits/standardized-conv.ts';

useWasm();

const TWO = ['main', 'auxiliary'];

/** Names of the parameters that a training loss has no gradient for. */
async function untouched(model: Model, train: boolean): Promise<string[]> {
  const batch = tinyBatch(model);
  const { value, grads } = variableGrads(
    () => mean<Scalar>(crossEntropy(model.forward(batch.inputs, { train, route: one('main') }), batch.labels)),
    model.parameters.map(({ variable }) => variable),
  );
  const names: string[] = [];
  for (const { name, variable } of model.parameters) {
    const gradient = grads[variable.name];
    if (gradient === undefined || (await numbersOf(gradient)).every((g) => g === 0)) names.push(name);
  }
  dispose([value, ...Object.values(grads)]);
  batch.dispose();
  return names;
}

describe('a network without norms, from outside', () => {
  it('has no statistics, and a gradient for every weight and gain', async () => {
    const network = tinyResnet({ kit: normFreeKit });
    expect(network.buffers).toEqual([]);
    expect(network.parameters.filter(({ name }) => name.endsWith('join/gain')).length).toBe(2);
    expect(await untouched(network, true)).toEqual([]);
    network.dispose();
  });

  it('gives a row the same output in any batch, in training too', async () => {
    const network = tinyResnet({ kit: normFreeKit });
    const batch = tinyBatch(network);
    const part = rowsOf(batch, [4, 1]);
    const pass = { train: true, route: one('main') };
    const picks = tensor1d([4, 1], 'int32');
    const [whole, alone] = [network.forward(batch.inputs, pass), network.forward(part.inputs, pass)];
    const picked = gather(whole, picks);
    await expectSameBits(alone, picked);
    dispose([picks, whole, alone, picked]);
    [part, batch, network].forEach((x) => x.dispose());
  });

  it('ignores the scale and the offset of a filter, as standardized weights do', async () => {
    const network = tinyResnet({ kit: normFreeKit });
    const batch = tinyBatch(network);
    const before = network.forward(batch.inputs, evaluation());
    const kernels = network.parameters.filter(({ name }) => name.includes('conv') && name.endsWith('/kernel'));
    for (const { variable } of kernels) tidy(() => variable.assign(add(mul(variable, 3), 0.25)));
    const after = network.forward(batch.inputs, evaluation());
    await expectClose(after, before, { relative: 1e-4 });
    dispose([before, after]);
    [batch, network].forEach((x) => x.dispose());
  });

  it('exports with standardized weights and gains folded in', async () => {
    const network = tinyResnet({ kit: normFreeKit });
    for (const { name, variable } of network.parameters) if (name.endsWith('gain')) tidy(() => variable.assign(mul(variable, 0.7)));
    const batch = tinyBatch(network);
    await expectPlainExport(network, batch.inputs);
    [batch, network].forEach((x) => x.dispose());
  });
});

describe('half instance norm, half branched batch norm, from outside', () => {
  it('has the split at the first norm of a block only', () => {
    const network = tinyResnet({ kit: (kit) => halfInstanceKit(kit, TWO) });
    const instance = network.parameters.map(({ name }) => name).filter((name) => name.includes('/instance/'));
    expect(instance.every((name) => name.includes('/norm0/'))).toBe(true);
    expect(instance.length).toBe(4);
    expect(network.branches).toEqual(TWO);
    network.dispose();
  });

  it('has a gradient for what is shared and for the routed branch, and none for the other', async () => {
    const network = tinyResnet({ kit: (kit) => halfInstanceKit(kit, TWO) });
    const none = await untouched(network, true);
    expect(none.length).toBeGreaterThan(0);
    expect(none.every((name) => name.includes('@auxiliary/'))).toBe(true);
    expect(none.length).toBe(network.parameters.filter(({ name }) => name.includes('@auxiliary/')).length);
    network.dispose();
  });

  it('moves the routed branch\'s statistics only', async () => {
    const network = tinyResnet({ kit: (kit) => halfInstanceKit(kit, TWO) });
    const batch = tinyBatch(network);
    const before = await snapshot(network);
    const updates: Update[] = [];
    network.forward(batch.inputs, { train: true, route: one('auxiliary'), updates }).dispose();
    commitUpdates(updates);
    const changed = await changedNames(network, before);
    expect(changed.length).toBeGreaterThan(0);
    expect(changed.every((name) => name.includes('@auxiliary/'))).toBe(true);
    [batch, network].forEach((x) => x.dispose());
  });

  it('cannot be said in plain layers, and export names the site', async () => {
    const network = tinyResnet({ kit: (kit) => halfInstanceKit(kit, TWO) });
    await expect(exportPlain(network)).rejects.toMatchObject({ code: 'RJS_EXPORT', message: expect.stringContaining('block0/norm0') as string });
    network.dispose();
  });
});

describe('a soft mixture of branches, from outside', () => {
  it('trains its selector, weighs every row, and each of its branches exports', async () => {
    const network = tinyResnet({ kit: (kit) => branchedNorms(kit, TWO) });
    for (const { name, variable } of network.buffers) if (name.includes('@auxiliary/')) tidy(() => variable.assign(add(variable, 0.3)));
    const mixture = softMixture(network, TWO, randomStream(0));
    expect(await untouched(mixture, false)).toEqual([]);
    const batch = tinyBatch(network);
    const weights = mixture.weightsOf(batch.inputs);
    const values = await numbersOf(weights);
    for (let row = 0; row < 6; row++) expect(values[2 * row]! + values[2 * row + 1]!).toBeCloseTo(1, 6);
    for (const branch of TWO) await expectPlainExport(network, batch.inputs, branch);
    weights.dispose();
    [batch, mixture, network].forEach((x) => x.dispose());
  });

  it('is attacked as what is deployed: the gradient goes through the selector', async () => {
    const network = tinyResnet({ kit: (kit) => branchedNorms(kit, TWO) });
    for (const { name, variable } of network.buffers) if (name.includes('@auxiliary/')) tidy(() => variable.assign(add(variable, 0.3)));
    const mixture = softMixture(network, TWO, randomStream(0));
    const batch = tinyBatch(network);
    const before = mixture.weightsOf(batch.inputs);
    // The same branches with the selector's weights held fixed have another gradient.
    const through = grad((x: Tensor) => sum(mixture.forward(x, evaluation())))(batch.inputs);
    const held = grad((x: Tensor) => sum(network.forward(x, evaluation(mix(TWO, before)))))(batch.inputs);
    expect(await numbersOf(through)).not.toEqual(await numbersOf(held));
    dispose([before, through, held]);
    [batch, mixture, network].forEach((x) => x.dispose());
  });
});

describe('standardized weights', () => {
  it('of (1, 2, 3, 4) have mean zero and length gain: -0.67082, -0.22361, 0.22361, 0.67082 times the gain of ReLU', async () => {
    const site: Site = { path: 'c', role: 'stem', stage: 0, block: 0, index: 0, channels: 1 };
    const options: ConvOptions = { inputChannels: 4, kernel: [1, 1] };
    const raw = conv(site, options, randomStream(0));
    tidy(() => raw.parameters[0]!.variable.assign(tensor4d([1, 2, 3, 4], [1, 1, 4, 1])));
    const layer = standardizedConv(site, options, raw);
    const [plain] = layer.plain!('main');
    const expected = [-0.67082, -0.22361, 0.22361, 0.67082].map((w) => w * Math.sqrt(2 / (1 - 1 / Math.PI)));
    await expectClose(plain!.weights[0]!.value, expected, { relative: 1e-5 });
    dispose([...plain!.weights.map(({ value }) => value), ...layer.parameters.map(({ variable }) => variable)]);
  });
});
