import { type Architecture, evaluation, type Kit, type Layer, type NamedVariable, randomStream, type Site } from '@robustjs/core';
import { add, conv2d, matMul, mean, memory, mul, relu, rsqrt, slice, sub, type Tensor, type Tensor2D, type Tensor4D, tidy, util } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { architectures, buildNetwork, type Network, resnet, type ResnetOptions, smallCnn, standardKit } from '../src/index.ts';
import { codeOf, expectClose, normalTensor, onWasm, read } from './support.ts';

onWasm();

const build = (architecture: Architecture, inputShape: readonly number[], kit: Kit = standardKit(randomStream(1))): Network =>
  buildNetwork(architecture, { kit, inputShape });

const count = (variables: readonly NamedVariable[]): number => variables.reduce((total, { variable }) => total + variable.size, 0);

/** The sites that an architecture names, by kind of layer. */
function sitesOf(architecture: Architecture): { kind: string; site: Site }[] {
  const seen: { kind: string; site: Site }[] = [];
  const note = (kind: string) => (site: Site) => {
    seen.push({ kind, site });
    return { parameters: [], buffers: [], apply: (value: string) => value };
  };
  architecture<string>({
    conv: note('conv'), norm: note('norm'), act: note('act'), pool: note('pool'), dense: note('dense'),
    flatten: note('flatten'), join: note('join'), concat: note('concat'),
  });
  return seen;
}

const line = ({ site }: { site: Site }): string => `${site.path} ${site.role} ${site.stage}.${site.block}.${site.index} ${site.channels}`;
const linesOf = (architecture: Architecture, kind: string): string[] => sitesOf(architecture).filter((s) => s.kind === kind).map(line);

/** Floating-point operations of a forward pass, two a multiplication, counted by wrapping the kit. */
function flopOf(architecture: Architecture, inputShape: number[]): number {
  let flop = 0;
  const counting = (layer: Layer): Layer => ({
    ...layer,
    apply: (input, pass) => {
      const output = layer.apply(input, pass);
      const kernel = layer.parameters[0]!.variable;
      flop += (2 * output.size * kernel.size) / output.shape.at(-1)!;
      return output;
    },
  });
  const kit = standardKit(randomStream(0));
  const network = build(architecture, inputShape, {
    ...kit,
    conv: (site, options) => counting(kit.conv(site, options)),
    dense: (site, options) => counting(kit.dense(site, options)),
  });
  tidy(() => network.forward(normalTensor([1, ...inputShape], 0), evaluation()));
  return flop;
}

describe('small-cnn', () => {
  // Convolutions 9*1*16 + 9*16*32 + 9*32*32 = 13968; norms 2*(16+32+32) = 160; head 7*7*32*10 + 10 = 15690.
  it('has 29818 parameters and 160 running statistics on 28x28x1', () => {
    const network = build(smallCnn({ inputShape: [28, 28, 1], classes: 10 }), [28, 28, 1]);
    expect(count(network.parameters)).toBe(13968 + 160 + 15690);
    expect(count(network.buffers)).toBe(160);
  });

  // 2*(28*28*144 + 14*14*4608 + 7*7*9216 + 15680) = 2966656.
  it('costs about 3 MFLOP on 28x28', () => {
    expect(flopOf(smallCnn({ inputShape: [28, 28, 1], classes: 10 }), [28, 28, 1])).toBe(2966656);
  });

  it('names its sites as documented', () => {
    const architecture = smallCnn({ inputShape: [9, 2], classes: 3, widths: [4, 5] });
    expect(sitesOf(architecture).map((s) => `${s.kind} ${line(s)}`)).toEqual([
      'conv conv0 stem 0.0.0 4', 'norm norm0 stem 0.0.0 4', 'act act0 stem 0.0.0 4',
      'conv conv1 block 1.0.0 5', 'norm norm1 block 1.0.0 5', 'act act1 block 1.0.0 5',
      // 9 places halve to 5: 5 * 5 features.
      'flatten flatten head 2.0.0 25', 'dense head head 2.0.0 3',
    ]);
  });
});

