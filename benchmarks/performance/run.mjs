// The performance benchmark: npm run bench:performance [-- --rounds N]. Each task runs here (relaxed SIMD, SIMD) and, where Python
// finds torch, in PyTorch on one thread, in turn and several rounds, so that a busy machine slows all alike. Ratios are of median
// processor seconds, which other programs disturb less than the clock; the spread is that of single rounds. Ratios by the clock stand
// beside them. WebAssembly has vectors of 128 bits: where the processor has 512, PyTorch also runs with 256, to tell what their width
// is worth. The record goes to benchmarks/results/performance/.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const TASKS = ['cnn-pgd10-training', 'resnet8-pgd10-training', 'cnn-pgd40-evaluation', 'resnet8-pgd40-evaluation', 'resnet8-clean-training'];
const index = process.argv.indexOf('--rounds');
const ROUNDS = index < 0 ? 3 : Number(process.argv[index + 1]);

const run = promisify(execFile);
const file = (name) => fileURLToPath(new URL(name, import.meta.url));
const json = async (program, args, env) => JSON.parse((await run(program, args, { timeout: 600_000, env: { ...process.env, ...env } })).stdout);
const ours = (task, variant, ...more) => json(process.execPath, [file('ours.mjs'), task, variant, ...more]);

// torch.set_num_threads does not reach a BLAS library that has threads of its own.
const ONE_THREAD = { OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
const wide = existsSync('/proc/cpuinfo') && readFileSync('/proc/cpuinfo', 'utf8').includes('avx512f');
/** PyTorch as it comes, and with narrower vectors where the processor's are wide. */
const PEERS = { peer: ONE_THREAD, ...(wide && { avx2: { ...ONE_THREAD, ONEDNN_MAX_CPU_ISA: 'AVX2' } }) };

/** A Python that has torch: PYTHON, else the first on the path, else the system's. */
async function findPython() {
  for (const python of [process.env.PYTHON, 'python3', '/usr/bin/python3'].filter(Boolean)) {
    const found = await run(python, ['-c', 'import torch']).then(() => true, () => false);
    if (found) return python;
  }
  return undefined;
}

const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];
const fixed = (value) => value.toFixed(2);

/** How many times as fast as the peer: ratio of medians over all rounds, and the lowest and highest of single rounds. */
function ratio(mine, peer, clock) {
  const rounds = mine.map((times, i) => median(peer[i][clock]) / median(times[clock]));
  const all = (runs) => median(runs.flatMap((times) => times[clock]));
  return { ratio: all(peer) / all(mine), lowest: Math.min(...rounds), highest: Math.max(...rounds) };
}

const VARIANTS = ['relaxed-simd', 'simd'];
const python = await findPython();
const record = { format: 3, processor: `${cpus()[0].model.trim()}, ${cpus().length} cores`, rounds: ROUNDS, versions: {}, tasks: {}, kernels: {} };
if (python === undefined) console.log('No Python with torch found (Debian: apt-get install python3-torch libopenblas0-pthread): no comparison.');

for (const variant of VARIANTS) {
  const { result, variant: got } = await ours('kernels', variant);
  record.kernels[got] = result;
  console.log(`${got}: peak of multiply-adds in registers ${result.peak.toFixed(1)} GFLOP/s, an addition of large tensors moves ${result.bandwidth.toFixed(1)} GB/s`);
  for (const [layer, rates] of Object.entries(result.convolutions)) {
    const columns = Object.entries(rates).map(([name, value]) => `${name} ${value.toFixed(1)} (${Math.round((100 * value) / result.peak)} %)`);
    console.log(`  conv 3x3, in out size stride: ${layer.padEnd(12)} ${columns.join('  ')}`);
  }
}

/**
 * What a repetition does, and the shares of the measured peaks at which it did it. Arithmetic is that of direct sums of products;
 * transforms need less of it, so that its share can exceed 1. The larger share is what limits.
 */
