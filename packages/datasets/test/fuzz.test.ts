import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { type RandomStream, randomStream, RobustError } from '@robustjs/core';
import { describe, expect, test } from 'vitest';
import { type Dataset, loadCifar10, loadImageFolder, loadMnist, loadNpyFolder, parseIdx, parseNpy, type Pools, writeNpy } from '../src/index.ts';
import { parseDigits } from '../src/node/mnist-digits.ts';
import { idx, jpeg, png, range, tar, temporaryFolder, writeFiles } from './fixtures.ts';

const folder = await temporaryFolder();
const ROUNDS = 120;

/** Cuts a file, flips a bit, overwrites a byte, repeats or removes a stretch: one damage a round, all over the file. */
function damage(bytes: Uint8Array, stream: RandomStream): Uint8Array {
  const [kind = 0, where = 0, what = 0, length = 0] = stream.uniform(4);
  const at = Math.floor(where * bytes.length);
  const end = Math.min(bytes.length, at + 1 + Math.floor(length * 64));
  if (kind < 0.3) return bytes.slice(0, at);
  if (kind < 0.7) return bytes.map((byte, i) => (i === at ? byte ^ (1 << Math.floor(what * 8)) : byte));
  if (kind < 0.8) return bytes.map((byte, i) => (i === at ? Math.floor(what * 256) : byte));
  return Uint8Array.from(Buffer.concat(kind < 0.9 ? [bytes.subarray(0, end), bytes.subarray(at)] : [bytes.subarray(0, at), bytes.subarray(end)]));
}

/** Damages a file in many ways; each must give a coded error or a result that passes `check`. */
async function fuzz(name: string, bytes: Uint8Array, run: (damaged: Uint8Array) => Promise<void>): Promise<{ refused: number; read: number }> {
  const outcome = { refused: 0, read: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const damaged = damage(bytes, randomStream(round).split('fuzz', name));
    try {
      await run(damaged);
      outcome.read += 1;
    } catch (error) {
      if (!(error instanceof RobustError)) throw new Error(`round ${round} of ${name} threw another error`, { cause: error });
      outcome.refused += 1;
    }
  }
  return outcome;
}

async function checkPools(pools: Pools): Promise<void> {
  for (const pool of [pools.train, pools.validation, pools.test]) if (pool !== undefined) await checkDataset(pool);
}

async function checkDataset(dataset: Dataset): Promise<void> {
  const size = dataset.inputShape.reduce((a, b) => a * b, 1);
  const values = await dataset.read(range(dataset.size));
  expect(values.length).toBe(dataset.size * size);
  expect(values.every((value) => value >= 0 && value <= 1)).toBe(true);
  expect(dataset.labels.every((label) => label >= 0 && label < dataset.classes)).toBe(true);
}

