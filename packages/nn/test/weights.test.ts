import { evaluation, one, randomStream } from '@robustjs/core';
import { abs, memory, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { expect, it } from 'vitest';
import { branchedNorms, buildNetwork, copyBranch, decodeIntoBranches, decodeWeights, encodeWeights, type Network, resnet, standardKit } from '../src/index.ts';
import { codeOf, normalTensor, onWasm, read } from './support.ts';

onWasm();

const inputShape = [6, 5, 2];

function build(seed: number, branches?: string[], widths: number[] = [2, 3]): Network {
  const kit = standardKit(randomStream(seed));
  const network = buildNetwork(resnet({ inputShape, classes: 3, widths }), { kit: branches ? branchedNorms(kit, branches) : kit, inputShape });
  // Statistics and norms too are told apart by their values; none is negative, as no variance is.
  [...network.parameters, ...network.buffers].forEach(({ variable }, i) => tidy(() => variable.assign(abs(normalTensor(variable.shape, 1000 * seed + i)))));
  return network;
}

const valuesOf = (network: Network): Map<string, number[]> =>
  new Map([...network.parameters, ...network.buffers].map(({ name, variable }) => [name, read(variable)]));

it('weights come back bit by bit, with their metadata, and leave nothing', async () => {
  const [from, to] = [build(1), build(2)];
  const before = memory().numTensors;
  const bytes = await encodeWeights(from, { recipe: 'r' });
  expect(decodeWeights(to, bytes)).toEqual({ recipe: 'r' });
  expect(memory().numTensors).toBe(before);
  expect(valuesOf(to)).toEqual(valuesOf(from));
  const x = normalTensor([2, ...inputShape], 1);
  expect(read(to.forward(x, evaluation()))).toEqual(read(from.forward(x, evaluation())));
  from.dispose();
  expect(read(to.forward(x, evaluation())).every(Number.isFinite)).toBe(true);
});

it.each([
  ['a wider network', () => build(1, undefined, [2, 4])],
  ['a deeper network', () => build(1, undefined, [2, 3, 4])],
  ['a shallower network', () => build(1, undefined, [2])],
  ['a network with branches', () => build(1, ['main', 'adversarial'])],
])('weights of %s are refused and nothing is assigned', async (_name, other) => {
  const bytes = await encodeWeights(other());
  const network = build(2);
  const [was, before] = [valuesOf(network), memory().numTensors];
  expect(codeOf(() => decodeWeights(network, bytes))).toBe('RJS_WEIGHTS');
  expect(valuesOf(network)).toEqual(was);
  expect(memory().numTensors).toBe(before);
});

it('a plain network does not load into a branched one', async () => {
  const bytes = await encodeWeights(build(1));
  const network = build(2, ['main', 'adversarial']);
  expect(() => decodeWeights(network, bytes)).toThrow(/Expected 'stem\/norm@main\/scale' of shape \[2\], got none/);
});

it('a plain network loads into every branch of a branched one, statistics too', async () => {
  const plain = build(1);
  const network = build(2, ['main', 'adversarial']);
  const before = memory().numTensors;
  expect(decodeIntoBranches(network, await encodeWeights(plain, { recipe: 'r' }))).toEqual({ recipe: 'r' });
  expect(memory().numTensors).toBe(before);
  const x = normalTensor([2, ...inputShape], 1);
  const expected = read(plain.forward(x, evaluation()));
  for (const branch of network.branches) expect(read(network.forward(x, evaluation(one(branch))))).toEqual(expected);
  const other = await encodeWeights(build(1, undefined, [2, 4]));
  expect(codeOf(() => decodeIntoBranches(network, other))).toBe('RJS_WEIGHTS');
  expect(read(network.forward(x, evaluation()))).toEqual(expected);
});

it('200 damaged files assign all or nothing', async () => {
  const bytes = await encodeWeights(build(1));
  const network = build(2);
  const before = memory().numTensors;
  const codes = new Set<string>();
  for (let seed = 0; seed < 200; seed++) {
    const [kind, place, bit] = randomStream(seed).split('damage').uniform(3) as unknown as [number, number, number];
    // Half of the flips hit the header, where they matter most.
    const at = Math.floor(place * (kind < 0.7 ? 1500 : bytes.length));
    const damaged = kind < 0.3 ? bytes.slice(0, at) : bytes.slice();
    if (kind >= 0.3) damaged[at]! ^= 1 << Math.floor(bit * 8);
    const was = valuesOf(network);
    const code = codeOf(() => decodeWeights(network, damaged));
    codes.add(code);
    if (code !== 'none') expect(valuesOf(network)).toEqual(was);
  }
  expect(memory().numTensors).toBe(before);
  expect([...codes].sort()).toEqual(['RJS_SAFETENSORS', 'RJS_WEIGHTS', 'none']);
});

it('copyBranch copies parameters and statistics of one branch, and only those', () => {
  const network = build(1, ['main', 'adv', 'a$&']);
  const was = valuesOf(network);
  const before = memory().numTensors;
  copyBranch(network, 'main', 'adv');
  expect(memory().numTensors).toBe(before);
  for (const [name, values] of valuesOf(network)) {
    expect(values).toEqual(was.get(name.replace('@adv/', '@main/')));
  }
  const x = normalTensor([2, ...inputShape], 1);
  const logits = (branch: string): Tensor => network.forward(x, evaluation(one(branch)));
  expect(read(logits('adv'))).toEqual(read(logits('main')));
  expect(read(logits('a$&'))).not.toEqual(read(logits('main')));
  copyBranch(network, 'a$&', 'main');
  expect(read(logits('main'))).toEqual(read(logits('a$&')));
  // The copies are independent of each other.
  network.parameters.find(({ name }) => name.endsWith('@main/scale'))!.variable.assign(normalTensor([2], 77));
  expect(read(logits('main'))).not.toEqual(read(logits('a$&')));
  expect(codeOf(() => copyBranch(network, 'main', 'other'))).toBe('RJS_BRANCH');
});
