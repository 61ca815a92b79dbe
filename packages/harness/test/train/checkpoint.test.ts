import { copyFile, readdir, readFile, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { startWasm } from '@robustjs/backend-wasm';
import { namedVariable } from '@robustjs/nn';
import { memory, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { type Checkpoint, loadCheckpoint, readVariables, saveCheckpoint, writeVariables } from '../../src/train/checkpoint.ts';
import { temporaryFolders } from './support.ts';

beforeAll(() => startWasm());
const temporary = temporaryFolders();
const LATEST = 'checkpoint.safetensors';

const checkpoint = (state: string): Checkpoint => ({
  recipeHash: 'abc',
  state,
  tensors: new Map([['weights/w', { shape: [2], values: Float32Array.of(0.1, -3e-39) }]]),
});

it('gives back what was stored, to the bit, subnormal numbers included', async () => {
  const folder = join(await temporary(), 'made', 'on', 'demand');
  await saveCheckpoint(folder, checkpoint('one'));
  expect(await loadCheckpoint(folder, 'abc')).toEqual(checkpoint('one'));
});

it('keeps the one before, and falls back to it when the latest is cut off at any byte', async () => {
  const folder = await temporary();
  await saveCheckpoint(folder, checkpoint('one'));
  await saveCheckpoint(folder, checkpoint('two'));
  expect((await loadCheckpoint(folder, 'abc'))?.state).toBe('two');
  const whole = await readFile(join(folder, LATEST));
  for (let size = 0; size < whole.length; size += 7) {
    await writeFile(join(folder, LATEST), whole.subarray(0, size));
    expect((await loadCheckpoint(folder, 'abc'))?.state, `${size} bytes`).toBe('one');
  }
});

it('notices any altered byte', async () => {
  const folder = await temporary();
  await saveCheckpoint(folder, checkpoint('one'));
  await saveCheckpoint(folder, checkpoint('two'));
  const whole = await readFile(join(folder, LATEST));
  for (let at = 0; at < whole.length; at++) {
    const altered = Uint8Array.from(whole);
    altered[at]! ^= 1;
    await writeFile(join(folder, LATEST), altered);
    const found = await loadCheckpoint(folder, 'abc');
    // Spaces that pad the header may turn into something else that JSON does not mind: never into other content.
    expect([checkpoint('one'), checkpoint('two')], `byte ${at}`).toContainEqual(found);
  }
});

it('has nothing to give where there is nothing, or nothing whole', async () => {
  const folder = await temporary();
  expect(await loadCheckpoint(folder, 'abc')).toBeUndefined();
  await saveCheckpoint(folder, checkpoint('one'));
  await truncate(join(folder, LATEST), 20);
  expect(await loadCheckpoint(folder, 'abc')).toBeUndefined();
});

it('passes over a file that was being written, and clears it away', async () => {
  const folder = await temporary();
  await saveCheckpoint(folder, checkpoint('one'));
  await copyFile(join(folder, LATEST), join(folder, `${LATEST}.tmp`));
  expect((await loadCheckpoint(folder, 'abc'))?.state).toBe('one');
  expect(await readdir(folder)).toEqual([LATEST]);
});

it('refuses the checkpoint of another recipe', async () => {
  const folder = await temporary();
  await saveCheckpoint(folder, checkpoint('one'));
  await expect(loadCheckpoint(folder, 'def')).rejects.toMatchObject({ code: 'RJS_CHECKPOINT', message: expect.stringMatching(/recipe def.*recipe abc.*delete/s) as string });
});

it('sets all variables or none', async () => {
  const before = memory().numTensors;
  const variables = [namedVariable('weights/w', tensor([7, 7])), namedVariable('weights/missing', tensor([7]))];
  expect(() => writeVariables(variables, checkpoint(''))).toThrow(/'weights\/missing' of shape \[1\], got none/);
  expect([...(await variables[0]!.variable.data())]).toEqual([7, 7]);
  writeVariables(variables.slice(0, 1), checkpoint(''));
  expect((await readVariables(variables.slice(0, 1))).get('weights/w')!.values).toEqual(Float32Array.of(0.1, -3e-39));
  variables.forEach(({ variable }) => variable.dispose());
  expect(memory().numTensors).toBe(before);
});
