import { type Architecture, evaluation, type Kit, one, randomStream, type Site } from '@robustjs/core';
import { loadLayersModel } from '@tensorflow/tfjs-layers';
import { abs, add, env, eye, io, memory, mul, reshape, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { branchedNorms, buildNetwork, exportPlain, type Network, plainConv, resnet, sequential, smallCnn, standardKit } from '../src/index.ts';
import { expectClose, normalTensor, onWasm, read } from './support.ts';

onWasm();
env().set('PROD', true);

const kit = standardKit(randomStream(1));

/** A network whose norms and statistics are not at their initial values. */
function build(architecture: Architecture, inputShape: number[], options: Partial<Parameters<typeof buildNetwork>[1]> = {}): Network {
  const network = buildNetwork(architecture, { kit, inputShape, ...options });
  [...network.parameters, ...network.buffers].forEach(({ name, variable }, i) => {
    const values = normalTensor(variable.shape, i);
    if (!name.endsWith('kernel')) tidy(() => variable.assign(name.endsWith('variance') ? add(abs(values), 0.5) : mul(values, 0.7)));
    values.dispose();
  });
  return network;
}

/** Exports a branch, loads it with tf.layers and compares; asserts that nothing is left. */
async function expectSameLogits(network: Network, branch = 'main'): Promise<void> {
  const x = normalTensor([3, ...network.inputShape], 9);
  const expected = read(tidy(() => network.forward(x, evaluation(one(branch)))));
  const before = memory().numTensors;
  const artifacts = await exportPlain(network, branch);
  expect(memory().numTensors).toBe(before);
  const model = await loadLayersModel(io.fromMemory(artifacts));
  const logits = model.predict(x) as Tensor;
  expect(logits.shape).toEqual([3, expected.length / 3]);
  expectClose(logits, expected, 1e-5);
  logits.dispose();
  model.dispose();
  expect(memory().numTensors).toBe(before);
  // The network itself is as it was.
  expect(read(tidy(() => network.forward(x, evaluation(one(branch)))))).toEqual(expected);
}

describe('tf.loadLayersModel gives the same logits', () => {
  const cases: { name: string; inputShape: number[]; make: (inputShape: number[]) => Architecture }[] = [
    { name: 'small-cnn 1-D', inputShape: [11, 2], make: (s) => smallCnn({ inputShape: s, classes: 4, widths: [3, 5] }) },
    { name: 'small-cnn 2-D', inputShape: [9, 8, 2], make: (s) => smallCnn({ inputShape: s, classes: 4, widths: [3, 5, 4] }) },
    { name: 'small-cnn 3-D', inputShape: [5, 6, 3, 2], make: (s) => smallCnn({ inputShape: s, classes: 4, widths: [3, 5] }) },
    { name: 'resnet 1-D', inputShape: [11, 2], make: (s) => resnet({ inputShape: s, classes: 4, widths: [3, 5] }) },
    { name: 'resnet 2-D', inputShape: [9, 8, 2], make: (s) => resnet({ inputShape: s, classes: 4, widths: [3, 5], blocks: 2 }) },
    { name: 'resnet 1-D, pre-activation', inputShape: [10, 2], make: (s) => resnet({ inputShape: s, classes: 4, widths: [3, 5], preActivation: true }) },
    { name: 'resnet 2-D, pre-activation', inputShape: [7, 8, 2], make: (s) => resnet({ inputShape: s, classes: 4, widths: [3, 5], preActivation: true }) },
  ];

  it.each(cases)('$name', async ({ inputShape, make }) => {
    await expectSameLogits(build(make(inputShape), inputShape));
  });

  it.each(cases)('$name, inputs normalized', async ({ inputShape, make }) => {
    await expectSameLogits(build(make(inputShape), inputShape, { normalization: { mean: [0.4, -0.2], std: [0.5, 2] } }));
  });

  it('for each branch of a branched network', async () => {
    const inputShape = [8, 7, 2];
    const branches = ['main', 'adv'];
    const network = build(resnet({ inputShape, classes: 3, widths: [3, 4] }), inputShape, { kit: branchedNorms(kit, branches) });
    for (const branch of branches) await expectSameLogits(network, branch);
    const bytes = await Promise.all(branches.map(async (branch) => Buffer.from((await exportPlain(network, branch)).weightData as ArrayBuffer)));
    expect(bytes[0]!.equals(bytes[1]!)).toBe(false);
    await expect(exportPlain(network, 'other')).rejects.toMatchObject({ code: 'RJS_BRANCH' });
  });

  it('with pooling, concatenation, biases, joins that scale, and names that tf.layers would refuse or confuse', async () => {
    const inputShape = [8, 9, 2];
    const site = (path: string, channels: number): Site => ({ path, role: 'block', stage: 0, block: 0, index: 0, channels });
    const architecture: Architecture = (k) => {
      const stem = k.conv(site('input', 3), { inputChannels: 2, kernel: [3, 2], padding: 'valid', bias: true });
      const left = k.conv(site('a/b', 3), { inputChannels: 3, kernel: [1, 1] });
      const right = k.conv(site('a_b', 3), { inputChannels: 3, kernel: [3, 3] });
      const [join, side] = [k.join(site('_ö', 3)), k.concat(site('normalization', 6))];
      const pools = [k.pool(site('max', 6), { kind: 'max', window: [2, 3], stride: 1 }), k.pool(site('mean', 6), { kind: 'average', window: [2, 2] })];
      const tail = sequential(...pools, k.flatten(site('f', 36)), k.dense(site('d', 2), { inputChannels: 36, bias: false }));
      return {
        parameters: [stem, left, right, tail].flatMap(({ parameters }) => parameters),
        buffers: [],
        apply(x, pass) {
          const y = stem.apply(x, pass);
          const sum = join.apply(left.apply(y, pass), right.apply(y, pass), pass);
          return tail.apply(side.apply(y, sum, pass), pass);
        },
      };
    };
    // A gain on the block, as a convolution of size 1 on the plain side.
    const gainKit: Kit = {
      ...kit,
      join: () => ({
        parameters: [],
        buffers: [],
        apply: (shortcut, block) => add(shortcut, mul(block, 0.5)),
        plain: () => ({
          shortcut: [],
          block: [plainConv({ inputChannels: 3, kernel: [1, 1] }, tidy(() => mul(pointwiseIdentity(), 0.5)))],
        }),
      }),
    };
    await expectSameLogits(build(architecture, inputShape, { kit: gainKit, normalization: { mean: [0, 1], std: [1, 2] } }));
  });
});

const pointwiseIdentity = (): Tensor => reshape(eye(3), [1, 1, 3, 3]);

describe('refuses, naming the site and leaving nothing,', () => {
  it('a layer without a plain form', async () => {
    const inputShape = [6, 6, 1];
    const odd: Kit = { ...kit, act: (site) => (site.path === 'act1' ? { parameters: [], buffers: [], apply: (v) => mul(v, v) } : kit.act(site)) };
    const network = build(smallCnn({ inputShape, classes: 2, widths: [2, 2] }), inputShape, { kit: odd });
    const before = memory().numTensors;
    await expect(exportPlain(network)).rejects.toMatchObject({ code: 'RJS_EXPORT', message: expect.stringContaining("at 'act1'") as string });
    expect(memory().numTensors).toBe(before);
  });

  it('a branched layer whose copies have no plain form', async () => {
    const inputShape = [6, 6, 1];
    const bare: Kit = { ...kit, norm: (site) => ({ ...kit.norm(site), plain: undefined as never }) };
    const network = build(smallCnn({ inputShape, classes: 2, widths: [2] }), inputShape, { kit: branchedNorms(bare, ['main', 'adv']) });
    await expect(exportPlain(network, 'adv')).rejects.toMatchObject({ code: 'RJS_EXPORT', message: expect.stringContaining("at 'norm0'") as string });
  });

  it('global average pooling over three axes', async () => {
    const inputShape = [4, 5, 6, 1];
    const network = build(resnet({ inputShape, classes: 2, widths: [2, 2] }), inputShape);
    const before = memory().numTensors;
    await expect(exportPlain(network)).rejects.toMatchObject({ code: 'RJS_EXPORT', message: expect.stringContaining("at 'head/pool'") as string });
    expect(memory().numTensors).toBe(before);
  });
});

it('the artifacts survive JSON, and the weights are copies', async () => {
  const inputShape = [6, 5, 1];
  const network = build(smallCnn({ inputShape, classes: 2, widths: [2] }), inputShape);
  const x = normalTensor([2, ...inputShape], 3);
  const expected = read(network.forward(x, evaluation()));
  const artifacts = await exportPlain(network);
  network.dispose();
  const { weightData, ...rest } = artifacts;
  const model = await loadLayersModel(io.fromMemory({ ...(JSON.parse(JSON.stringify(rest)) as typeof rest), weightData: weightData! }));
  expectClose(model.predict(x) as Tensor, expected, 1e-5);
});