function limits({ calls, bytes, arithmetic }, seconds, { peak, bandwidth }) {
  const shares = { arithmetic: arithmetic / 1e9 / seconds / peak, bytes: bytes / 1e9 / seconds / bandwidth };
  return { calls, gigabytes: bytes / 1e9, gigaflops: arithmetic / 1e9, shares, limit: shares.arithmetic >= shares.bytes ? 'arithmetic' : 'bytes' };
}

for (const task of TASKS) {
  const seconds = { 'relaxed-simd': [], simd: [], ...Object.fromEntries(Object.keys(PEERS).map((name) => [name, []])) };
  for (let round = 0; round < ROUNDS; round++) {
    for (const variant of VARIANTS) {
      const { result, version, variant: got } = await ours(task, variant);
      seconds[got].push(result);
      record.versions.ours = version;
    }
    if (python === undefined) continue;
    for (const [name, env] of Object.entries(PEERS)) {
      const { result, version, layout } = await json(python, [file('peer.py'), task], env);
      seconds[name].push({ ...result, layout });
      record.versions.peer = version;
    }
  }
  record.tasks[task] = { seconds };
  const { result: counts } = await ours(task, 'relaxed', 'count');
  for (const variant of VARIANTS.filter((name) => seconds[name].length > 0)) {
    const taken = median(seconds[variant].flatMap(({ processor }) => processor));
    const { limit, shares, ...amounts } = limits(counts, taken, record.kernels[variant]);
    const entry = (record.tasks[task][variant] = { seconds: taken, ...amounts, shares, limit });
    if (seconds.peer.length === seconds[variant].length) Object.assign(entry, ratio(seconds[variant], seconds.peer, 'processor'), { clock: ratio(seconds[variant], seconds.peer, 'wall') });
    if (seconds.avx2?.length === seconds[variant].length) entry.avx2 = ratio(seconds[variant], seconds.avx2, 'processor');
    const narrow = entry.avx2 === undefined ? '' : `; with 256 bits ${fixed(entry.avx2.ratio)}`;
    const compared = entry.ratio === undefined ? '' : `, ${fixed(entry.ratio)} x PyTorch (${fixed(entry.lowest)} to ${fixed(entry.highest)}; by the clock ${fixed(entry.clock.ratio)}${narrow})`;
    console.log(`${task.padEnd(26)}${variant.padEnd(13)} ${fixed(64 / taken)} images/s${compared}; ${Math.round(100 * shares.arithmetic)} % of peak arithmetic, ${Math.round(100 * shares.bytes)} % of bandwidth`);
  }
}

const { result: routed } = await ours('branches', 'relaxed-simd');
record.branches = routed;
const single = median(routed['one branch']);
for (const [name, times] of Object.entries(routed)) console.log(`batch norm, ${name.padEnd(15)} ${fixed(median(times) / single)} x the training step of one`);

const { result: lookedUp } = await ours('retrieval', 'relaxed-simd');
record.retrieval = lookedUp;
console.log(`retrieval metrics of 10,000 embeddings of 128 numbers: ${fixed(median(lookedUp.wall))} s by the clock, ${fixed(median(lookedUp.processor))} s of the processor`);

record.workers = await json(process.execPath, [file('workers.mjs'), '--rounds', String(ROUNDS)]);
const { median: share, lowest, highest } = record.workers['two threads / two copies'];
console.log(`two threads reach ${fixed(share)} x what two copies of the job do (${fixed(lowest)} to ${fixed(highest)})`);

const folder = new URL('../results/performance/', import.meta.url);
await mkdir(folder, { recursive: true });
const name = `${new Date().toISOString().slice(0, 16).replace(/[-:]/g, '')}.json`;
await writeFile(new URL(name, folder), `${JSON.stringify(record, null, 1)}\n`);
console.log(`Record: benchmarks/results/performance/${name}`);
