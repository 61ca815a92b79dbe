// 2000 steps of adversarial training against the built package: prints what is held after step 1000, by when the allocator has settled,
// and after the last.
import { conv2d, backend, depthwiseConv2d, dispose, engine, fill, grad, matMul, maxPool, mean, memory, mul, relu, reshape, tensor1d, tidy, truncatedNormal, variable, variableGrads } from '@tensorflow/tfjs-core';
import { startWasm } from '@robustjs/backend-wasm';

await startWasm();
const BATCH = 8;
const [x, labels] = [tidy(() => truncatedNormal([BATCH, 12, 12, 1], 0, 1, 'float32', 1)), tensor1d([0, 1, 2, 3, 4, 0, 1, 2], 'int32')];
const weights = [[3, 3, 1, 8], [3, 3, 8, 8], [3, 3, 8, 8], [3, 3, 8, 1], [3 * 3 * 8, 5]].map((shape, i) => tidy(() => variable(truncatedNormal(shape, 0, 0.2, 'float32', i + 2))));
const [scale, offset] = [1, 0].map((value) => tidy(() => variable(fill([8], value))));
const heavy = [scale, offset].map(({ shape }) => tidy(() => variable(fill(shape, 0))));
const slots = weights.map(({ shape }) => tidy(() => [0, 1].map(() => variable(mul(truncatedNormal(shape), 0)))));

function logits(from) {
  const a = conv2d(relu(conv2d(from, weights[0], 1, 'same')), weights[1], 1, 'same');
  const [normalized] = engine().runKernel('BatchNormRows', { x: a, scale, offset }, { counts: [BATCH], epsilon: 1e-5, relu: true, joined: false });
  const b = depthwiseConv2d(relu(conv2d(normalized, weights[2], 2, 'same')), weights[3], 1, 'same');
  return matMul(reshape(maxPool(b, 2, 2, 'valid'), [BATCH, -1]), weights[4]);
}
const loss = (from) => mean(engine().runKernel('SoftmaxCrossEntropy', { logits: logits(from), target: labels }, { smoothing: 0 }));

async function step(i) {
  const attacked = tidy(() => engine().runKernel('LinfStep', { x, gradient: grad(loss)(x), clean: x }, { alpha: 0.05, eps: 0.1, low: -3, high: 3 }));
  const { value, grads } = variableGrads(() => loss(attacked), [...weights, scale, offset]);
  const correction = Math.sqrt(1 - 0.999 ** (i + 1));
  weights.forEach((parameter, k) => tidy(() => {
    const inputs = { parameter, gradient: grads[parameter.name], mean: slots[k][0], square: slots[k][1] };
    const attrs = { length: (0.003 * correction) / (1 - 0.9 ** (i + 1)), beta1: 0.9, beta2: 0.999, epsilon: 1e-7, decay: 0 };
    const next = engine().runKernel('AdamStep', inputs, attrs);
    [parameter, ...slots[k]].forEach((held, n) => held.assign(next[n]));
  }));
  [scale, offset].forEach((parameter, k) => tidy(() => {
    const inputs = { parameter, gradient: grads[parameter.name], slot: heavy[k] };
    const next = engine().runKernel('MomentumStep', inputs, { rate: 0.01, momentum: 0.9, nesterov: true, decay: 1e-4 });
    [parameter, heavy[k]].forEach((held, n) => held.assign(next[n]));
  }));
  const [read] = await value.data();
  dispose([attacked, value, grads]);
  return read;
}

async function held() {
  // Collected thoroughly: what the engine has not given back yet would be taken for growth.
  for (let i = 0; i < 5; i++) {
    gc();
    await new Promise((resolve) => void setTimeout(resolve, 100));
  }
  return { tensors: memory().numTensors, dataIds: backend().numDataIds(), heap: backend().wasm.HEAPU8.byteLength, rss: process.memoryUsage.rss() };
}

let last = await step(0);
const first = last;
for (let i = 1; i < 1000; i++) last = await step(i);
const early = await held();
for (let i = 1000; i < 2000; i++) last = await step(i);
console.log(JSON.stringify({ first, last, early, late: await held() }));
