// Training in several threads: node workers.mjs [--rounds N] [--shards N]. In turn: the job in one thread, two independent copies of
// it at the same time, and the job in two threads; steps a second of each, all in processes of their own. The job is a recipe:
// PGD-10 training of the small CNN on digits, 64 a batch, in shards. Two threads do as well as they can when they
// reach what two copies do together. Prints JSON.
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const option = (name, otherwise) => (process.argv.includes(name) ? Number(process.argv[process.argv.indexOf(name) + 1]) : otherwise);
const SECONDS = 6;
// Two copies are measured over the same seconds, when both are warm.
const START_SECONDS = 4;

/** Steps a second of the recipe's training between two moments, by the times at which steps end. */
async function job(workers, shards, from) {
  const { startWasm } = await import('@robustjs/backend-wasm');
  const { loadMethod, openData, parseRecipe, train } = await import('@robustjs/harness');
  const recipe = parseRecipe({
    schema: 1, track: 'image-classification', tier: 'custom', data: { id: 'mnist', train: 6400, validation: 1 },
    architecture: { id: 'small-cnn', options: { widths: [16, 32, 32] } },
    method: { package: '@robustjs/pgd-at', options: { eps: 0.2, steps: 10 } },
    training: { epochs: 100, batchSize: 64, learningRate: 0.01, optimizer: { id: 'adam' }, shards },
    evaluation: { eps: [0.2], attacks: [{ id: 'pgd' }] },
  });
  await startWasm();
  const stop = new AbortController();
  const ends = [];
  const onProgress = () => {
    const now = Date.now();
    if (now >= from) ends.push(performance.now());
    if (now >= from + 1000 * SECONDS) stop.abort();
  };
  const data = await openData(recipe.data);
  await train({ recipe, data, method: await loadMethod(recipe.method), workers, signal: stop.signal, onProgress }).catch((error) => {
    if (error.code !== 'RJS_ABORTED') throw error;
  });
  return (1000 * (ends.length - 1)) / (ends.at(-1) - ends[0]);
}

/** Runs copies of the job at the same time; their steps a second together. */
async function copies(count, workers, shards) {
  const from = Date.now() + 1000 * START_SECONDS;
  const run = () => promisify(execFile)(process.execPath, [fileURLToPath(import.meta.url), 'job', workers, shards, from].map(String), { timeout: 120_000 });
  const rates = await Promise.all(Array.from({ length: count }, run));
  return rates.reduce((sum, { stdout }) => sum + Number(stdout), 0);
}

if (process.argv[2] === 'job') {
  const [workers, shards, from] = process.argv.slice(3).map(Number);
  console.log(await job(workers, shards, from));
} else {
  const shards = option('--shards', 2);
  const rates = { 'one thread': [], 'two copies': [], 'two threads': [] };
  for (let round = 0; round < option('--rounds', 3); round++) {
    rates['one thread'].push(await copies(1, 1, shards));
    rates['two copies'].push(await copies(2, 1, shards));
    rates['two threads'].push(await copies(1, 2, shards));
  }
  const ratios = rates['two threads'].map((rate, round) => rate / rates['two copies'][round]).sort((a, b) => a - b);
  const ratio = { median: ratios[ratios.length >> 1], lowest: ratios[0], highest: ratios.at(-1) };
  console.log(JSON.stringify({ job: `PGD-10 training, small-cnn 16-32-32, 64 a batch in ${shards} shards`, stepsPerSecond: rates, 'two threads / two copies': ratio }));
}
