// Speed of the wasm runtime on one core: convolutions and their gradients, input gradients, and a PGD-10 training step, on
// three 3x3 convolutions (1 -> 16, 16 -> 32 stride 2, 32 -> 32 stride 2), 28x28x1, batch 64.
// Run after `npm run build`: node benchmarks/performance/backend-wasm.bench.mjs [--json]
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-wasm';
import { startWasm } from '@robustjs/backend-wasm';

// TF.js's own kernel, kept under another name for comparison before ours takes its place.
tf.registerKernel({ ...tf.getKernel('Conv2DBackpropInput', 'wasm'), kernelName: 'StockConv2DBackpropInput' });
const runtime = await startWasm();

const BATCH = 64;
const STEPS = 10;
const LAYERS = [
  { size: 28, from: 1, to: 16, stride: 1 },
  { size: 28, from: 16, to: 32, stride: 2 },
  { size: 14, from: 32, to: 32, stride: 2 },
];

/** Median seconds of a run; results are read, so that nothing is left to be done. */
async function seconds(work, runs) {
  const times = [];
  for (let i = 0; i < runs + 2; i++) {
    const start = performance.now();
    const result = work();
    await result.data();
    times.push((performance.now() - start) / 1000);
    result.dispose();
  }
  return times.slice(2).sort((a, b) => a - b)[Math.floor(runs / 2)];
}

async function layerRates({ size, from, to, stride }) {
  const out = Math.ceil(size / stride);
  const flops = 2 * 9 * from * to * out * out * BATCH;
  const [x, w, dy] = [[BATCH, size, size, from], [3, 3, from, to], [BATCH, out, out, to]].map((shape) => tf.randomNormal(shape, 0, 1, 'float32', 7));
  const attrs = { strides: [stride, stride], pad: 'same', dataFormat: 'NHWC' };
  const patches = tf.randomNormal([9 * from, BATCH * out * out], 0, 1, 'float32', 7);
  const flat = tf.reshape(dy, [BATCH * out * out, to]);
  const kernel = (name, inputs, more) => () => tf.engine().runKernel(name, inputs, { ...attrs, ...more });
  const forms = {
    forward: () => tf.conv2d(x, w, stride, 'same'),
    'input gradient': kernel('Conv2DBackpropInput', { dy, filter: w }, { inputShape: x.shape }),
    'input gradient, TF.js': kernel('StockConv2DBackpropInput', { dy, filter: w }, { inputShape: x.shape }),
    'filter gradient': kernel('Conv2DBackpropFilter', { x, dy }, { filterShape: w.shape }),
    'filter gradient as matMul, patches given': () => tf.tidy(() => tf.matMul(patches, tf.clone(flat))),
  };
  const rates = {};
  for (const [name, form] of Object.entries(forms)) rates[name] = flops / (await seconds(form, 15)) / 1e9;
  tf.dispose([x, w, dy, patches, flat]);
  return rates;
}

function network(parameters, x) {
  let y = x;
  LAYERS.forEach(({ stride }, i) => (y = tf.relu(tf.conv2d(y, parameters[i], stride, 'same'))));
  return tf.matMul(tf.reshape(y, [x.shape[0], -1]), parameters[3]);
}

const loss = (parameters, x, labels) => tf.neg(tf.mean(tf.sum(tf.mul(tf.logSoftmax(network(parameters, x)), labels), -1)));

function pgd(parameters, x, labels) {
  const gradient = tf.grad((input) => loss(parameters, input, labels));
  let adversarial = x;
  for (let i = 0; i < STEPS; i++)
    adversarial = tf.tidy(() => {
      const moved = tf.add(adversarial, tf.mul(tf.sign(gradient(adversarial)), 0.01));
      return tf.clipByValue(tf.minimum(tf.maximum(moved, tf.sub(x, 0.1)), tf.add(x, 0.1)), 0, 1);
    });
  return adversarial;
}

const parameters = [...LAYERS.map(({ from, to }) => [3, 3, from, to]), [7 * 7 * 32, 10]].map((shape) => tf.variable(tf.randomNormal(shape, 0, 0.1, 'float32', 7)));
const x = tf.randomUniform([BATCH, 28, 28, 1], 0, 1, 'float32', 7);
const labels = tf.oneHot(tf.tensor1d(Array.from({ length: BATCH }, (_, i) => i % 10), 'int32'), 10);

const trainingStep = () =>
  tf.tidy(() => {
    const adversarial = pgd(parameters, x, labels);
    const { value, grads } = tf.variableGrads(() => loss(parameters, adversarial, labels), parameters);
    for (const parameter of parameters) parameter.assign(tf.sub(parameter, tf.mul(grads[parameter.name], 0.01)));
    return value;
  });

const report = {
  runtime,
  gflops: {},
  imagesPerSecond: {
    forward: BATCH / (await seconds(() => tf.tidy(() => network(parameters, x)), 15)),
    'input gradient': BATCH / (await seconds(() => tf.tidy(() => tf.grad((input) => loss(parameters, input, labels))(x)), 15)),
    'PGD-10 training': BATCH / (await seconds(trainingStep, 7)),
  },
};
for (const layer of LAYERS) report.gflops[`${layer.from} -> ${layer.to}, stride ${layer.stride}`] = await layerRates(layer);

if (process.argv.includes('--json')) console.log(JSON.stringify(report));
else {
  console.log(`${runtime.device}, ${runtime.variant}`);
  for (const [name, rate] of Object.entries(report.imagesPerSecond)) console.log(`${name.padEnd(44)}${rate.toFixed(0).padStart(8)} images/s`);
  for (const [layer, rates] of Object.entries(report.gflops)) {
    console.log(layer);
    for (const [name, rate] of Object.entries(rates)) console.log(`  ${name.padEnd(42)}${rate.toFixed(1).padStart(8)} GFLOP/s`);
  }
}
