import {
  conv2d, depthwiseConv2d, engine, grad, matMul, maxPool, mean, mul, relu, reshape, softplus, sub, type Tensor, type Tensor4D, tensor, tidy, type Variable,
  variable, variableGrads,
} from '@tensorflow/tfjs-core';

/** What one training step and one attack step on the trained weights gave, as the bits of float32. */
export interface StepBits {
  readonly loss: readonly number[];
  readonly weights: readonly number[];
  readonly gradient: readonly number[];
}

const SHAPES = [[3, 3, 2, 8], [3, 3, 8, 8], [3, 3, 8, 1], [4 * 4 * 8, 5]];
const BATCH = 6;

/** One step of training a small network and one input gradient; numbers from integer hashing, the same on every engine. */
export async function step(): Promise<StepBits> {
  const x = hashed([BATCH, 16, 16, 2], 1);
  const labels = tidy(() => mul(relu(hashed([BATCH, 5], 2)), 0.5));
  const weights = SHAPES.map((shape, i) => tidy(() => variable(mul(hashed(shape, i + 3), 0.3))));
  const lossOf = (from: Tensor): Tensor => mean(engine().runKernel('SoftmaxCrossEntropy', { logits: logits(from, weights), target: labels }, { smoothing: 0 }));
  const { value, grads } = variableGrads(() => lossOf(x) as never, weights);
  for (const parameter of weights) {
    const attrs = { rate: 0.1, momentum: 0, nesterov: false, decay: 1e-3 };
    tidy(() => parameter.assign(engine().runKernel<Tensor[]>('MomentumStep', { parameter, gradient: grads[parameter.name]! }, attrs)[0]!));
  }
  const gradient = grad(lossOf)(x);
  return { loss: await bits(value), weights: (await Promise.all(weights.map(bits))).flat(), gradient: await bits(gradient) };
}

function logits(x: Tensor, [first, second, third, head]: readonly Variable[]): Tensor {
  const a = relu(conv2d(x as Tensor4D, first as Variable as never, 1, 'same'));
  const b = softplus(conv2d(a, second as Variable as never, 2, 'same'));
  const c = maxPool(depthwiseConv2d(b, third as Variable as never, 1, 'same'), 2, 2, 'valid');
  return matMul(reshape(c, [BATCH, -1]), head!);
}

/** Values in [-1, 1) from the seed and the position by integer arithmetic; Math.sin differs between engines. */
function hashed(shape: number[], seed: number): Tensor {
  const size = shape.reduce((a, b) => a * b, 1);
  const values = Float32Array.from({ length: size }, (_, i) => {
    let state = Math.imul(i + 1, 0x9e3779b1) ^ Math.imul(seed, 0x85ebca6b);
    state = Math.imul(state ^ (state >>> 15), 0x2c1b3c6d);
    return ((state ^ (state >>> 13)) >> 8) / 2 ** 23;
  });
  return tidy(() => sub(tensor(values, shape), 0));
}

const bits = async (of: Tensor): Promise<number[]> => [...new Uint32Array(Float32Array.from(await of.data()).buffer)];
