import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startWasm } from '@robustjs/backend-wasm';
import { type Model, modelOf, randomStream } from '@robustjs/core';
import { type Dataset, memoryDataset } from '@robustjs/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type DatasetEvaluationOptions, type Evaluated, evaluate, evaluateDataset, suiteNamed } from '../../src/evaluate/index.ts';
import { startRuntime } from '../../src/run/runtime.ts';

beforeAll(() => startWasm());

describe('a suite with Square', () => {
  // Nothing may be computed: a forward pass of more than the one image of the probe is an error here.
  const counting = (inputShape: number[]) => modelOf((x) => {
    if (x.shape[0] > 1) throw new Error('computed');
    return tf.tidy(() => tf.matMul(tf.reshape(x, [1, -1]), tf.ones([8, 2])));
  }, { inputShape });

  it.each([['vectors', [8]], ['clips', [2, 2, 2, 1]], ['grey images without channels', [4, 2]]])('refuses %s before anything is computed', async (_, inputShape) => {
    for (const name of ['standard', 'plus']) {
      const { attacks, mode } = await suiteNamed(name, 'Linf');
      const refused = evaluate(counting(inputShape), new Float32Array(32), [0, 0, 0, 0], { eps: 0.1, attacks, mode });
      await expect(refused).rejects.toMatchObject({ code: 'RJS_EVALUATE_OPTION', message: expect.stringMatching(/images \[H, W, C\] for Square/) as string });
    }
  });

  it('is not asked of vectors by default, also where the model only predicts', async () => {
    const predict = (x: tf.Tensor): tf.Tensor => tf.tidy(() => tf.matMul(tf.reshape(x, [x.shape[0], -1]), tf.tensor2d([[1, -1], [-1, 1]])));
    const images = Float32Array.from({ length: 16 }, (_, i) => (i % 2 === 0 ? 0.6 : 0.5));
    const model = { ...modelOf(predict, { inputShape: [2] }), differentiable: false };
    const entry = await evaluate(model, images, new Array<number>(8).fill(0), { eps: 0.1, checks: 'quick', curve: false });
    // The margin is 0.2 and an attacker moves it by 0.4.
    expect(entry.evaluations[0]!.attacks.map(({ id }) => id)).toEqual(['noise', 'nes']);
    expect(entry.evaluations[0]!.robust.correct).toBe(0);
  });
});

// Threads run the built package, as users do.
const built = existsSync(new URL('../../dist/evaluate/engine/replica.js', import.meta.url));

describe.skipIf(!built)('the versions of AutoAttack by name', () => {
  const COUNT = 12;
  const module = new URL('tiny-subject.mjs', import.meta.url).href;
  let evaluable: Model;
  const images = randomStream(2).split('images').uniform(COUNT * 16);
  const root = mkdtempSync(join(tmpdir(), 'robustjs-suites-'));
  let dataset: Dataset;
  let runtime: Awaited<ReturnType<typeof startRuntime>>;

  beforeAll(async () => {
    runtime = await startRuntime('wasm');
    const subject = (await import(module)) as { openSubject(setup: object): { evaluable: Model }; SHAPE: number[] };
    const { SHAPE } = subject;
    evaluable = subject.openSubject({ seed: 1 }).evaluable;
    const logits = evaluable.forward(tf.tensor(images, [COUNT, ...SHAPE]), {} as never);
    dataset = memoryDataset({ id: 'tiny', split: 'test', inputShape: SHAPE, classes: 3, images, labels: Array.from(await tf.argMax(logits, 1).data()) });
  });
  afterAll(() => rmSync(root, { recursive: true }));

  const run = (suite: Pick<DatasetEvaluationOptions, 'attacks' | 'mode' | 'randomized'>, more: Partial<DatasetEvaluationOptions> = {}): Promise<Evaluated> =>
    evaluateDataset(evaluable, dataset, { eps: 0.06, ...suite, checks: 'quick', curve: false, batchSize: 6, runtime, source: { module, setup: { seed: 1 } }, ...more });
  /** What is stored, to the bit. */
  const bytes = ({ entry, examples, adversarial }: Evaluated): string => JSON.stringify([entry, examples, adversarial.map(({ values }) => Array.from(values))]);

  // The cascades of the authors' code, and the same with few steps.
  const versions = [
    ['standard', ['apgd-ce', 'apgd-t', 'fab-t', 'square'], false],
    ['plus', ['apgd-ce', 'apgd-dlr', 'fab', 'square', 'apgd-t', 'fab-t'], false],
    ['rand', ['apgd-ce', 'apgd-dlr'], true],
  ] as const;
  const short = (ids: readonly string[], randomized: boolean) =>
    ({ mode: 'cascade', randomized, attacks: ids.map((id) => ({ id, options: id === 'square' ? { queries: 20 } : { steps: 6, ...(randomized && { eot: 3 }) } })) }) as const;

  // At a budget at which everything falls to the first member, so that a hundred steps cost little; the members come from the package in every thread.
  it.each(versions)('%s gives the same bytes with one thread and with two', async (name, ids, randomized) => {
    const suite = await suiteNamed(name, 'Linf');
    const one = await run(suite, { eps: 0.5, suite: name });
    const [{ attacks, robust }] = one.entry.evaluations as [Evaluated['entry']['evaluations'][number]];
    expect(attacks.map(({ id }) => id)).toEqual(ids);
    expect(one.entry.protocol).toMatchObject({ suite: name, mode: 'cascade', randomized });
    expect([robust.correct, attacks[0]!.brokenAlone]).toEqual([0, COUNT]);
    expect(bytes(await run(suite, { eps: 0.5, suite: name, workers: 2 }))).toBe(bytes(one));
  }, 60_000);

  it.each(versions)('%s with few steps does, where some examples fall and some stand', async (_, ids, randomized) => {
    const one = await run(short(ids, randomized));
    const [{ attacks, robust }] = one.entry.evaluations as [Evaluated['entry']['evaluations'][number]];
    expect(robust.correct).toBeGreaterThan(0);
    expect(robust.correct).toBeLessThan(COUNT);
    expect(attacks.at(-1)!.rows).toBeGreaterThan(0);
    expect(bytes(await run(short(ids, randomized), { workers: 2 }))).toBe(bytes(one));
  }, 60_000);

  it('standard stopped between jobs goes on to the same bytes', async () => {
    const suite = short(versions[0][1], false);
    const whole = await run(suite);
    const folder = join(root, 'stopped');
    for (const stopAfter of [2, 5, 9]) {
      const stop = new AbortController();
      let done = 0;
      const stopped = run(suite, { folder, signal: stop.signal, onProgress: () => (++done >= stopAfter ? stop.abort() : undefined) });
      await expect(stopped).rejects.toMatchObject({ code: 'RJS_ABORTED' });
    }
    expect(bytes(await run(suite, { folder }))).toBe(bytes(whole));
  }, 60_000);
});