describe('resnet', () => {
  const of = (options: Partial<ResnetOptions>): Architecture => resnet({ inputShape: [32, 32, 3], classes: 10, ...options });

  // Post-activation, one block a stage, 32x32x3:
  //   stem 9*3*16 + 32 = 464; stage 0: 2*9*16*16 + 2*32 = 4672;
  //   stage 1: 9*16*32 + 9*32*32 + 2*64 + shortcut 16*32 + 64 = 14528;
  //   stage 2: 9*32*64 + 9*64*64 + 2*128 + shortcut 32*64 + 128 = 57728; head 64*10 + 10 = 650. Together 78042.
  //   One more block a stage: 4672 + (2*9*32*32 + 2*64) + (2*9*64*64 + 2*128) = 97216.
  // Pre-activation: no norm in stem (-32) and shortcuts (-64, -128), first norms narrower (-32, -64), norm at the end (+128).
  it.each([
    { blocks: 1, preActivation: false, parameters: 78042, depth: 8 },
    { blocks: 2, preActivation: false, parameters: 78042 + 97216, depth: 14 },
    { blocks: 3, preActivation: false, parameters: 78042 + 2 * 97216, depth: 20 },
    { blocks: 1, preActivation: true, parameters: 78042 - 192, depth: 8 },
    { blocks: 2, preActivation: true, parameters: 78042 - 192 + 97216, depth: 14 },
    { blocks: 3, preActivation: true, parameters: 78042 - 192 + 2 * 97216, depth: 20 },
  ])('of depth $depth, pre-activation $preActivation, has $parameters parameters', ({ blocks, preActivation, parameters, depth }) => {
    const architecture = of({ blocks, preActivation });
    const network = build(architecture, [32, 32, 3]);
    expect(count(network.parameters)).toBe(parameters);
    // The paper counts weighted layers without shortcuts: 6n + 2.
    const weighted = sitesOf(architecture).filter(({ kind, site }) => (kind === 'conv' || kind === 'dense') && site.role !== 'shortcut');
    expect(weighted.length).toBe(depth);
    network.dispose();
  });

  it('names convolutions, norms, joins and activations as documented', () => {
    const post = of({ widths: [4, 8], blocks: 2 });
    expect(linesOf(post, 'conv')).toEqual([
      'stem/conv stem 0.0.0 4',
      'stage0/block0/conv0 block 0.0.0 4', 'stage0/block0/conv1 block 0.0.1 4',
      'stage0/block1/conv0 block 0.1.0 4', 'stage0/block1/conv1 block 0.1.1 4',
      'stage1/block0/shortcut shortcut 1.0.0 8', 'stage1/block0/conv0 block 1.0.0 8', 'stage1/block0/conv1 block 1.0.1 8',
      'stage1/block1/conv0 block 1.1.0 8', 'stage1/block1/conv1 block 1.1.1 8',
    ]);
    expect(linesOf(post, 'norm').slice(0, 4)).toEqual([
      'stem/norm stem 0.0.0 4', 'stage0/block0/norm0 block 0.0.0 4', 'stage0/block0/norm1 block 0.0.1 4', 'stage0/block1/norm0 block 0.1.0 4',
    ]);
    expect(linesOf(post, 'norm')).toContain('stage1/block0/shortcut-norm shortcut 1.0.0 8');
    expect(linesOf(post, 'join')).toEqual(['stage0/block0/join block 0.0.0 4', 'stage0/block1/join block 0.1.0 4', 'stage1/block0/join block 1.0.0 8', 'stage1/block1/join block 1.1.0 8']);
    const pre = of({ widths: [4, 8], preActivation: true });
    expect(linesOf(pre, 'norm')).toEqual([
      'stage0/block0/norm0 block 0.0.0 4', 'stage0/block0/norm1 block 0.0.1 4',
      // The first norm of a block sees the channels that come in.
      'stage1/block0/norm0 block 1.0.0 4', 'stage1/block0/norm1 block 1.0.1 8', 'head/norm head 2.0.0 8',
    ]);
    expect(linesOf(pre, 'dense')).toEqual(['head/dense head 2.0.0 10']);
  });

  it.each([false, true])('computes what its paper draws, pre-activation %s', (preActivation) => {
    const inputShape = [7, 6, 2];
    const network = build(resnet({ inputShape, classes: 3, widths: [3, 4], preActivation }), inputShape);
    [...network.parameters, ...network.buffers].forEach(({ name, variable }, i) => {
      // Norms away from their initial values, so that a norm in the wrong place is seen.
      if (/(scale|offset|mean|variance)$/.test(name)) tidy(() => variable.assign(add(variable, mul(0.3, relu(normalTensor(variable.shape, i))))));
    });
    const x = normalTensor([3, ...inputShape], 2);
    const outputs = tidy(() => network.forward(x, evaluation()));
    expectClose(outputs, read(tidy(() => (preActivation ? preActivationForward : postActivationForward)(network, x))));
  });
});

