// One task of the performance benchmark on the wasm runtime: node ours.mjs <task> <relaxed|simd> [count]. Prints seconds
// by the clock and of the processor, one a repetition; with `count`, what one repetition reads, writes and multiplies.
import * as tf from '@tensorflow/tfjs-core';
import { startWasm } from '@robustjs/backend-wasm';
import { MAIN } from '@robustjs/core';
import { retrievalMetrics } from '@robustjs/metric-learning';
import { main as asc } from 'assemblyscript/asc';
import { countKernels, total } from './counting.mjs';
import { BATCH, steps } from './steps.mjs';

const [task, variant, counting] = process.argv.slice(2);
const runtime = await startWasm({ relaxed: variant !== 'simd' });

const seconds = ({ user, system }) => (user + system) / 1e6;

/** Processor seconds to warm up for: the engine compiles in the background what runs often. peer.py does the same. */
const WARM = 2;

/** Seconds of each repetition once warm; what a repetition returns is read, so that nothing is left to be done. */
async function measure(work, repetitions) {
  const begin = process.cpuUsage();
  do await work();
  while (seconds(process.cpuUsage(begin)) < WARM);
  const [wall, processor] = [[], []];
  for (let i = 0; i < repetitions; i++) {
    const [start, usage] = [performance.now(), process.cpuUsage()];
    await work();
    processor.push(seconds(process.cpuUsage(usage)));
    wall.push((performance.now() - start) / 1000);
  }
  return { wall, processor };
}

/** What one repetition does, after one that warms up. */
async function count(work) {
  const noted = countKernels();
  await work();
  noted.clear();
  await work();
  const { calls, bytes, arithmetic } = total(noted);
  return { calls, bytes, arithmetic };
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

/** Clean training steps of ResNet-8 with one norm and with rows routed through two and three, in turn: processor seconds of each. */
async function routed() {
  const contenders = [[MAIN], [MAIN, 'b'], [MAIN, 'b', 'c']].map((branches) => steps('resnet8', branches));
  const times = contenders.map(() => []);
  for (let round = 0; round < 4; round++) for (const [i, { train }] of contenders.entries()) times[i].push(...(await measure(() => train(), 3)).processor);
  return { 'one branch': times[0], 'two branches': times[1], 'three branches': times[2] };
}

/** Recall, R-precision and MAP@R of 10,000 embeddings of 128 numbers, each a query among all others. */
function retrieval() {
  const queries = tf.tidy(() => {
    const rows = tf.randomNormal([10_000, 128], 0, 1, 'float32', 7);
    return tf.div(rows, tf.norm(rows, 2, 1, true));
  });
  const queryLabels = Int32Array.from({ length: 10_000 }, (_, i) => i % 100);
  return measure(() => retrievalMetrics({ queries, queryLabels }), 3);
}

/** GB/s that adding two tensors too large for the caches reads and writes. */
function bandwidth() {
  const floats = 8 * 2 ** 20;
  const [a, b] = [tf.randomUniform([floats]), tf.randomUniform([floats])];
  const gigabytes = rate(3 * 4 * floats, () => tf.add(a, b));
  tf.dispose([a, b]);
  return gigabytes;
}

/** One repetition of a task of the comparison, and how many are measured; undefined for the others. */
function repetition() {
  if (!/-(training|evaluation)$/.test(task)) return undefined;
  const { adversarialTrain, evaluate, train } = steps(task.split('-')[0]);
  if (task.endsWith('pgd10-training')) return [adversarialTrain, 5];
  return task.endsWith('pgd40-evaluation') ? [() => evaluate(), 2] : [() => train(), 12];
}

async function run() {
  if (task === 'branches') return routed();
  if (task === 'retrieval') return retrieval();
  const [work, repetitions] = repetition() ?? [];
  if (work !== undefined) return counting === 'count' ? count(work) : measure(work, repetitions);
  return { peak: await peak(), bandwidth: bandwidth(), convolutions: Object.fromEntries(LAYERS.map((layer) => [layer.join(' '), convolution(layer)])) };
}

const result = await run();
console.log(JSON.stringify({ variant: runtime.variant, device: runtime.device, version: `tfjs ${runtime.version}, Node ${process.versions.node}`, result }));
