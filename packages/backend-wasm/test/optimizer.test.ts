import {
  add, clone, conv2d, conv3d, depthwiseConv2d, dispose, div, engine, fill, grad, memory, mul, reshape, sqrt, square, sub, type Tensor, tidy, type Variable, variable,
} from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { bytes, values } from './compare.ts';

beforeAll(async () => void (await startWasm()));

const made = (shape: number[], seed: number, positive = false): Variable => tidy(() => variable(positive ? square(values(shape, seed)) : values(shape, seed)));
const read = (tensors: readonly Tensor[]): string[] => tensors.map((tensor) => bytes(tensor.dataSync() as Float32Array).toString('base64'));
const MOMENTUM = { rate: 0.1, momentum: 0.9, nesterov: false, decay: 0 };
const ADAM = { length: 0.01, beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0 };

function assign(variables: readonly Variable[], kernel: string, inputs: Record<string, Tensor>, attrs: Record<string, unknown>): void {
  tidy(() => {
    const results = [engine().runKernel<Tensor | Tensor[]>(kernel, inputs, attrs as never)].flat();
    variables.forEach((held, i) => held.assign(results[i]!));
  });
}

const momentum = (parameter: Variable, gradient: Tensor, slot: Variable | undefined, attrs: typeof MOMENTUM): void =>
  assign([parameter, ...(slot ? [slot] : [])], 'MomentumStep', { parameter, gradient, ...(slot && { slot }) }, attrs);
const adam = (parameter: Variable, gradient: Tensor, mean: Variable, uncentered: Variable, attrs: typeof ADAM): void =>
  assign([parameter, mean, uncentered], 'AdamStep', { parameter, gradient, mean, square: uncentered }, attrs);

// Oracle: the ordinary operations that a step stands for, to the bit.
describe.each([[1], [3, 5], [4, 4], [2, 3, 3, 7], [0, 2]])('a parameter of shape [%j, ...]', (...shape) => {
  const decayed = (p: Tensor, g: Tensor, decay: number): Tensor => (decay > 0 ? add(g, mul(p, decay)) : g);

  test.each([[true, false, 0], [true, true, 0], [true, false, 5e-4], [true, true, 5e-4], [false, false, 5e-4], [false, false, 0]])('momentum: slot %s, Nesterov %s, decay %d', (hasSlot, nesterov, decay) => {
    const [parameter, gradient] = [made(shape, 1), values(shape, 2)];
    const slot = hasSlot ? made(shape, 3) : undefined;
    const attrs = { ...MOMENTUM, nesterov, decay };
    const expected = tidy(() => {
      const g = decayed(parameter, gradient, decay);
      const heavy = slot ? add(mul(slot, attrs.momentum), g) : g;
      const direction = slot && nesterov ? add(g, mul(heavy, attrs.momentum)) : heavy;
      return read([sub(parameter, mul(direction, attrs.rate)), ...(slot ? [heavy] : [])]);
    });
    const before = memory().numTensors;
    momentum(parameter, gradient, slot, attrs);
    expect(memory().numTensors).toBe(before);
    expect(read([parameter, ...(slot ? [slot] : [])])).toEqual(expected);
    dispose([parameter, gradient, ...(slot ? [slot] : [])]);
  });

  test.each([0, 5e-4])('Adam, decay %d', (decay) => {
    const [parameter, gradient, mean, uncentered] = [made(shape, 1), values(shape, 2), made(shape, 3), made(shape, 4, true)];
    const attrs = { ...ADAM, decay };
    const expected = tidy(() => {
      const g = decayed(parameter, gradient, decay);
      const m = add(mul(mean, attrs.beta1), mul(g, 1 - attrs.beta1));
      const v = add(mul(uncentered, attrs.beta2), mul(square(g), 1 - attrs.beta2));
      return read([sub(parameter, mul(div(m, add(sqrt(v), attrs.epsilon)), attrs.length)), m, v]);
    });
    const before = memory().numTensors;
    adam(parameter, gradient, mean, uncentered, attrs);
    expect(memory().numTensors).toBe(before);
    expect(read([parameter, mean, uncentered])).toEqual(expected);
    dispose([parameter, gradient, mean, uncentered]);
  });
});

test('a step works in place, unless others see the values', () => {
  const before = memory().numTensors;
  const [parameter, gradient] = [made([4, 4], 1), values([4, 4], 2)];
  const first = parameter.dataId;
  momentum(parameter, gradient, undefined, MOMENTUM);
  expect(parameter.dataId).toBe(first);
  const [copy, reshaped] = [clone(parameter), reshape(parameter, [16])];
  const seen = read([copy]);
  momentum(parameter, gradient, undefined, MOMENTUM);
  expect(parameter.dataId).not.toBe(first);
  expect(read([copy, reshaped])).toEqual([...seen, ...seen]);
  expect(read([parameter])).not.toEqual(seen);
  dispose([parameter, gradient, copy, reshaped]);
  expect(memory().numTensors).toBe(before);
});

type Layer = (x: Tensor, filter: Tensor) => Tensor;
const LAYERS: readonly (readonly [string, number[], number[], Layer])[] = [
  ['conv2d', [2, 8, 8, 8], [3, 3, 8, 8], (x, filter) => conv2d(x as never, filter as never, 1, 'same')],
  ['conv2d, stride 2', [2, 8, 8, 3], [3, 3, 3, 5], (x, filter) => conv2d(x as never, filter as never, 2, 'same')],
  ['conv3d', [2, 4, 6, 6, 8], [3, 3, 3, 8, 8], (x, filter) => conv3d(x as never, filter as never, 1, 'same')],
  ['depthwise conv2d', [2, 8, 8, 8], [3, 3, 8, 1], (x, filter) => depthwiseConv2d(x as never, filter as never, 1, 'same')],
];

describe.each(LAYERS)('packed filters of %s', (_, shape, filterShape, layer) => {
  /** Output and input gradient, as an attack needs them. */
  const attack = (x: Tensor, filter: Tensor): string[] => tidy(() => read([layer(x, filter), grad((at: Tensor) => layer(at, filter))(x)]));
  /** The same with a filter that no kernel has seen. */
  const fresh = (x: Tensor, filter: Tensor): string[] => tidy(() => attack(x, mul(filter, 1)));

  test('attack, optimizer step in place, attack', () => {
    const [x, filter, gradient, mean, uncentered] = [values(shape, 1), made(filterShape, 2), values(filterShape, 3), made(filterShape, 4), made(filterShape, 5, true)];
    const steps = [() => momentum(filter, gradient, mean, MOMENTUM), () => adam(filter, gradient, mean, uncentered, ADAM)];
    let before = attack(x, filter);
    expect(before).toEqual(fresh(x, filter));
    const { dataId } = filter;
    for (const step of steps) {
      step();
      expect(filter.dataId).toBe(dataId);
      const after = attack(x, filter);
      expect(after).toEqual(fresh(x, filter));
      expect(after).not.toEqual(before);
      before = after;
    }
    dispose([x, filter, gradient, mean, uncentered]);
  });

  test('a filter in the memory of one that was stepped and freed', () => {
    const x = values(shape, 1);
    const seen = [2, 3, 4].map((seed) => {
      const [filter, gradient] = [made(filterShape, seed), fill(filterShape, 0.1)];
      attack(x, filter);
      momentum(filter, gradient, undefined, MOMENTUM);
      const result = attack(x, filter);
      expect(result).toEqual(fresh(x, filter));
      dispose([filter, gradient]);
      return result.join();
    });
    expect(new Set(seen).size).toBe(3);
    x.dispose();
  });
});
