import { add, concat, conv2d, engine, getBackend, grad, mul, type NamedAttrMap, profile, relu, reshape, slice, sum, type Tensor, type Tensor4D, tensor, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';
import { bytes, expectSame, expectSecondOrder, expectSlopes, on, values, withGradients } from './compare.ts';

beforeAll(async () => void (await startWasm()));

interface Case {
  readonly x: readonly number[];
  readonly filter: readonly number[];
  readonly stride: number;
}

const CASES: Readonly<Record<string, Case>> = {
  'stride 2, odd channels': { x: [2, 7, 6, 3], filter: [3, 3, 3, 5], stride: 2 },
  'stride 2, whole tiles': { x: [3, 12, 12, 16], filter: [3, 3, 16, 16], stride: 2 },
  'by transforms': { x: [3, 9, 8, 8], filter: [3, 3, 8, 12], stride: 1 },
  'fewer channels than a panel holds': { x: [2, 6, 6, 4], filter: [2, 3, 4, 2], stride: 1 },
  'one row of results': { x: [1, 2, 2, 1], filter: [2, 2, 1, 9], stride: 2 },
};

/** The kernel on wasm, the operations it stands for on TF.js's cpu backend. */
const rectified = (stride: number) => (x: Tensor, filter: Tensor, bias?: Tensor): Tensor => {
  if (getBackend() === 'wasm') {
    const attrs = { strides: [stride, stride], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] } as unknown as NamedAttrMap;
    return engine().runKernel('Conv2DRelu', { x, filter, ...(bias && { bias }) }, attrs);
  }
  const y = conv2d(x as Tensor4D, filter as Tensor4D, stride, 'same');
  return relu(bias === undefined ? y : add(y, bias));
};

describe.each(Object.entries(CASES))('a convolution that ends with a ReLU: %s', (_, { x, filter, stride }) => {
  const op = rectified(stride);
  const inputs = (): [Tensor, Tensor, Tensor] => [values([...x], 1), values([...filter], 2), values([filter[3]!], 3)];

  test('values and gradients, with a bias and without', async () => {
    await expectSame(() => withGradients((at, weights, level) => op(at, weights, level), ...inputs()), [1e-5]);
    await expectSame(() => withGradients((at, weights) => op(at, weights), ...(inputs().slice(0, 2))), [1e-5]);
  });

  test('the bits of one kernel after the other', async () => {
    const attrs = { strides: [stride, stride], pad: 'same', dataFormat: 'NHWC', dilations: [1, 1] } as unknown as NamedAttrMap;
    const [together, apart, gradient, gradientApart] = await on('wasm', () => {
      const [at, weights, level] = inputs();
      const y = op(at, weights, level);
      const dy = values(y.shape, 9);
      const shaped = { ...attrs, inputShape: at.shape } as NamedAttrMap;
      return [
        y,
        relu(add(conv2d(at as Tensor4D, weights as Tensor4D, stride, 'same'), level)),
        engine().runKernel<Tensor>('Conv2DReluBackpropInput', { dy, filter: weights, y }, shaped),
        engine().runKernel<Tensor>('Conv2DBackpropInput', { dy: engine().runKernel<Tensor>('ReluGrad', { dy, x: y }), filter: weights }, shaped),
      ];
    });
    expect(bytes(together!)).toEqual(bytes(apart!));
    expect(bytes(gradient!)).toEqual(bytes(gradientApart!));
  });

  test('a row does not depend on its batch', async () => {
    const [whole, rows] = await on('wasm', () => {
      const [at, weights, level] = inputs();
      const forward = (batch: Tensor): Tensor[] => {
        const y = op(batch, weights, level);
        return [y, grad((input: Tensor) => op(input, weights, level))(batch, mul(y, 0.5))];
      };
      const alone = Array.from({ length: x[0]! }, (_, row) => forward(slice(at, [row, 0, 0, 0], [1, -1, -1, -1])));
      const joined = (part: number): Tensor => concat(alone.map((parts) => parts[part]!));
      const flat = (parts: Tensor[]): Tensor => concat(parts.map((part) => reshape(part, [-1])));
      return [flat(forward(at)), flat([joined(0), joined(1)])];
    });
    expect(bytes(whole!)).toEqual(bytes(rows!));
  });
});

test('gradients are slopes, and second derivatives those of the gradients', async () => {
  // Far enough from zero that no difference crosses a ReLU's kink.
  const inputs = (): [Tensor, Tensor, Tensor] => [add(values([2, 6, 5, 3], 1), 3), add(values([3, 3, 3, 4], 2), 2), values([4], 3)];
  const op = rectified(2);
  await expectSlopes((x, filter, bias) => op(x, filter, bias), inputs, 0.1, 1e-3);
  await expectSecondOrder((x, filter, bias) => op(x, filter, bias), inputs, 5e-3);
});

test('an attack runs one kernel forward and one back', async () => {
  const [x, filter, bias] = [values([2, 6, 6, 3], 1), values([3, 3, 3, 4], 2), values([4], 3)];
  const { kernels } = await profile(() => tidy(() => grad((at: Tensor) => sum(rectified(2)(at, filter, bias)))(x)));
  const names = kernels.map(({ name }) => name).filter((name) => /Conv|Relu|Add/.test(name));
  expect(names).toEqual(['Conv2DRelu', 'Conv2DReluBackpropInput']);
});

// The transforms spread an infinity, and a ReLU hides the negative one.
test.each([Number.NEGATIVE_INFINITY, Number.POSITIVE_INFINITY, Number.NaN])('%s in one image reaches what it reaches by a direct sum, and no other image', async (special) => {
  const images = (): Tensor => {
    const data = Float32Array.from({ length: 3 * 9 * 8 * 8 }, (_, i) => Math.sin(i));
    data[9 * 8 * 8 + 100] = special;
    return tensor(data, [3, 9, 8, 8]);
  };
  await expectSameSpecials(() => [rectified(1)(images(), values([3, 3, 8, 12], 2), values([12], 3))]);
});

async function expectSameSpecials(work: () => Tensor[]): Promise<void> {
  const [[got], [expected]] = [await on('wasm', work), await on('cpu', work)];
  got!.forEach((value, i) => {
    if (Number.isFinite(expected![i]!)) expect(Math.abs(value - expected![i]!)).toBeLessThan(1e-4);
    else expect(value).toBe(expected![i]);
  });
}
