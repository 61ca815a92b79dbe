import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { evaluation } from '@robustjs/core';
import { memory, tensor } from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import {
  type Arm, imageClassification, loadNetwork, openData, parseRecipe, readEntryWithExamples, type RunEvent, runRecipe, startRuntime,
} from '../../src/index.ts';

// As tier smoke, with less of everything.
const tiny = (index: number): Arm => {
  const { id, recipe } = imageClassification.arms('smoke')[index]!;
  const { training, evaluation: asked, data } = recipe;
  const curve = { ...asked.curve!, examples: 4 };
  return {
    id,
    recipe: parseRecipe({ ...recipe, tier: 'custom', data: { ...data, train: 64, validation: 16 }, training: { ...training, batchSize: 16 }, evaluation: { ...asked, clean: 16, attacked: 8, curve, checks: 'quick' } }),
  };
};

const folders: string[] = [];
const folder = (): string => {
  const path = mkdtempSync(join(tmpdir(), 'robustjs-run-'));
  folders.push(path);
  return path;
};

beforeAll(async () => {
  await startRuntime('wasm');
});
afterAll(() => folders.forEach((path) => rmSync(path, { recursive: true })));

const bytes = (outDir: string, id: string): Record<string, Buffer> =>
  Object.fromEntries(['entries', 'networks'].flatMap((part) => readdirSync(join(outDir, part)).filter((name) => name.startsWith(id)).map((name) => [name, readFileSync(join(outDir, part, name))])));

describe('runRecipe', () => {
  const arm = tiny(3);
  let whole: string;

  beforeAll(async () => {
    whole = folder();
    const before = memory().numTensors;
    await runRecipe(arm, { outDir: whole });
    expect(memory().numTensors).toBe(before);
  });

  it('writes an entry that agrees with the outcomes beside it', async () => {
    const { entry, examples } = await readEntryWithExamples(join(whole, 'entries', `${arm.id}.json`));
    expect(entry.clean).toMatchObject({ correct: examples.filter(({ clean }) => clean).length, n: 16 });
    for (const [i, { robust, threat }] of entry.evaluations.entries()) {
      const attacked = examples.filter(({ outcomes }) => outcomes.length > 0);
      expect(attacked.every(({ outcomes }) => outcomes[i]!.eps === threat.eps)).toBe(true);
      expect(robust).toMatchObject({ correct: attacked.filter(({ outcomes }) => outcomes[i]!.robust).length, n: 8 });
    }
    expect(entry.training).toMatchObject({ recipe: arm.recipe, steps: 8, seed: 0 });
    expect(readdirSync(join(whole, 'entries')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
  });

  it('stores a network that predicts what the entry says', async () => {
    const { examples } = await readEntryWithExamples(join(whole, 'entries', `${arm.id}.json`));
    const { test } = await openData(arm.recipe.data);
    const { model, deployedRoute, recipe } = await loadNetwork(readFileSync(join(whole, 'networks', `${arm.id}.safetensors`)));
    expect(recipe).toEqual(arm.recipe);
    const rows = examples.map(({ id }) => test.ids.indexOf(id));
    const x = tensor(await test.read(rows), [rows.length, ...test.inputShape]);
    const logits = model.forward(x, evaluation(deployedRoute));
    const values = (await logits.array()) as number[][];
    expect(values.map((row) => row.indexOf(Math.max(...row)))).toEqual(examples.map(({ predicted }) => predicted));
    x.dispose();
    logits.dispose();
    model.dispose();
  });

  it('keeps what is complete and says so', async () => {
    const before = bytes(whole, arm.id);
    const events: RunEvent[] = [];
    await runRecipe(arm, { outDir: whole, onEvent: (event) => events.push(event) });
    expect(events.map(({ kind }) => kind)).toEqual(['start', 'done']);
    expect(events.at(-1)).toMatchObject({ kept: true });
    expect(bytes(whole, arm.id)).toEqual(before);
  });

  it('refuses to overwrite the entry of another recipe', async () => {
    const other: Arm = { id: arm.id, recipe: parseRecipe({ ...arm.recipe, seed: 1 }) };
    await expect(runRecipe(other, { outDir: whole })).rejects.toMatchObject({ code: 'RJS_RUN_FOLDER' });
  });

  it('goes on where it was stopped, in training and in evaluation, to the same bytes', async () => {
    const outDir = folder();
    const before = memory().numTensors;
    const stopAt = async (stage: string, least: number): Promise<void> => {
      const stop = new AbortController();
      const onEvent = (event: RunEvent): void => {
        if (event.kind === 'progress' && event.stage.startsWith(stage) && event.done >= least) stop.abort();
      };
      await expect(runRecipe(arm, { outDir, signal: stop.signal, onEvent })).rejects.toMatchObject({ code: 'RJS_ABORTED' });
    };
    await stopAt('training', 3);
    await stopAt('pgd at 0.2', 1);
    expect(existsSync(join(outDir, 'entries', `${arm.id}.json`))).toBe(false);
    await runRecipe(arm, { outDir });
    expect(bytes(outDir, arm.id)).toEqual(bytes(whole, arm.id));
    expect(memory().numTensors).toBe(before);
  });

  it('says which entry is damaged', async () => {
    const outDir = folder();
    await runRecipe(arm, { outDir });
    const path = join(outDir, 'entries', `${arm.id}.json`);
    truncateSync(path, 100);
    await expect(runRecipe(arm, { outDir })).rejects.toMatchObject({ code: 'RJS_ENTRY', message: expect.stringContaining(path) as string });
  });
});

describe('loadNetwork', () => {
  it('refuses files that are not ours', async () => {
    const { encodeSafetensors } = await import('@robustjs/nn');
    const foreign = encodeSafetensors({ tensors: new Map([['w', { shape: [1], values: Float32Array.of(1) }]]), metadata: {} });
    await expect(loadNetwork(foreign)).rejects.toMatchObject({ code: 'RJS_NETWORK_FILE' });
    await expect(loadNetwork(new Uint8Array(20))).rejects.toMatchObject({ code: 'RJS_SAFETENSORS' });
  });
});

describe('startRuntime', () => {
  it('names the runtimes there are when asked for another', async () => {
    await expect((async () => startRuntime('toString'))()).rejects.toMatchObject({ code: 'RJS_RUNTIME' });
  });
});