describe('a damaged file gives a coded error or a sound result', () => {
  const images = Uint8Array.from(range(6 * 16), (i) => (i * 37) % 256);
  const idxFiles = {
    'train-images-idx3-ubyte': idx([6, 4, 4], images),
    'train-labels-idx1-ubyte': idx([6], [0, 1, 2, 3, 4, 5]),
    't10k-images-idx3-ubyte': idx([1, 4, 4], images.subarray(0, 16)),
    't10k-labels-idx1-ubyte': idx([1], [9]),
  };

  test.each(['train-images-idx3-ubyte', 'train-labels-idx1-ubyte'] as const)('IDX: %s', async (name) => {
    const place = join(folder, name);
    const outcome = await fuzz(name, idxFiles[name], async (damaged) => {
      await checkPools(await loadMnist({ dataDir: await writeFiles(place, { ...idxFiles, [name]: damaged }) }));
    });
    expect(outcome.refused).toBeGreaterThan(ROUNDS / 3);
  });

  test('IDX in gzip', async () => {
    const { 'train-images-idx3-ubyte': plain, ...rest } = idxFiles;
    const place = join(folder, 'gzip');
    const outcome = await fuzz('gzip', gzipSync(plain), async (damaged) => {
      await checkPools(await loadMnist({ dataDir: await writeFiles(place, { ...rest, 'train-images-idx3-ubyte.gz': damaged }) }));
    });
    // All of gzip's data is under a checksum.
    expect(outcome.refused).toBeGreaterThan(ROUNDS * 0.8);
  });

  test('IDX and .npy in memory', async () => {
    await fuzz('parse idx', idxFiles['train-images-idx3-ubyte'], async (damaged) => {
      const { shape, values } = parseIdx(damaged, 'a');
      expect(values.length).toBe(shape.reduce((a, b) => a * b, 1));
    });
    await fuzz('parse npy', writeNpy(Float32Array.from(range(12)), [3, 4]), async (damaged) => {
      const { shape, values } = parseNpy(damaged, 'a');
      expect(values.length).toBe(shape.reduce((a, b) => a * b, 1));
    });
  });

  test.each(['train-images.npy', 'train-labels.npy'] as const)('.npy: %s', async (name) => {
    const files = { 'train-images.npy': writeNpy(Float32Array.from(range(24), (i) => i / 24), [6, 2, 2, 1]), 'train-labels.npy': writeNpy(Int32Array.from(range(6)), [6]) };
    const place = join(folder, name);
    await fuzz(name, files[name], async (damaged) => {
      await checkPools(await loadNpyFolder({ dataDir: await writeFiles(place, { ...files, [name]: damaged }), classes: 10 }));
    });
  });

  const imageFiles = async (): Promise<Record<string, Uint8Array>> => ({
    'train/a/1.png': await png(images.slice(0, 48), 4, 4, 3),
    'train/b/1.jpg': await jpeg(4, [10, 200, 90]),
    'test/a/1.png': await png(images.slice(48), 4, 4, 3),
  });

  test.each(['train/a/1.png', 'train/b/1.jpg'])('image %s', async (name) => {
    const files = await imageFiles();
    const place = join(folder, name.replaceAll('/', '-'));
    const outcome = await fuzz(name, files[name]!, async (damaged) => {
      await checkPools(await loadImageFolder({ dataDir: await writeFiles(place, { ...files, [name]: damaged }) }));
    });
    expect(outcome.refused).toBeGreaterThan(ROUNDS / 4);
  });

  test.each(['tar', 'tar.gz'])('%s of images', async (kind) => {
    const packed = await tar(Object.entries(await imageFiles()).map(([name, content]) => ({ name, content })));
    const outcome = await fuzz(kind, kind === 'tar' ? packed : gzipSync(packed), async (damaged) => {
      await checkPools(await loadImageFolder({ dataDir: join(await writeFiles(folder, { [`fuzzed.${kind}`]: damaged }), `fuzzed.${kind}`) }));
    });
    expect(outcome.refused).toBeGreaterThan(ROUNDS / 4);
  });

  test("CIFAR-10's archive", async () => {
    const record = (label: number): Uint8Array => Uint8Array.from({ length: 3073 }, (_, i) => (i === 0 ? label : (i * 31) & 255));
    const names = [...range(5).map((i) => `data_batch_${i + 1}.bin`), 'test_batch.bin'];
    const packed = await tar(names.map((name, i) => ({ name: `cifar-10-batches-bin/${name}`, content: record(i) })));
    await fuzz('cifar', packed, async (damaged) => {
      await checkPools(await loadCifar10({ dataDir: join(await writeFiles(folder, { 'cifar.tar': damaged }), 'cifar.tar'), examplesPerFile: 1 }));
    });
  });

  test('digits as JSON', async () => {
    const text = JSON.stringify({ data: range(784).map((i) => Math.round(((i % 256) / 255) * 1000) / 1000) });
    await fuzz('json', new TextEncoder().encode(text), async (damaged) => {
      expect(parseDigits(new TextDecoder().decode(damaged), 'a').length % 784).toBe(0);
    });
  });
});
