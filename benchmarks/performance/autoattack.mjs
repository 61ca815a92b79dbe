// AutoAttack under Linf beside PyTorch: node benchmarks/performance/autoattack.mjs [--rounds 3] [--runs 4] [--eps 0.1] [--only standard] [--full].
// APGD-CE and APGD-T of the suite run here and in autoattack.py, in turn, on the 200 reference images of both networks, one thread each:
// the same loop, and a row leaves the batch when it is broken. Each process runs it --runs times (4), and the last counts: the first ones
// compile (here, on threads of the engine's own, which processor time contains) or choose kernels (there); the first is compared too.
// --full also runs the whole suite here once, FAB-T and 5000 queries of Square included. Compared are processor time, which a busy machine
// disturbs least, and wall time. Memory is watched over the last 1000 steps of one run in which no row leaves.
import { execFile } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { cpus } from 'node:os';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const option = (name, otherwise) => (process.argv.includes(name) ? process.argv[process.argv.indexOf(name) + 1] : otherwise);
const eps = Number(option('--eps', 0.1));
const runs = Number(option('--runs', 4));

/** Seconds and processor seconds since a start. */
function clock() {
  const used = () => { const { user, system } = process.cpuUsage(); return (user + system) / 1e6; };
  const [start, before] = [performance.now(), used()];
  return () => ({ seconds: (performance.now() - start) / 1000, cpu: used() - before });
}

/** Runs in a process of its own: the loop, over and over. */
async function loop(name) {
  const given = await prepared(name);
  const made = [];
  for (let run = 0; run < runs; run++) made.push(await suite(given, 2));
  const [{ seconds, cpu }] = made;
  return { ...made.at(-1), first: { seconds, cpu } };
}

/** Members of the suite on one network, one after the other, on the rows that still stand. */
async function suite({ reference, version, tf, core }, count) {
  const { autoAttackMembers } = await import('@robustjs/autoattack');
  const { model, inputs, labels, ids } = reference;
  const wrong = core.misclassified(model.forward(inputs, core.evaluation()), labels);
  const wrongs = await wrong.data();
  let standing = ids.filter((i) => !wrongs[i]);
  const [stands, members] = [[standing.length], {}];
  const total = clock();
  for (const member of autoAttackMembers('standard', 'Linf').slice(0, count)) {
    const lap = clock();
    const places = tf.tensor1d(standing, 'int32');
    const [x, y] = [tf.gather(inputs, places), tf.gather(labels, places)];
    const { success, adversarial } = await core.runAttack(member, { model, inputs: x, labels: y, ids: standing, threat: core.linf(eps), random: core.randomStream(0) });
    tf.dispose([places, x, y, adversarial]);
    standing = standing.filter((_, row) => !success[row]);
    stands.push(standing.length);
    members[member.id] = lap();
  }
  return { version, ...total(), stands, members };
}

/** Runs in a process of its own: 1200 steps of APGD in which nothing counts as broken. */
async function memory(name) {
  const { reference, tf, core } = await prepared(name, 32);
  const { apgdCe } = await import('@robustjs/attacks');
  const seen = [];
  const attack = apgdCe({ steps: 1200 });
  const watched = { ...attack, search: (search) => attack.search(Object.create(search, { compact: { value: async (...state) => {
    const next = await search.compact(...state);
    seen.push([tf.memory().numTensors, tf.backend().wasm.asm.memory.buffer.byteLength]);
    return next;
  } } })) };
  const criterion = (outputs) => tf.tidy(() => tf.cast(tf.zeros([outputs.shape[0]]), 'bool'));
  const { model, inputs, labels, ids } = reference;
  (await core.runAttack(watched, { model, inputs, labels, ids, threat: core.linf(eps), random: core.randomStream(0), criterion })).adversarial.dispose();
  // The last sample is taken when the run has let go of its state.
  const last = seen.slice(-1002, -2);
  return { steps: last.length, numTensors: [...new Set(last.map(([tensors]) => tensors))], heap: [last[0][1], last.at(-1)[1]] };
}

async function prepared(name, images) {
  const [{ startWasm }, { referenceNetworks }, tf, core] = await Promise.all(
    ['@robustjs/backend-wasm', '@robustjs/testkit/reference', '@tensorflow/tfjs-core', '@robustjs/core'].map((id) => import(id)));
  const runtime = await startWasm();
  const reference = await referenceNetworks().find((network) => network.name === name).load(images);
  return { reference, tf, core, version: `tfjs ${runtime.version}, Node ${process.versions.node}, ${runtime.variant}` };
}

const [task, network] = process.argv.slice(2);
const tasks = { apgd: () => loop(network), suite: async () => suite(await prepared(network), 4), memory: () => memory(network) };
if (Object.hasOwn(tasks, task ?? '')) console.log(JSON.stringify(await tasks[task]()));
else await compare();

