// The README's model.fit on three runtimes, one epoch after a first that warms up:
//   node scripts/measure-fit.mjs wasm      this package
//   node scripts/measure-fit.mjs plain     TF.js's wasm backend by itself, with TF.js's gradients
//   node scripts/measure-fit.mjs cpu       TF.js's plain JavaScript backend
import * as tf from '@tensorflow/tfjs-core';
import { layers, sequential } from '@tensorflow/tfjs-layers';

const kind = process.argv[2] ?? 'wasm';
tf.env().set('PROD', true);
if (kind === 'wasm') await (await import('@robustjs/backend-wasm')).startWasm();
else {
  await import('@robustjs/backend-wasm/gradients');
  await import(`@tensorflow/tfjs-backend-${kind === 'plain' ? 'wasm' : 'cpu'}`);
  await tf.setBackend(kind === 'plain' ? 'wasm' : 'cpu');
}

const model = sequential({
  layers: [
    layers.conv2d({ inputShape: [28, 28, 1], filters: 16, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.conv2d({ filters: 32, kernelSize: 3, activation: 'relu' }),
    layers.maxPooling2d({ poolSize: 2 }),
    layers.flatten(),
    layers.dense({ units: 10, activation: 'softmax' }),
  ],
});
model.compile({ optimizer: 'adam', loss: 'categoricalCrossentropy' });
const images = Number(process.argv[3] ?? 512);
const x = tf.randomUniform([images, 28, 28, 1], 0, 1, 'float32', 1);
const y = tf.oneHot(tf.tensor1d(Array.from({ length: images }, (_, i) => i % 10), 'int32'), 10);
try {
  await model.fit(x, y, { epochs: 1, batchSize: 32, verbose: 0 });
  const start = process.cpuUsage();
  await model.fit(x, y, { epochs: 1, batchSize: 32, verbose: 0 });
  const { user, system } = process.cpuUsage(start);
  const seconds = (user + system) / 1e6;
  console.log(`${kind}: ${seconds.toFixed(2)} s of processor time, ${(images / seconds).toPrecision(3)} images a second`);
} catch (error) {
  console.log(`${kind}: ${error.message}`);
}
