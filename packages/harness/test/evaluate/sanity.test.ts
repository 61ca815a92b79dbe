import { fgsm, noise, pgd } from '@robustjs/attacks';
import { startWasm } from '@robustjs/backend-wasm';
import { type Attack, evaluation, linf, MAIN, type Model, modelOf } from '@robustjs/core';
import { memoryDataset } from '@robustjs/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Entry, evaluate, type EvaluateOptions } from '../../src/evaluate/index.ts';
import { AttackBook, type AttackRef } from '../../src/evaluate/engine/attack-ref.ts';
import { localExecutor } from '../../src/evaluate/engine/executor.ts';
import { jobsOf } from '../../src/evaluate/engine/jobs.ts';
import { isAllowed } from '../../src/evaluate/recheck.ts';
import { noSilentSuccess } from '../../src/evaluate/sanity/attack-checks.ts';
import { SHAPE, stripes, through, trainedModel } from './fixtures.ts';

let model: Model;
const { images, labels } = stripes(60);
const OPTIONS: EvaluateOptions = { checks: 'quick', eps: 0.15, attacks: [noise({ draws: 20 }), fgsm(), pgd({ steps: 10 })], curve: false };

beforeAll(async () => {
  await startWasm();
  model = await trainedModel();
});
afterAll(() => model.dispose());

const failed = (entry: Entry): string[] => entry.sanity.filter(({ status }) => status === 'fail').map(({ id }) => id);
const check = (entry: Entry, id: string): Entry['sanity'][number] => entry.sanity.find((one) => one.id === id)!;

