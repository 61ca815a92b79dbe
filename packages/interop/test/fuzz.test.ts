import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { evaluation, type RandomStream, randomStream, RobustError } from '@robustjs/core';
import { startWasm } from '@robustjs/backend-wasm';
import { tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openModel } from '../src/index.ts';
import { graphFile, layersFile, type ModelFile, temporaryFolder } from './support.ts';

const ROUNDS = 80;
const SLOW = 5000;

const W = [[1, -2, 0.5], [0, 1, -1], [2, 0, 0], [-1, 1, 1]];
const files: Readonly<Record<string, ModelFile>> = { layers: layersFile(W, [0.1, 0.2, -0.3]), graph: graphFile(W, [0.1, 0.2, -0.3]) };
const folder = temporaryFolder();

beforeAll(async () => {
  await startWasm();
});

/** Cuts, flips a bit, overwrites a byte, repeats or removes a stretch. */
function damage(bytes: Uint8Array, stream: RandomStream): Uint8Array {
  const [kind = 0, where = 0, what = 0, length = 0] = stream.uniform(4);
  const at = Math.floor(where * bytes.length);
  const end = Math.min(bytes.length, at + 1 + Math.floor(length * 32));
  if (kind < 0.3) return bytes.slice(0, at);
  if (kind < 0.6) return bytes.map((byte, i) => (i === at ? byte ^ (1 << Math.floor(what * 8)) : byte));
  if (kind < 0.8) return bytes.map((byte, i) => (i === at ? Math.floor(what * 256) : byte));
  return Uint8Array.from(Buffer.concat(kind < 0.9 ? [bytes.subarray(0, end), bytes.subarray(at)] : [bytes.subarray(0, at), bytes.subarray(end)]));
}

// What a value of a JSON file could be turned into.
const NASTY: readonly unknown[] = [
  null, -1, 0, 1.5, 1e9, 2 ** 31, 1e300, '', 'NaN', [], {}, true, '../weights.bin', '/etc/hostname', 'file:///etc/hostname', 'http://localhost:1/w', '%2e%2e/weights.bin',
  'C:\\weights.bin', 'weights.bin\0', '__proto__', [1e9, 1e9], [-1, -1], [null], 'string', 'complex64', 'int32', 'float16', 'Softmax', 'constructor',
];

/** The document with one of its values turned into something else, or taken out. */
function twisted(json: unknown, stream: RandomStream): unknown {
  const copy = structuredClone(json);
  const places: [Record<string, unknown>, string][] = [];
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, part] of Object.entries(value)) {
      places.push([value as Record<string, unknown>, key]);
      walk(part);
    }
  };
  walk(copy);
  const [where = 0, what = 0] = stream.uniform(2);
  const [parent, key] = places[Math.floor(where * places.length)]!;
  if (what < 0.1) delete parent[key];
  else parent[key] = NASTY[Math.floor(((what - 0.1) / 0.9) * NASTY.length)];
  return copy;
}

/** Opens each damaged model: a coded error, or a model that answers with finite numbers; and soon. */
async function fuzz(name: string, damaged: (stream: RandomStream) => { json: Uint8Array | string; weights: Uint8Array }): Promise<{ refused: number; opened: number }> {
  const outcome = { refused: 0, opened: 0 };
  for (let round = 0; round < ROUNDS; round++) {
    const place = join(folder, `${name}-${round}`);
    const { json, weights } = damaged(randomStream(round).split('fuzz', name));
    mkdirSync(place, { recursive: true });
    writeFileSync(join(place, 'model.json'), json);
    writeFileSync(join(place, 'weights.bin'), weights);
    const start = performance.now();
    try {
      await answers(join(place, 'model.json'));
      outcome.opened += 1;
    } catch (error) {
      if (!(error instanceof RobustError)) throw new Error(`round ${round} of ${name} threw another error`, { cause: error });
      outcome.refused += 1;
    }
    expect(performance.now() - start, `round ${round} of ${name}`).toBeLessThan(SLOW);
  }
  return outcome;
}

async function answers(path: string): Promise<void> {
  const { model, classes, weights } = await openModel(path);
  for (const weight of weights.values()) expect(weight.dtype === 'float32' ? (await weight.data()).every(Number.isFinite) : true).toBe(true);
  const image = tensor(new Float32Array(model.inputShape.reduce((a, b) => a * b, 1)).fill(0.5), [1, ...model.inputShape]);
  const output = model.forward(image, evaluation());
  expect(output.shape).toEqual([1, classes]);
  image.dispose();
  output.dispose();
  model.dispose();
}

describe.each(Object.entries(files))('a damaged model: %s', (name, { json, weights }) => {
  const text = JSON.stringify(json);

  it('opens undamaged', async () => {
    expect(await fuzz(`${name}-whole`, () => ({ json: text, weights }))).toEqual({ refused: 0, opened: ROUNDS });
  });

  it('bytes of model.json', async () => {
    const { refused } = await fuzz(`${name}-json`, (stream) => ({ json: damage(new TextEncoder().encode(text), stream), weights }));
    expect(refused).toBeGreaterThan(ROUNDS / 2);
  });

  it('values in model.json', async () => {
    for (const part of ['a', 'b', 'c']) await fuzz(`${name}-values-${part}`, (stream) => ({ json: JSON.stringify(twisted(json, stream)), weights }));
  });

  it('weights cut off or too long', async () => {
    const cut = await fuzz(`${name}-weights`, (stream) => ({ json: text, weights: weights.slice(0, Math.floor(stream.uniform(1)[0]! * weights.length)) }));
    expect(cut).toEqual({ refused: ROUNDS, opened: 0 });
    const long = await fuzz(`${name}-long`, (stream) => ({ json: text, weights: Uint8Array.from([...weights, ...new Uint8Array(1 + Math.floor(stream.uniform(1)[0]! * 99))]) }));
    expect(long).toEqual({ refused: ROUNDS, opened: 0 });
  });

  it('weights that are not finite', async () => {
    const outcome = await fuzz(`${name}-nan`, (stream) => {
      const values = new Float32Array(weights.slice().buffer);
      const [where = 0, which = 0] = stream.uniform(2);
      values[Math.floor(where * 15)] = [NaN, Infinity, -Infinity][Math.floor(which * 3)]!;
      return { json: text, weights: new Uint8Array(values.buffer) };
    });
    expect(outcome).toEqual({ refused: ROUNDS, opened: 0 });
  });
});
