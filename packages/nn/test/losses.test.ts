import { type Architecture, randomStream, type Site } from '@robustjs/core';
import { add, grad, grads, losses, memory, mul, oneHot, square, sum, type Tensor, tensor, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { buildNetwork, crossEntropy, klDivergence, sequential, softCrossEntropy, standardKit } from '../src/index.ts';
import { differences, expectClose, normals, normalTensor, onWasm, read, relativeError, training } from './support.ts';

onWasm();

const [N, K] = [4, 5];
const labelValues = [1, 0, 4, 2];

const rowsOf = (flat: number[]): number[][] => Array.from({ length: flat.length / K }, (_, n) => flat.slice(n * K, (n + 1) * K));

function logSoftmaxLoop(z: number[]): number[] {
  const top = Math.max(...z);
  const norm = Math.log(z.reduce((total, v) => total + Math.exp(v - top), 0));
  return z.map((v) => v - top - norm);
}

const softmaxLoop = (z: number[]): number[] => logSoftmaxLoop(z).map(Math.exp);
const softCrossEntropyLoop = (z: number[], p: number[]): number => -logSoftmaxLoop(z).reduce((total, v, k) => total + p[k]! * v, 0);
const smoothed = (label: number, smoothing: number): number[] =>
  Array.from({ length: K }, (_, k) => (k === label ? 1 - smoothing : 0) + smoothing / K);

function divergenceLoop(p: number[], q: number[]): number {
  const [a, b] = [logSoftmaxLoop(p), logSoftmaxLoop(q)];
  return a.reduce((total, v, k) => total + Math.exp(v) * (v - b[k]!), 0);
}

const labels = (): Tensor => tensor1d(labelValues, 'int32');
const logits = (seed: number): Tensor => tidy(() => mul(normalTensor([N, K], seed), 2));

describe('values against plain loops', () => {
  it.each([0, 0.1, 1])('cross-entropy with smoothing %d', (smoothing) => {
    const z = logits(1);
    const y = labels();
    const before = memory().numTensors;
    const values = crossEntropy(z, y, smoothing);
    expect(memory().numTensors).toBe(before + 1);
    expect(values.shape).toEqual([N]);
    expectClose(values, rowsOf(read(z)).map((row, n) => softCrossEntropyLoop(row, smoothed(labelValues[n]!, smoothing))), 1e-6);
  });

  it('soft cross-entropy and divergence', () => {
    const [z, q] = [logits(1), logits(2)];
    const p = tensor2d(rowsOf(read(logits(3))).map(softmaxLoop));
    const before = memory().numTensors;
    const [soft, divergence] = [softCrossEntropy(z, p), klDivergence(z, q)];
    expect(memory().numTensors).toBe(before + 2);
    expectClose(soft, rowsOf(read(z)).map((row, n) => softCrossEntropyLoop(row, rowsOf(read(p))[n]!)), 1e-6);
    expectClose(divergence, rowsOf(read(z)).map((row, n) => divergenceLoop(row, rowsOf(read(q))[n]!)), 1e-5);
  });

  it('the divergence of logits from themselves is zero', () => {
    expectClose(klDivergence(logits(1), logits(1)), [0, 0, 0, 0]);
  });
});

describe('gradients against the closed form', () => {
  // Rows are weighted, so that a gradient that forgot the incoming one would be seen.
  const weights = [1, -2, 0.5, 3];
  const weighted = (values: Tensor): Tensor => sum(mul(values, tensor1d(weights)));

  it.each([0, 0.2])('cross-entropy with smoothing %d: softmax(z) - p', (smoothing) => {
    const z = logits(1);
    const y = labels();
    const before = memory().numTensors;
    const gradient = grad((input: Tensor) => weighted(crossEntropy(input, y, smoothing)))(z);
    expect(memory().numTensors).toBe(before + 1);
    const expected = rowsOf(read(z)).flatMap((row, n) => softmaxLoop(row).map((s, k) => weights[n]! * (s - smoothed(labelValues[n]!, smoothing)[k]!)));
    expectClose(gradient, expected);
  });

  it('soft cross-entropy: none reaches the probabilities, in any order', () => {
    const z = logits(1);
    const p = tensor2d(rowsOf(read(logits(3))).map(softmaxLoop));
    const [dz, dp] = grads((a: Tensor, b: Tensor) => weighted(softCrossEntropy(a, b)))([z, p]);
    expectClose(dz!, rowsOf(read(z)).flatMap((row, n) => softmaxLoop(row).map((s, k) => weights[n]! * (s - rowsOf(read(p))[n]![k]!))));
    expect(read(dp!).every((v) => v === 0)).toBe(true);
    const second = grad((b: Tensor) => sum(square(grad((a: Tensor) => weighted(softCrossEntropy(a, b)))(z))))(p);
    expect(read(second).every((v) => v === 0)).toBe(true);
  });

  it('divergence, for both of its arguments', () => {
    const [p, q] = [logits(1), logits(2)];
    const before = memory().numTensors;
    const [dp, dq] = grads((a: Tensor, b: Tensor) => weighted(klDivergence(a, b)))([p, q]);
    expect(memory().numTensors).toBe(before + 2);
    const value = (a: number[], b: number[]): number => rowsOf(a).reduce((total, row, n) => total + weights[n]! * divergenceLoop(row, rowsOf(b)[n]!), 0);
    expectClose(dp!, differences((a) => value(a, read(q)), read(p)), 1e-4);
    // d KL / d q = softmax(q) - softmax(p).
    expectClose(dq!, rowsOf(read(q)).flatMap((row, n) => softmaxLoop(row).map((s, k) => weights[n]! * (s - softmaxLoop(rowsOf(read(p))[n]!)[k]!))));
  });
});

describe('second derivatives', () => {
  /** Gradient of the squared norm of the gradient. */
  const ofGradientNorm = (loss: (z: Tensor) => Tensor, z: Tensor): Tensor => grad((u: Tensor) => sum(square(grad((v: Tensor) => sum(loss(v)))(u))))(z);
  // Squared gradient norm of cross-entropy plus sum(z^2) / 2: the second term keeps a link to z whatever the first does.
  const crossEntropyNorm = (flat: number[]): number =>
    rowsOf(flat).reduce((total, row, n) => total + softmaxLoop(row).reduce((part, s, k) => part + (s - smoothed(labelValues[n]!, 0)[k]! + row[k]!) ** 2, 0), 0);
  const withSquares = (loss: (z: Tensor) => Tensor) => (z: Tensor): Tensor => add(sum(loss(z)), mul(sum(square(z)), 0.5));

  it('cross-entropy, where tf.losses.softmaxCrossEntropy is silently wrong', () => {
    const z = logits(1);
    const y = labels();
    const expected = differences(crossEntropyNorm, read(z));
    const before = memory().numTensors;
    const own = ofGradientNorm(withSquares((v) => crossEntropy(v, y)), z);
    expect(memory().numTensors).toBe(before + 1);
    expectClose(own, expected, 1e-4);
    const theirs = ofGradientNorm(withSquares((v) => mul(losses.softmaxCrossEntropy(oneHot(y, K), v), N)), z);
    expect(relativeError(read(theirs), expected)).toBeGreaterThan(0.05);
  });

  it('divergence', () => {
    const [p, q] = [logits(1), logits(2)];
    const gradientNorm = (a: number[], b: number[]): number => {
      const dp = rowsOf(a).flatMap((row, n) => {
        const other = rowsOf(b)[n]!;
        const [s, ratio] = [softmaxLoop(row), logSoftmaxLoop(row).map((v, k) => v - logSoftmaxLoop(other)[k]!)];
        const average = s.reduce((total, v, k) => total + v * ratio[k]!, 0);
        return s.map((v, k) => v * (ratio[k]! - average));
      });
      return dp.reduce((total, v) => total + v * v, 0);
    };
    expectClose(ofGradientNorm((v) => klDivergence(v, q), p), differences((a) => gradientNorm(a, read(q)), read(p)), 1e-4);
    const throughQ = grad((b: Tensor) => sum(square(grad((a: Tensor) => sum(klDivergence(a, b)))(p))))(q);
    expectClose(throughQ, differences((b) => gradientNorm(read(p), b), read(q)), 1e-4);
  });

  it('through convolutions and batch norm, along random directions', () => {
    // Smooth on purpose (no ReLU): differences in float32 of the tape's own first gradient are the oracle.
    const site = (path: string, channels: number): Site => ({ path, role: 'block', stage: 0, block: 0, index: 0, channels });
    const smooth: Architecture = (kit) =>
      sequential(
        kit.conv(site('conv0', 3), { inputChannels: 2, kernel: [3, 3] }),
        kit.norm(site('norm0', 3)),
        kit.conv(site('conv1', 2), { inputChannels: 3, kernel: [3, 3], stride: 2 }),
        kit.norm(site('norm1', 2)),
        kit.flatten(site('flatten', 18)),
        kit.dense(site('head', K), { inputChannels: 18 }),
      );
    const network = buildNetwork(smooth, { kit: standardKit(randomStream(3)), inputShape: [6, 5, 2] });
    const x = normalTensor([N, 6, 5, 2], 4);
    const y = labels();
    const first = grad((v: Tensor) => sum(crossEntropy(network.forward(v, training()), y)));
    const norm = (v: Tensor): Tensor => sum(square(first(v)));
    const gradient = read(grad(norm)(x));
    for (const seed of [1, 2, 3]) {
      // Half along the gradient: along a random direction alone the slope would drown in float32's rounding.
      const random = normals(x.size, seed);
      const direction = random.map((r, i) => r / Math.hypot(...random) + gradient[i]! / Math.hypot(...gradient));
      const step = 1e-2;
      const at = (t: number): number => read(tidy(() => norm(add(x, mul(tensor(direction, x.shape), t)))))[0]!;
      const expected = (at(step) - at(-step)) / (2 * step);
      const slope = gradient.reduce((total, g, i) => total + g * direction[i]!, 0);
      const scale = Math.hypot(...gradient) * Math.hypot(...direction);
      expect(Math.abs(slope - expected)).toBeLessThan(2e-4 * scale);
    }
  });
});

describe('confident rows', () => {
  it('keep the gradient of the label, the sum of the others, where its probability rounds to 1', () => {
    // exp(-30) = 9.4e-14 and exp(-32) = 1.3e-14 beside 1: float32 has steps of 6e-8 there.
    const [z, q] = [tensor2d([[30, 0, -2]]), tensor2d([[29, 0, -2]])];
    const y = tensor1d([0], 'int32');
    const [small, smaller] = [Math.exp(-30), Math.exp(-32)];
    const gradient = grad((v: Tensor) => sum(crossEntropy(v, y)))(z);
    expect(relativeError(read(gradient), [-small - smaller, small, smaller])).toBeLessThan(1e-5);
    // softmax(q) - softmax(z): exp(-29) - exp(-30) and so on, and minus their sum.
    const [one, two] = [Math.exp(-29) - small, Math.exp(-31) - smaller];
    const towards = grad((v: Tensor) => sum(klDivergence(z, v)))(q);
    expect(relativeError(read(towards), [-one - two, one, two])).toBeLessThan(1e-5);
  });
});

describe('extreme logits', () => {
  it('stay finite in value and gradient', () => {
    const z = tensor2d([[1e4, -1e4, 0, 0, 0], [-1e4, 1e4, 1e4, 0, 0]]);
    const q = tensor2d([[-1e4, 1e4, 0, 0, 0], [1e4, 0, 0, 0, -1e4]]);
    const y = tensor1d([1, 1], 'int32');
    // Row 0: the label is 2e4 below the top. Row 1: two logits tie at the top.
    expectClose(crossEntropy(z, y), [2e4, Math.LN2], 1e-6);
    const gradient = grad((v: Tensor) => sum(crossEntropy(v, y)))(z);
    expectClose(gradient, [1, -1, 0, 0, 0, 0, -0.5, 0.5, 0, 0], 1e-6);
    // Row 0: 1 * (0 - (-2e4)); row 1: 0.5 each on logits 1 and 2, which q puts 1e4 below its top: 1e4 - ln 2.
    expectClose(klDivergence(z, q), [2e4, 1e4 - Math.LN2], 1e-6);
    const both = grads((a: Tensor, b: Tensor) => sum(klDivergence(a, b)))([z, q]);
    expect(both.flatMap(read).every(Number.isFinite)).toBe(true);
  });
});