// The fixtures of section 8 of the evaluation protocol.
describe('models that fool attacks', () => {
  it('a constant classifier has no gradient and cannot be broken', async () => {
    const constant = modelOf((x) => tf.add(tf.mul(tf.sum(tf.reshape(x, [-1, 36]), 1, true), 0), tf.tensor2d([[2, 0, 0]])), { inputShape: SHAPE });
    const entry = await evaluate(constant, images, labels, OPTIONS);
    expect(failed(entry)).toEqual(['S06', 'S20']);
    expect(entry.unreliable).toBe(true);
    expect(entry.refused).toBeUndefined();
    expect(check(entry, 'S20').value).toBe(1);
    // A third of the labels are 0.
    expect(entry.evaluations[0]!.robust.correct).toBe(20);
  });

  it('logits times 10000 saturate cross-entropy, not the margin', async () => {
    const entry = await evaluate(through(model, (x, logitsOf) => tf.mul(logitsOf(x), 1e4)), images, labels, OPTIONS);
    expect(check(entry, 'S06').status).toBe('fail');
    expect(check(entry, 'S06').note).toMatch(/0\.0 % under margin/);
    expect(check(entry, 'S20').status).toBe('pass');
    expect(entry.unreliable).toBe(true);
  });

  it('noise on the input is not deterministic', async () => {
    let seed = 0;
    const noisy = through(model, (x, logitsOf) => logitsOf(tf.add(x, tf.randomNormal(x.shape, 0, 0.1, 'float32', ++seed))));
    const entry = await evaluate(noisy, images, labels, OPTIONS);
    expect(failed(entry)).toContain('S02');
    expect(entry.model.stochastic).toBe(true);
    expect(entry.refused).toMatch(/^S02/);
  });

  it('a softmax at the end is seen', async () => {
    const entry = await evaluate(through(model, (x, logitsOf) => tf.softmax(logitsOf(x))), images, labels, OPTIONS);
    expect(failed(entry)).toEqual(['S03']);
    expect(entry.refused).toMatch(/softmax/);
  });

  it('a step function stops the gradient', async () => {
    const entry = await evaluate(through(model, (x, logitsOf) => logitsOf(tf.div(tf.round(tf.mul(x, 8)), 8))), images, labels, OPTIONS);
    expect(check(entry, 'S06')).toMatchObject({ status: 'fail', value: 1 });
  });

  it('an operation without a gradient is found, attacked with zeros, and nothing leaks', async () => {
    const sorted = through(model, (x, logitsOf) => tf.add(logitsOf(x), tf.mul(tf.topk(tf.reshape(x, [-1, 36]), 3).values, 1e-3)));
    const before = tf.memory().numTensors;
    const entry = await evaluate(sorted, images, labels, OPTIONS);
    expect(tf.memory().numTensors).toBe(before);
    expect(failed(entry)).toEqual(expect.arrayContaining(['S05', 'S06']));
    expect(entry.refused).toMatch(/S05/);
    expect(entry.evaluations[0]!.attacks.length).toBe(3);
  });

  it('an output that nothing links to the input is found', async () => {
    const entry = await evaluate(modelOf((x) => tf.tile(tf.tensor2d([[2, 0, 0]]), [x.shape[0], 1]), { inputShape: SHAPE }), images, labels, OPTIONS);
    expect(failed(entry)).toEqual(['S05', 'S06', 'S20']);
  });

  it('an output that is the predicted class alone cannot be followed', async () => {
    const hard = modelOf((x) => tf.tidy(() => tf.oneHot(tf.argMax(model.forward(x, evaluation()), 1), 3, 5, 0, 'float32')), { inputShape: SHAPE });
    expect(failed(await evaluate(hard, images, labels, OPTIONS))).toEqual(expect.arrayContaining(['S06']));
  });

  it('a model that answers otherwise every fifth time is caught by several checks', async () => {
    let calls = 0;
    const fickle = through(model, (x, logitsOf) => tf.mul(logitsOf(x), ++calls % 5 === 0 ? -1 : 1));
    const entry = await evaluate(fickle, images, labels, OPTIONS);
    expect(failed(entry)).toEqual(expect.arrayContaining(['S02', 'S23']));
  });

  it('a deployed branch that hides its gradient is broken through the other branch', async () => {
    const hidden = through(model, (x, logitsOf) => logitsOf(tf.div(tf.round(tf.mul(x, 64)), 64)));
    const routed = (open: boolean): Model => ({
      ...model,
      branches: [MAIN, 'open'],
      forward: (x, pass) => (pass.route.kind === 'one' && pass.route.branch === 'open' && open ? model : hidden).forward(x, pass),
    });
    const entry = await evaluate(routed(true), images, labels, OPTIONS);
    expect(failed(entry)).toEqual(expect.arrayContaining(['S06', 'S16']));
    expect(check(await evaluate(routed(false), images, labels, OPTIONS), 'S16').status).toBe('pass');
  });

  it('weights that move while attacked are noticed', async () => {
    const weight = tf.variable(tf.scalar(0));
    const learning = {
      inputs: [{ shape: [null, ...SHAPE] }],
      getWeights: () => [weight],
      predict: (x: tf.Tensor) => {
        weight.assign(tf.tidy(() => tf.add(weight, 1)));
        return model.forward(x, evaluation());
      },
    };
    const entry = await evaluate(learning, images, labels, OPTIONS);
    expect(failed(entry)).toEqual(['S01']);
    weight.dispose();
  });

  it('a claim is held against what is measured', async () => {
    const { clean } = await evaluate(model, images, labels, OPTIONS);
    const accuracy = clean.correct / clean.n;
    expect(check(await evaluate(model, images, labels, { ...OPTIONS, claim: accuracy }), 'S04').status).toBe('pass');
    expect(check(await evaluate(model, images, labels, { ...OPTIONS, claim: accuracy - 0.02 }), 'S04').status).toBe('fail');
    expect(check(await evaluate(model, images, labels, { ...OPTIONS, claim: accuracy - 0.02, clean: labels.length - 1 }), 'S04').status).toBe('skipped');
  });
});

/** Sign steps of a tenth of eps from the clean input; `direction` -1 goes the wrong way. */
const signSteps = (direction: 1 | -1, end: 'stay' | 'return' = 'stay'): Attack => ({
  ...pgd({ steps: 10 }),
  id: 'sign-steps',
  config: { direction, end },
  async search(search) {
    let inputs = tf.clone(search.clean);
    for (let step = 0; step < 10; step++) {
      const gradient = search.gradient(inputs);
      const moved = tf.tidy(() => search.project(tf.add(inputs, tf.mul(tf.sign(gradient), (direction * search.threat.eps) / 10))));
      tf.dispose([inputs, gradient]);
      inputs = moved;
    }
    search.offer(inputs);
    if (end === 'return') search.offer(search.clean);
    inputs.dispose();
  },
});

