// Where the time of a task goes: node profile.mjs <cnn|resnet8> <evaluation|training> [relaxed|simd] [rows]. Prints, by kernel and
// shapes (first input, result), milliseconds, calls and megabytes read and written in one step, and what is spent outside kernels.
import * as tf from '@tensorflow/tfjs-core';
import { startWasm } from '@robustjs/backend-wasm';
import { steps } from './steps.mjs';

const [name = 'resnet8', work = 'evaluation', variant = 'relaxed', shown = '24'] = process.argv.slice(2);
await startWasm({ relaxed: variant !== 'simd' });

const spent = new Map();
let depth = 0;

const bytes = (tensors) => Object.values(tensors).flat().reduce((sum, info) => sum + (info?.shape ? 4 * tf.util.sizeFromShape(info.shape) : 0), 0);

/** The same kernel with its time noted; one that a kernel calls counts as part of it. */
function timed({ kernelName, backendName, kernelFunc, ...rest }) {
  tf.unregisterKernel(kernelName, backendName);
  const run = (args) => {
    depth++;
    const start = performance.now();
    const out = kernelFunc(args);
    const milliseconds = performance.now() - start;
    if (--depth > 0) return out;
    const first = Object.values(args.inputs).flat()[0];
    for (const key of [kernelName, `${kernelName} ${first?.shape?.join('x') ?? ''} ${[out].flat()[0]?.shape?.join('x') ?? ''}`]) {
      const entry = spent.get(key) ?? { milliseconds: 0, calls: 0, megabytes: 0 };
      entry.milliseconds += milliseconds;
      entry.calls++;
      entry.megabytes += (bytes(args.inputs) + bytes([out].flat())) / 1e6;
      spent.set(key, entry);
    }
    return out;
  };
  tf.registerKernel({ ...rest, kernelName, backendName, kernelFunc: run });
}

tf.getKernelsForBackend('wasm').forEach(timed);
const { evaluate, train } = steps(name);
const STEPS = work === 'evaluation' ? 40 : 20;
const task = work === 'evaluation' ? () => evaluate(STEPS) : async () => { for (let i = 0; i < STEPS; i++) await train(); };
await task();
spent.clear();
const start = performance.now();
const usage = process.cpuUsage();
await task();
const wall = (performance.now() - start) / STEPS;
const { user, system } = process.cpuUsage(usage);
const line = (label, { milliseconds, calls, megabytes }) =>
  console.log(`${label.padEnd(52)}${(milliseconds / STEPS).toFixed(3).padStart(9)} ms ${(calls / STEPS).toFixed(1).padStart(7)} calls ${(megabytes / STEPS).toFixed(2).padStart(8)} MB`);
const list = (wanted) => [...spent].filter(([key]) => key.includes(' ') === wanted).sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
const kernels = list(false);
const inside = kernels.reduce((sum, [, { milliseconds }]) => sum + milliseconds, 0) / STEPS;
const calls = kernels.reduce((sum, [, entry]) => sum + entry.calls, 0) / STEPS;
console.log(`${name} ${work} ${variant}: ${wall.toFixed(2)} ms a step (processor ${((user + system) / 1000 / STEPS).toFixed(2)}), ${inside.toFixed(2)} in ${calls.toFixed(0)} kernels, ${(wall - inside).toFixed(2)} outside`);
kernels.slice(0, Number(shown)).forEach(([key, entry]) => line(key, entry));
console.log();
list(true).slice(0, Number(shown)).forEach(([key, entry]) => line(key, entry));
