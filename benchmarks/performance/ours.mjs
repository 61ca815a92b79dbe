// One task of the performance benchmark on the wasm runtime: node ours.mjs <task> <relaxed|simd>. Prints seconds, one a repetition.
import * as tf from '@tensorflow/tfjs-core';
import { startWasm } from '@robustjs/backend-wasm';
import { MAIN } from '@robustjs/core';
import { main as asc } from 'assemblyscript/asc';
import { BATCH, steps } from './steps.mjs';

const [task, variant] = process.argv.slice(2);
const runtime = await startWasm({ relaxed: variant !== 'simd' });

/** Seconds of each repetition after two that warm up; what a repetition returns is read, so that nothing is left to be done. */
async function measure(work, repetitions) {
  const times = [];
  for (let i = 0; i < repetitions + 2; i++) {
    const start = performance.now();
    await work();
    times.push((performance.now() - start) / 1000);
  }
  return times.slice(2);
}

const LAYERS = [[1, 16, 28, 1], [16, 32, 28, 2], [32, 32, 14, 2], [3, 16, 32, 1], [16, 16, 32, 1], [32, 32, 16, 1], [64, 64, 8, 1]];

/** GFLOP/s of the fastest of many short runs. */
function rate(flops, work) {
  let best = Infinity;
  for (let i = 0; i < 60; i++) {
    const start = performance.now();
    const out = work();
    best = Math.min(best, performance.now() - start);
    tf.dispose(out);
  }
  return flops / best / 1e6;
}

function convolution([from, to, size, stride]) {
  const out = Math.ceil(size / stride);
  const [x, w, dy] = [[BATCH, size, size, from], [3, 3, from, to], [BATCH, out, out, to]].map((shape) => tf.randomNormal(shape, 0, 1, 'float32', 7));
  const attrs = { strides: [stride, stride], pad: 'same', dataFormat: 'NHWC', dilations: 1 };
  const flops = 2 * 9 * from * to * out * out * BATCH;
  const rates = {
    forward: rate(flops, () => tf.conv2d(x, w, stride, 'same')),
    input: rate(flops, () => tf.engine().runKernel('Conv2DBackpropInput', { dy, filter: w }, { ...attrs, inputShape: x.shape })),
    filter: rate(flops, () => tf.engine().runKernel('Conv2DBackpropFilter', { x, dy }, { ...attrs, filterShape: w.shape })),
  };
  tf.dispose([x, w, dy]);
  return rates;
}

/** Sums at a time: enough to hide the latency of one, few enough for 16 registers. */
const CHAINS = 12;

/** The machine's peak as WebAssembly can reach it: independent multiply-adds in registers, in GFLOP/s. */
async function peak() {
  const files = {};
  const chains = Array.from({ length: CHAINS }, (_, i) => `s${i}`);
  const madd = runtime.variant === 'simd' ? (s) => `f32x4.add(f32x4.mul(${s}, x), y)` : (s) => `f32x4.relaxed_madd(${s}, x, y)`;
  const source = `export function run(count: i32, a: f32): f32 {
    const x = f32x4.splat(a), y = f32x4.splat(a);
    let ${chains.map((s, i) => `${s} = f32x4.splat(<f32>${i})`).join(', ')};
    for (let i = 0; i < count; i++) { ${chains.map((s) => `${s} = ${madd(s)};`).join(' ')} }
    return ${chains.map((s) => `f32x4.extract_lane(${s}, 0)`).join(' + ')};
  }`;
  const options = ['peak.ts', '-O3', '--runtime', 'stub', '--enable', 'simd', '--enable', 'relaxed-simd', '--outFile', 'peak.wasm'];
  const io = { readFile: (name) => (name.endsWith('peak.ts') ? source : null), writeFile: (name, contents) => void (files[name] = contents), listFiles: () => [] };
  const { error } = await asc(options, io);
  if (error) throw error;
  const { instance } = await WebAssembly.instantiate(files['peak.wasm']);
  const count = 20_000;
  return rate(count * CHAINS * 8, () => void instance.exports.run(count, 0.5));
}

/** Clean training steps of ResNet-8 with one norm and with rows routed through two and three, in turn: seconds of each. */
async function routed() {
  const contenders = [[MAIN], [MAIN, 'b'], [MAIN, 'b', 'c']].map((branches) => steps('resnet8', branches));
  const times = contenders.map(() => []);
  for (let round = 0; round < 4; round++) for (const [i, { train }] of contenders.entries()) times[i].push(...(await measure(() => train(), 3)));
  return { 'one branch': times[0], 'two branches': times[1], 'three branches': times[2] };
}

async function run() {
  switch (task) {
    case 'cnn-pgd10-training':
    case 'resnet8-pgd10-training': {
      const { adversarialTrain, train } = steps(task.split('-')[0]);
      return measure(() => adversarialTrain.call({ train }), 3);
    }
    case 'cnn-pgd40-evaluation':
    case 'resnet8-pgd40-evaluation':
      return measure(() => steps(task.split('-')[0]).evaluate(), 1);
    case 'resnet8-clean-training': {
      const { train } = steps('resnet8');
      return measure(() => train(), 12);
    }
    case 'branches':
      return routed();
    default:
      return { peak: await peak(), convolutions: Object.fromEntries(LAYERS.map((layer) => [layer.join(' '), convolution(layer)])) };
  }
}

const result = await run();
console.log(JSON.stringify({ variant: runtime.variant, device: runtime.device, version: `tfjs ${runtime.version}, Node ${process.versions.node}`, result }));