/** The two-stage, one-block networks written out, without kit or layers. */
function partsOf(network: Network) {
  const value = (name: string): Tensor => [...network.parameters, ...network.buffers].find((v) => v.name === name)!.variable;
  const conv = (x: Tensor, path: string, stride = 1): Tensor => conv2d(x as Tensor4D, value(`${path}/kernel`) as Tensor4D, stride, 'same');
  const norm = (x: Tensor, path: string): Tensor =>
    add(mul(mul(sub(x, value(`${path}/mean`)), rsqrt(add(value(`${path}/variance`), 1e-5))), value(`${path}/scale`)), value(`${path}/offset`));
  const head = (x: Tensor): Tensor => add(matMul(mean<Tensor2D>(x, [1, 2]), value('head/dense/kernel') as Tensor2D), value('head/dense/bias'));
  return { conv, norm, head };
}

function postActivationForward(network: Network, x: Tensor): Tensor {
  const { conv, norm, head } = partsOf(network);
  const stem = relu(norm(conv(x, 'stem/conv'), 'stem/norm'));
  const block = (input: Tensor, path: string, stride: number): Tensor =>
    norm(conv(relu(norm(conv(input, `${path}/conv0`, stride), `${path}/norm0`)), `${path}/conv1`), `${path}/norm1`);
  const first = relu(add(stem, block(stem, 'stage0/block0', 1)));
  const shortcut = norm(conv(first, 'stage1/block0/shortcut', 2), 'stage1/block0/shortcut-norm');
  return head(relu(add(shortcut, block(first, 'stage1/block0', 2))));
}

function preActivationForward(network: Network, x: Tensor): Tensor {
  const { conv, norm, head } = partsOf(network);
  const stem = conv(x, 'stem/conv');
  const after = (entry: Tensor, path: string, stride: number): Tensor =>
    conv(relu(norm(conv(entry, `${path}/conv0`, stride), `${path}/norm1`)), `${path}/conv1`);
  const entry0 = relu(norm(stem, 'stage0/block0/norm0'));
  const first = add(stem, after(entry0, 'stage0/block0', 1));
  const entry1 = relu(norm(first, 'stage1/block0/norm0'));
  const second = add(conv(entry1, 'stage1/block0/shortcut', 2), after(entry1, 'stage1/block0', 2));
  return head(relu(norm(second, 'head/norm')));
}

describe.each([
  { name: 'small-cnn', make: (inputShape: number[]) => smallCnn({ inputShape, classes: 4, widths: [3, 5] }) },
  { name: 'resnet', make: (inputShape: number[]) => resnet({ inputShape, classes: 4, widths: [3, 5], blocks: 2 }) },
  { name: 'resnet, pre-activation', make: (inputShape: number[]) => resnet({ inputShape, classes: 4, widths: [3, 5], preActivation: true }) },
])('$name', ({ make }) => {
  it.each([[[17, 2]], [[28, 28, 1]], [[13, 9, 3]], [[1, 1, 2]], [[5, 6, 3, 2]]])('takes inputs of %j', (inputShape) => {
    const network = build(make(inputShape), inputShape);
    const x = normalTensor([2, ...inputShape], 1);
    const before = memory().numTensors;
    const taps = new Map<string, Tensor | undefined>([['features', undefined]]);
    const logits = network.forward(x, { ...evaluation(), taps });
    expect(memory().numTensors).toBe(before + 2);
    expect(logits.shape).toEqual([2, 4]);
    expect(read(logits).every(Number.isFinite)).toBe(true);
    expect(taps.get('features')!.rank).toBe(2);
    logits.dispose();
    taps.get('features')!.dispose();
    network.dispose();
  });

  it('gives every site a path of its own', () => {
    const paths = sitesOf(make([8, 8, 1])).map(({ site }) => site.path);
    expect(new Set(paths).size).toBe(paths.length);
  });

  it('a row does not depend on the batch it is in', () => {
    const network = build(make([9, 8, 2]), [9, 8, 2]);
    const batch = normalTensor([3, 9, 8, 2], 5);
    const single = slice(batch, [1, 0, 0, 0], [1, 9, 8, 2]);
    const rowOf = (x: Tensor, row: number): number[] => read(tidy(() => network.forward(x, evaluation()))).slice(row * 4, row * 4 + 4);
    expect(rowOf(batch, 1)).toEqual(rowOf(single, 0));
  });
});