async function compare() {
  const rounds = Number(option('--rounds', 3));
  const shared = process.env.ROBUSTJS_SHARED ?? fileURLToPath(new URL('../../../shared', import.meta.url));
  const file = (name) => fileURLToPath(new URL(name, import.meta.url));
  // torch.set_num_threads does not reach a BLAS library that has threads of its own.
  const env = { ...process.env, OMP_NUM_THREADS: '1', OPENBLAS_NUM_THREADS: '1', MKL_NUM_THREADS: '1' };
  const run = async (more, program, ...args) => JSON.parse((await promisify(execFile)(program, args, { env: { ...env, ...more } })).stdout.trim().split('\n').at(-1));
  const ours = (...args) => run({}, process.execPath, file('autoattack.mjs'), ...args, '--eps', `${eps}`, '--runs', `${runs}`);
  const python = process.env.PYTHON ?? '/usr/bin/python3';
  const torch = (name, more = {}) => run(more, python, file('autoattack.py'), `${shared}/reference/fmnist/${name}`, `${eps}`, `${runs}`);
  // WebAssembly has vectors of 128 bits; where the processor has 512, PyTorch also runs with 256.
  const wide = existsSync('/proc/cpuinfo') && readFileSync('/proc/cpuinfo', 'utf8').includes('avx512f');
  const narrowed = { ONEDNN_MAX_CPU_ISA: 'AVX2', ATEN_CPU_CAPABILITY: 'avx2' };
  const median = (values) => {
    const sorted = [...values].sort((a, b) => a - b);
    return (sorted[Math.floor((sorted.length - 1) / 2)] + sorted[Math.floor(sorted.length / 2)]) / 2;
  };
  const record = { processor: `${cpus()[0].model.trim()}, ${cpus().length} cores`, norm: 'Linf', eps, rounds, runs, versions: {}, networks: {} };
  for (const name of ['standard', 'adversarial'].filter((one) => one.includes(option('--only', '')))) {
    const times = { ours: [], theirs: [], ...(wide && { narrow: [] }) };
    for (let round = 0; round < rounds; round++) {
      times.ours.push(await ours('apgd', name));
      times.theirs.push(await torch(name));
      times.narrow?.push(await torch(name, narrowed));
    }
    record.versions = { ours: times.ours[0].version, theirs: times.theirs[0].version };
    /** How many times as fast as a peer: of medians over all rounds, and the least and most of single rounds. */
    const beside = (peer, time = ({ cpu }) => cpu) => {
      const ratios = times.ours.map((one, i) => time(peer[i]) / time(one));
      return { ratio: median(peer.map(time)) / median(times.ours.map(time)), lowest: Math.min(...ratios), highest: Math.max(...ratios) };
    };
    const { theirs, narrow } = times;
    const ratios = {
      processor: beside(theirs), wall: beside(theirs, ({ seconds }) => seconds), 'wall, first run': beside(theirs, ({ first }) => first.seconds),
      ...(wide && { 'processor, its vectors held to 256 bits': beside(narrow) }),
    };
    record.networks[name] = { ratios, ...times, memory: await ours('memory', name) };
    console.log(`${name}: right before, after APGD-CE, after APGD-T: ours ${times.ours[0].stands}, theirs ${theirs[0].stands}; times as fast as PyTorch:`);
    for (const [kind, { ratio, lowest, highest }] of Object.entries(ratios)) console.log(`  ${ratio.toFixed(2)} (${lowest.toFixed(2)} to ${highest.toFixed(2)}) ${kind}`);
    const { steps, numTensors, heap } = record.networks[name].memory;
    console.log(`  last ${steps} steps: numTensors ${numTensors}, heap ${heap[0]} to ${heap[1]} bytes (${((100 * heap[1]) / heap[0] - 100).toFixed(2)} %)`);
    if (process.argv.includes('--full')) {
      const whole = (record.networks[name].suite = await ours('suite', name));
      console.log(`  whole suite: ${whole.cpu.toFixed(0)} s of processor time, right ${whole.stands}; ${Object.entries(whole.members).map(([id, { cpu }]) => `${id} ${cpu.toFixed(0)} s`).join(', ')}`);
    }
  }
  const folder = new URL('../results/performance/', import.meta.url);
  await mkdir(folder, { recursive: true });
  const name = `autoattack-${new Date().toISOString().slice(0, 16).replace(/[-:]/g, '')}.json`;
  await writeFile(new URL(name, folder), `${JSON.stringify(record, null, 1)}\n`);
  console.log(`Record: benchmarks/results/performance/${name}`);
}
