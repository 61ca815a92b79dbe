// Where the time of a task goes: node profile.mjs <cnn|resnet8> <evaluation|training> [relaxed|simd] [rows]. Prints, by kernel and by
// kernel with shapes (first input, result), milliseconds, calls and megabytes read and written in one step, and what is outside.
import { startWasm } from '@robustjs/backend-wasm';
import { countKernels, total } from './counting.mjs';
import { steps } from './steps.mjs';

const [name = 'resnet8', work = 'evaluation', variant = 'relaxed', shown = '24'] = process.argv.slice(2);
await startWasm({ relaxed: variant !== 'simd' });
const noted = countKernels();
const { evaluate, train } = steps(name);
const STEPS = work === 'evaluation' ? 40 : 20;
const task = work === 'evaluation' ? () => evaluate(STEPS) : async () => { for (let i = 0; i < STEPS; i++) await train(); };
await task();
noted.clear();
const [start, usage] = [performance.now(), process.cpuUsage()];
await task();
const wall = (performance.now() - start) / STEPS;
const { user, system } = process.cpuUsage(usage);
const all = total(noted);
const inside = all.milliseconds / STEPS;
console.log(`${name} ${work} ${variant}: ${wall.toFixed(2)} ms a step (processor ${((user + system) / 1000 / STEPS).toFixed(2)}), ${inside.toFixed(2)} in ${(all.calls / STEPS).toFixed(0)} kernels, ${(wall - inside).toFixed(2)} outside`);
for (const shapes of [false, true]) {
  const entries = [...noted].filter(([key]) => key.includes(' ') === shapes).sort(([, a], [, b]) => b.milliseconds - a.milliseconds);
  for (const [key, { milliseconds, calls, bytes }] of entries.slice(0, Number(shown)))
    console.log(`${key.padEnd(52)}${(milliseconds / STEPS).toFixed(3).padStart(9)} ms ${(calls / STEPS).toFixed(1).padStart(7)} calls ${(bytes / 1e6 / STEPS).toFixed(2).padStart(8)} MB`);
  console.log();
}
