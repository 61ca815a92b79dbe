import { box, l2, linf, type Search, type ThreatModel } from '@robustjs/core';
import { add, clipByValue, concat, getKernel, mul, slice, type Tensor, tensor, tidy, zerosLike } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { momentumStep, stepOf } from '../../attacks/src/step.ts';
import { startWasm } from '../src/index.ts';
import { expectComposition, expectSame, largestDifference, on, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const BOUNDS = [0, 1] as const;

/** The same threat model, which no kernel is known for: ordinary operations. */
const composed = (threat: ThreatModel): ThreatModel => ({ ...threat, steepest: (...given) => threat.steepest(...given) });

interface Batch {
  readonly clean: Tensor;
  readonly inputs: Tensor;
  readonly gradient: Tensor;
}

/** Inputs near clean ones; gradients of very different sizes from row to row, one row zero. */
function batch(shape: number[]): Batch {
  const over = [shape[0]!, ...shape.slice(1).map(() => 1)];
  const sizes = tensor(Float32Array.from({ length: shape[0]! }, (_, row) => (row === 1 ? 0 : 10 ** (4 - 9 * row))), over);
  const clean = clipByValue(add(mul(values(shape, 1), 0.6), 0.5), 0, 1);
  return { clean, inputs: clipByValue(add(clean, mul(values(shape, 2), 0.05)), 0, 1), gradient: mul(values(shape, 3), sizes) };
}

const step = (threat: ThreatModel, { clean, inputs, gradient }: Batch): Tensor => stepOf(threat, { inputs, clean, bounds: BOUNDS }, gradient, 0.03);

const SHAPES = [[5, 4, 3, 2], [3, 7], [1, 5, 5, 3], [4, 1], [0, 6]];

test.each(['LinfStep', 'L2Step'])('%s is a kernel here', (name) => expect(getKernel(name, 'wasm')).toBeDefined());

// Oracle: the same step in ordinary operations.
describe.each(SHAPES.map((shape) => [shape]))('a step of %j', (shape) => {
  test.each([['linf', linf(0.06)], ['box', box([0, 1])]])('%s: the bits of the composition', async (_, threat) => {
    const [got, expected] = [await on('wasm', () => [step(threat, batch(shape))]), await on('wasm', () => [step(composed(threat), batch(shape))])];
    expect([...got[0]!]).toEqual([...expected[0]!]);
  });

  test.each([0.01, 0.2, 3])('l2, eps %d: the composition on the cpu backend, but for rounding', async (eps) => {
    await expectSame(() => [step(l2(eps), batch(shape))], [1e-6]);
  });
});

test.each([['linf', linf(0.06)], ['l2', l2(0.1)]])('%s: a row is the same in any batch', async (_, threat) => {
  const whole = await on('wasm', () => [step(threat, batch([5, 4, 3, 3]))]);
  const parts = await on('wasm', () => {
    const all = batch([5, 4, 3, 3]);
    const part = (start: number, count: number): Tensor => {
      const cut = (x: Tensor): Tensor => slice(x, [start, 0, 0, 0], [count, 4, 3, 3]);
      return step(threat, { clean: cut(all.clean), inputs: cut(all.inputs), gradient: cut(all.gradient) });
    };
    return [concat([part(0, 1), part(1, 3), part(4, 1)])];
  });
  expect([...whole[0]!]).toEqual([...parts[0]!]);
});

test.each([['linf', linf(0.06)], ['l2', l2(0.1)]])('%s: NaN in a gradient goes where it goes in the composition', async (_, threat) => {
  const poisoned = (): Batch => {
    const all = batch([3, 7]);
    const held = all.gradient.bufferSync();
    held.set(Number.NaN, 2, 4);
    return { ...all, gradient: held.toTensor() };
  };
  const [got, expected] = [await on('wasm', () => [step(threat, poisoned())]), await on('wasm', () => [step(composed(threat), poisoned())])];
  expect([...got[0]!].map(Number.isNaN)).toEqual([...expected[0]!].map(Number.isNaN));
});

test('a threat model that replaces a part is taken at its word', () => {
  const still: ThreatModel = { ...linf(0.06), steepest: (gradient) => zerosLike(gradient) };
  tidy(() => {
    const all = batch([2, 5]);
    expect(largestDifference(step(still, all).dataSync() as Float32Array, all.inputs.dataSync() as Float32Array)).toBe(0);
  });
});

// Oracle: each row's step alone, with its own length.
test.each([['linf', linf(0.06)], ['l2', l2(0.1)]])('%s: lengths by row are those of the rows', async (_, threat) => {
  const alphas = [0.03, 0, 0.5, 1e-3, 0.2];
  const whole = await on('wasm', () => {
    const { clean, inputs, gradient } = batch([5, 4, 3, 3]);
    return [stepOf(threat, { inputs, clean, bounds: BOUNDS }, gradient, tensor(alphas))];
  });
  const parts = await on('wasm', () => {
    const all = batch([5, 4, 3, 3]);
    const cut = (x: Tensor, row: number): Tensor => slice(x, [row, 0, 0, 0], [1, 4, 3, 3]);
    return [concat(alphas.map((alpha, row) => stepOf(threat, { inputs: cut(all.inputs, row), clean: cut(all.clean, row), bounds: BOUNDS }, cut(all.gradient, row), alpha)))];
  });
  const plain = await on('wasm', () => {
    const { clean, inputs, gradient } = batch([5, 4, 3, 3]);
    return [stepOf(composed(threat), { inputs, clean, bounds: BOUNDS }, gradient, tensor(alphas))];
  });
  expect([...whole[0]!]).toEqual([...parts[0]!]);
  plain[0]!.forEach((value, i) => expect(whole[0]![i]).toBeCloseTo(value, 5));
});

// Oracle: the same step in ordinary operations. Lengths differ from row to row.
describe.each(SHAPES.map((shape) => [shape]))('a step of %j with momentum', (shape) => {
  const stepped = (threat: ThreatModel, bad?: number, from = 1) => (): Tensor[] => {
    const { inputs, gradient, ...rest } = batch(shape);
    const clean = mul(rest.clean, from);
    const previous = clipByValue(add(rest.clean, mul(values(shape, 4), 0.05)), 0, 1);
    const search = { threat, clean, bounds: BOUNDS, project: (x: Tensor) => threat.project(x, clean, BOUNDS) } as unknown as Search;
    const slopes = bad === undefined ? gradient : mul(gradient, bad);
    return [momentumStep(search, inputs, slopes, tensor(Float32Array.from({ length: shape[0]! }, (_, row) => 0.03 * row), [shape[0]!]), { previous, plain: 0.75 })];
  };
  test.each([['Linf', linf(0.06)], ['L2', l2(0.1)]])('%s: the bits of the composition', async (_, threat) => {
    await expectComposition(['LinfStep'], stepped(threat));
  });
  test.each([Number.NaN, Infinity])('a gradient of %d', async (bad) => void (await expectComposition(['LinfStep'], stepped(linf(0.06), bad))));
  test.each([[Number.NaN, 0.06], [Infinity, 0.06], [-Infinity, Infinity]])('around a clean input of %d, budget %d', async (bad, eps) => {
    await expectComposition(['LinfStep'], stepped(linf(eps), 1, bad));
  });
});