it.each([
  { inputShape: [3], classes: 2 },
  { inputShape: [2, 2, 2, 2, 2], classes: 2 },
  { inputShape: [8.5, 8, 1], classes: 2 },
  { inputShape: [8, 8, 1], classes: 0 },
  { inputShape: [8, 8, 1], classes: 2, widths: [] },
  { inputShape: [8, 8, 1], classes: 2, widths: [4, -1] },
])('sizes that no network can have are refused: %j', (options) => {
  expect(codeOf(() => smallCnn(options))).toBe('RJS_ARCHITECTURE');
  expect(codeOf(() => resnet(options))).toBe('RJS_ARCHITECTURE');
});

it('recipes find the architectures by name', () => {
  const inputShape = [8, 8, 1];
  expect(Object.keys(architectures)).toEqual(['small-cnn', 'resnet']);
  for (const make of Object.values(architectures)) {
    const network = build(make({ inputShape, classes: 2 }), inputShape);
    expect(network.forward(normalTensor([1, ...inputShape], 1), evaluation()).shape).toEqual([1, 2]);
  }
});

describe('initial values', () => {
  it('are keyed by path: a layer more or less leaves the others as they are', () => {
    const kit = standardKit(randomStream(1));
    const valuesOf = (architecture: Architecture): Map<string, number[]> =>
      new Map(build(architecture, [8, 8, 1], kit).parameters.map(({ name, variable }) => [name, read(variable)]));
    const small = valuesOf(resnet({ inputShape: [8, 8, 1], classes: 2, widths: [3, 4] }));
    const large = valuesOf(resnet({ inputShape: [8, 8, 1], classes: 2, widths: [3, 4], blocks: 2 }));
    expect(large.size).toBeGreaterThan(small.size);
    for (const [name, values] of small) expect(large.get(name)).toEqual(values);
  });

  it('differ between sites and seeds, and are the same for the same seed', () => {
    const architecture = resnet({ inputShape: [8, 8, 1], classes: 2, widths: [3] });
    const kernels = (seed: number): number[][] =>
      build(architecture, [8, 8, 1], standardKit(randomStream(seed))).parameters.filter(({ name }) => name.endsWith('conv0/kernel') || name.endsWith('conv1/kernel')).map(({ variable }) => read(variable));
    expect(kernels(1)).toEqual(kernels(1));
    expect(kernels(1)).not.toEqual(kernels(2));
    expect(kernels(1)[0]).not.toEqual(kernels(1)[1]);
  });

  it('have the variance that their sources state', () => {
    const shape = [3, 3, 32, 64];
    const network = build(resnet({ inputShape: [8, 8, 1], classes: 500, widths: [32, 64] }), [8, 8, 1]);
    const values = (name: string): number[] => read(network.parameters.find((v) => v.name === name)!.variable);
    const kernel = values('stage1/block0/conv0/kernel');
    expect(kernel.length).toBe(util.sizeFromShape(shape));
    // He et al.: 2 / fan-in, fan-in 3*3*32; the variance of 18432 draws is within 3 % (three standard errors) of it.
    expect(Math.abs(variance(kernel) / (2 / (9 * 32)) - 1)).toBeLessThan(0.033);
    // Uniform in ±1/sqrt(64): variance 1/(3*64).
    const head = values('head/dense/kernel');
    expect(Math.max(...head.map(Math.abs))).toBeLessThanOrEqual(1 / 8);
    expect(Math.abs(variance(head) / (1 / 192) - 1)).toBeLessThan(0.02);
    expect(values('head/dense/bias').every((v) => v === 0)).toBe(true);
  });
});

function variance(values: number[]): number {
  const average = values.reduce((a, b) => a + b) / values.length;
  return values.reduce((total, v) => total + (v - average) ** 2, 0) / values.length;
}