describe('attacks that fail', () => {
  it('the wrong sign is weaker than one step', async () => {
    const entry = await evaluate(model, images, labels, { ...OPTIONS, attacks: [fgsm(), signSteps(-1)] });
    expect(failed(entry)).toEqual(['S13', 'S28']);
    expect(check(entry, 'S14').status).toBe('skipped');
  });

  it('the wrong sign is weaker than noise', async () => {
    const entry = await evaluate(model, images, labels, { ...OPTIONS, eps: 0.4, attacks: [noise({ draws: 100 }), signSteps(-1)] });
    expect(failed(entry)).toEqual(['S14', 'S28']);
  });

  it('an attack that walks back to the clean input keeps what it found', async () => {
    const stays = await evaluate(model, images, labels, { ...OPTIONS, attacks: [signSteps(1)] });
    const returns = await evaluate(model, images, labels, { ...OPTIONS, attacks: [signSteps(1, 'return')] });
    expect(failed(returns)).toEqual([]);
    expect(stays.evaluations[0]!.attacks[0]!.brokenAlone).toBeGreaterThan(5);
    expect(returns.evaluations[0]!.attacks[0]!.brokenAlone).toBe(stays.evaluations[0]!.attacks[0]!.brokenAlone);
  });

  it('an attack that gives up at large budgets breaks monotony', async () => {
    const timid: Attack = { ...pgd({ steps: 10 }), id: 'timid', search: async (search) => (search.threat.eps > 0.2 ? search.offer(search.clean) : pgd({ steps: 10 }).search(search)) };
    const entry = await evaluate(model, images, labels, { ...OPTIONS, eps: [0.2, 0.3], attacks: [timid] });
    expect(failed(entry)).toEqual(['S18']);
    expect(check(entry, 'S18').note).toMatch(/from 0.2 to 0.3/);
  });

  it('an attack that leaves the ball breaks nothing', async () => {
    const cheat: Attack = { ...fgsm(), id: 'cheat', search: async (search) => search.offer(tf.sub(1, search.clean)) };
    const entry = await evaluate(model, images, labels, { ...OPTIONS, eps: 0.01, attacks: [cheat] });
    expect(entry.evaluations[0]!.attacks[0]!.brokenAlone).toBe(0);
    expect(failed(entry)).toEqual([]);
    expect(entry.flags).toEqual(expect.arrayContaining(['no-iterative-attack', 'no-noise']));
  });
});

describe('noSilentSuccess', () => {
  const context = (asked: Model) => {
    const dataset = memoryDataset({ id: 'stripes', split: 'test', inputShape: SHAPE, classes: 3, images, labels });
    const book = new AttackBook();
    const bench = { model: asked, dataset, route: { kind: 'one', branch: MAIN }, seed: 0, weightsSha256: null, weightsHash: async () => null, others: {}, attack: (ref: AttackRef) => book.attack(ref) } as const;
    const jobs = jobsOf({ executor: localExecutor(bench), journal: undefined, ids: dataset.ids, batchSize: 8, signal: undefined, onProgress: undefined, onSeconds: () => {} });
    return { jobs, book, flat: false, stochastic: false };
  };
  const rows = Int32Array.from({ length: 8 }, (_, i) => i);

  // The framework asks for both passes of FGSM first and is told the right class; the one who watches asks next and is told the wrong one.
  it('counts rows that were seen broken but came back whole', async () => {
    let calls = 0;
    const twoFaced = through(model, (x, logitsOf) => tf.mul(logitsOf(x), ++calls <= 2 ? 1 : -1));
    const before = tf.memory().numTensors;
    expect(await noSilentSuccess(context(twoFaced), rows, [fgsm()], linf(0))).toMatchObject({ status: 'fail', value: 8, n: 8 });
    expect(tf.memory().numTensors).toBe(before);
  });

  it('counts none on an honest model', async () => {
    expect(await noSilentSuccess(context(model), rows, [fgsm(), pgd({ steps: 3 })], linf(0.3))).toMatchObject({ status: 'pass', value: 0, n: 16 });
  });
});

// Distances by hand.
describe('isAllowed', () => {
  const clean = Float32Array.of(0.5, 0.5);
  const at = (...adversarial: number[]) => ({ clean, adversarial: Float32Array.from(adversarial) });
  it.each([
    ['Linf', at(0.6, 0.4), 0.1, true],
    ['Linf', at(0.6002, 0.4), 0.1, false],
    ['L2', at(0.8, 0.9), 0.5, true],
    ['L2', at(0.8, 0.9), 0.499, false],
    ['L1', at(0.6, 0.3), 0.3, true],
    ['L1', at(0.6, 0.3), 0.29, false],
    ['box', at(0, 1), 1, true],
    ['Linf', at(NaN, 0.5), 1, false],
    ['Linf', at(1.01, 0.5), 1, false],
    ['Linf', at(-0.01, 0.5), 1, false],
    ['Linf', at(0.5), 1, false],
  ] as const)('%s', (norm, pair, eps, allowed) => expect(isAllowed(pair, norm, eps, [0, 1])).toBe(allowed));
});
