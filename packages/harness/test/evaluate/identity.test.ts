import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWasm } from '@robustjs/backend-wasm';
import { type Model, modelOf } from '@robustjs/core';
import { memoryDataset } from '@robustjs/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatasetEvaluationOptions, type Evaluable, evaluateDataset, suiteNamed } from '../../src/evaluate/index.ts';
import { SHAPE, stripes } from './fixtures.ts';

const root = mkdtempSync(join(tmpdir(), 'robustjs-identity-'));
afterAll(() => rmSync(root, { recursive: true }));
beforeAll(() => startWasm());

const { images, labels } = stripes(12);
const dataset = memoryDataset({ id: 'stripes', split: 'test', inputShape: SHAPE, classes: 3, images, labels });
const thirds: Model = modelOf((x) => tf.tidy(() => tf.mean(tf.reshape(x, [-1, 3, 12]), 2)), { inputShape: SHAPE });
const options = { eps: 0.05, attacks: [{ id: 'fgsm' }], checks: 'quick', curve: false } as const;
const opened = (sha256: string): Evaluable => ({ model: thirds, weights: new Map(), sha256 });
const source = (identity: unknown, setup = 'here'): Partial<DatasetEvaluationOptions> => ({ source: { module: 'none', setup, identity } });

describe('what a folder of results is known by', () => {
  it.each([
    ['the files of a model whose weights cannot be seen', opened('a'), source({}), opened('b'), source({}), 'model'],
    ['how a model was opened', opened('a'), source({ preprocessing: { scale: 1 } }), opened('a'), source({ preprocessing: { scale: 2 } }), 'model'],
    ['which operations are passed straight through', opened('a'), source({ straightThrough: ['Round'] }), opened('a'), source({ straightThrough: ['Sign'] }), 'model'],
    ['the network without its defense', opened('a'), { backbone: opened('x') }, opened('a'), { backbone: opened('y') }, 'others'],
  ] as const)('%s', async (_, first, one, second, other, field) => {
    const folder = mkdtempSync(join(root, 'of-'));
    const { entry } = await evaluateDataset(first, dataset, { ...options, ...one, folder });
    expect((await evaluateDataset(first, dataset, { ...options, ...one, folder })).entry).toEqual(entry);
    const another = evaluateDataset(second, dataset, { ...options, ...other, folder });
    await expect(another).rejects.toMatchObject({ code: 'RJS_EVALUATE_FOLDER' });
    await expect(another).rejects.toThrow(field);
  });

  it('is not where the files lie, as long as they can be seen', async () => {
    const folder = mkdtempSync(join(root, 'moved-'));
    const { entry } = await evaluateDataset(opened('a'), dataset, { ...options, ...source({}, 'here'), folder });
    expect((await evaluateDataset(opened('a'), dataset, { ...options, ...source({}, 'there'), folder })).entry).toEqual(entry);
  });
});

describe('versions in a record', () => {
  it('are those of every package that took part', async () => {
    const version = (name: string): string => (createRequire(import.meta.url)(`@robustjs/${name}/package.json`) as { version: string }).version;
    const { versions } = await suiteNamed('standard', 'Linf');
    const { entry } = await evaluateDataset(thirds, dataset, { ...options, versions: { ...versions } });
    expect(entry.versions).toEqual({
      core: version('core'), attacks: version('attacks'), harness: version('harness'), backend: version('backend-wasm'), autoattack: version('autoattack'), tfjs: tf.version_core,
    });
  });
});
