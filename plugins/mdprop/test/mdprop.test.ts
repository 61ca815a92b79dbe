// The oracles and invariants of docs/methods/mdprop.md.
import { evaluation, linf, MAIN, one, randomStream, rows, runAttack, type Update } from '@robustjs/core';
import { decodeIntoBranches, encodeWeights } from '@robustjs/nn';
import {
  changedNames, disturb, expectClose, expectNoLeak, expectSameBits, linearModel, lossAndGradients, lossOf, numbersOf, snapshot, tinyBatch, tinyCnn, tinyNetworkFor, trainingStep, trainingTools, useWasm, withObjective,
} from '@robustjs/testkit';
import { concat, dispose, grad, sum, type Tensor, tensor1d, tensor2d, tensor3d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { featureAttack, type FeatureAttackOptions, mdprop, type MdpropOptions, meanDistance, MULTI, plugin, presets, SINGLE, UNADVERSARIAL } from '../src/index.ts';

useWasm();

const OPTIONS: MdpropOptions = { ...plugin.options.parse({}), eps: 0.05, steps: 2 };

describe('the attack on a linear map', () => {
  const W = [[1, -2, 0.5, 1], [0, 1, -1, 2], [2, 0, 0.25, -1]];
  const X = [[0.5, 0.4, 0.6, 0.5], [0.2, 0.7, 0.3, 0.6], [0.8, 0.3, 0.5, 0.4], [0.4, 0.6, 0.7, 0.2]];
  const EPS = 0.05;
  const image = (x: readonly number[]): number[] => W.map((row) => row.reduce((total, w, i) => total + w * x[i]!, 0));
  const length = (v: readonly number[]): number => Math.hypot(...v);

  /** Adversarial rows, and the permutations that the attack drew, from its own stream. */
  async function attacked(parts: FeatureAttackOptions['parts'], { steps = 1, clip }: Partial<FeatureAttackOptions> = {}, classes = [0, 0, 0, 0], images = X) {
    const model = linearModel({ weights: W });
    const inputs = tensor2d(images);
    const labels = tensor1d(classes, 'int32');
    const attack = featureAttack({ parts, steps, startNoise: 0, clip });
    const random = randomStream(5);
    const { adversarial } = await runAttack(attack, { model, inputs, labels, ids: [0, 1, 2, 3], threat: linf(EPS), random, keep: 'last' });
    const rowsOf = (await adversarial.array()) as number[][];
    const stream = random.split(attack.id);
    dispose([inputs, labels, adversarial]);
    model.dispose();
    return { rows: rowsOf, permutation: (part: number, k: number, count: number) => [...stream.split('targets', part, k).permutation(count)] };
  }

  /** x + eps sign(W' sum of unit vectors towards the targets), the step that the sheet gives; a target that is the row itself pulls nowhere. */
  function expected(row: number, targets: readonly number[]): number[] {
    const from = image(X[row]!);
    const pull = targets.reduce<number[]>((total, target) => {
      const towards = image(X[target]!).map((value, k) => value - from[k]!);
      return total.map((value, k) => value + (length(towards) > 1e-9 ? towards[k]! / length(towards) : 0));
    }, [0, 0, 0]);
    return X[row]!.map((value, i) => value + EPS * Math.sign(Number(W.reduce((total, weights, k) => total + weights[i]! * pull[k]!, 0).toFixed(9))));
  }

  it('takes one step towards its target', async () => {
    const { rows: found, permutation } = await attacked([{ count: 4, targets: 1 }]);
    const targets = permutation(0, 0, 4);
    for (let row = 0; row < 4; row++) found[row]!.forEach((value, i) => expect(value).toBeCloseTo(expected(row, [targets[row]!])[i]!, 5));
  });

  it('takes one step along the sum of the unit vectors towards its targets, part by part', async () => {
    const { rows: found, permutation } = await attacked([{ count: 1, targets: 1 }, { count: 3, targets: 3 }]);
    // A part of one row has itself for a target.
    expect(found[0]).toEqual(X[0]!.map(Math.fround));
    const drawn = [0, 1, 2].map((k) => permutation(1, k, 3).map((place) => place + 1));
    for (let row = 1; row < 4; row++) {
      const targets = drawn.map((permuted) => permuted[row - 1]!);
      found[row]!.forEach((value, i) => expect(value).toBeCloseTo(expected(row, targets)[i]!, 5));
    }
  });

  it.each([
    ['too few', [{ count: 3, targets: 1 }]],
    ['too many', [{ count: 3, targets: 1 }, { count: 3, targets: 5 }]],
    ['halves', [{ count: 2.5, targets: 1 }, { count: 1.5, targets: 1 }]],
    ['no part', []],
    ['no target', [{ count: 4, targets: 0 }]],
  ])('says that its parts do not cover the batch, and leaves nothing behind: %s', async (_name, parts) => {
    const model = linearModel({ weights: W });
    const [inputs, labels] = [tensor2d(X), tensor1d([0, 0, 0, 0], 'int32')];
    await expectNoLeak(async () => {
      const attack = featureAttack({ parts, steps: 1, startNoise: 0, clip: 'batch' });
      await expect(runAttack(attack, { model, inputs, labels, ids: [0, 1, 2, 3], threat: linf(EPS), random: randomStream(5), keep: 'last' })).rejects.toThrow(expect.objectContaining({ code: 'RJS_ROUTE' }));
    });
    dispose([inputs, labels]);
    model.dispose();
  });

  it('goes towards the other row of its class, and nowhere from a class of one', async () => {
    const { rows: found } = await attacked([{ count: 4, targets: 1, among: 'own-class' }], {}, [0, 1, 2, 0]);
    for (const [row, target] of [[0, 3], [3, 0]] as const) found[row]!.forEach((value, i) => expect(value).toBeCloseTo(expected(row, [target])[i]!, 5));
    for (const row of [1, 2]) expect(found[row]).toEqual(X[row]!.map(Math.fround));
  });

  it('stays between the extremes of its part where it is told to', async () => {
    const parts = [{ count: 2, targets: 1, among: 'own-class' }, { count: 2, targets: 1, among: 'own-class' }] as const;
    // Next to each other, so that a step goes beyond both.
    const images = [[0.5, 0.5, 0.5, 0.5], [0.5, 0.5, 0.5, 0.52], [0.3, 0.3, 0.3, 0.3], [0.3, 0.3, 0.31, 0.3]];
    const outside = async (clip: 'bounds' | 'batch'): Promise<number> => {
      const { rows: found } = await attacked(parts, { steps: 4, clip }, undefined, images);
      const limits = [[0.5, 0.52], [0.3, 0.31]].map((pair) => pair.map(Math.fround));
      return found.flatMap((row, i) => row.filter((value) => value < limits[Math.floor(i / 2)]![0]! || value > limits[Math.floor(i / 2)]![1]!)).length;
    };
    expect(await outside('bounds')).toBeGreaterThan(0);
    expect(await outside('batch')).toBe(0);
  });

  it('several equal targets are one', async () => {
    const [outputs, once, thrice] = [tensor2d([[1, 2]]), tensor3d([[[0, 0]]]), tensor3d([[[0, 0], [0, 0], [0, 0]]])];
    const values = [meanDistance(outputs, once), meanDistance(outputs, thrice)];
    expect(await numbersOf(values[0]!)).toEqual([expect.closeTo(Math.sqrt(5), 6)]);
    await expectClose(values[1]!, await numbersOf(values[0]!));
    // At a target itself the distance has no slope, rather than none that is a number.
    const there = tensor2d([[0, 0]]);
    const slope = grad((z: Tensor) => sum(meanDistance(z, once)))(there);
    expect(await numbersOf(slope)).toEqual([0, 0]);
    dispose([outputs, once, thrice, there, ...values, slope]);
  });
});

describe('a small step', () => {
  it.each([1, 5])('brings smooth embeddings nearer to their %s targets, row by row', async (targets) => {
    const model = tinyCnn({ smooth: true, seed: 3 });
    const batch = tinyBatch(model);
    const attack = featureAttack({ parts: [{ count: 6, targets }], steps: 1, startNoise: 0 });
    const random = randomStream(7);
    const { adversarial } = await runAttack(attack, { model, ...batch, threat: linf(1e-3), random, keep: 'last' });
    const [before, after] = await Promise.all([batch.inputs, adversarial].map(async (x) => {
      const outputs = model.forward(x, evaluation());
      const values = (await outputs.array()) as number[][];
      outputs.dispose();
      return values;
    }));
    const drawn = Array.from({ length: targets }, (_, k) => random.split(attack.id).split('targets', 0, k).permutation(6));
    // J of one row by plain loops: the mean distance to the clean embeddings of its targets.
    const J = (rows: number[][], row: number): number => drawn.reduce((total, places) => total + Math.hypot(...rows[row]!.map((value, k) => value - before![places[row]!]![k]!)), 0) / targets;
    // A row whose every target is itself has nowhere to go.
    const moving = [0, 1, 2, 3, 4, 5].filter((row) => drawn.some((places) => places[row] !== row));
    expect(moving.length).toBeGreaterThan(3);
    for (const row of moving) expect(J(after!, row)).toBeLessThan(J(before!, row));
    dispose([adversarial]);
    batch.dispose();
    model.dispose();
  });
});

it('with the weights of a plain network gives the plain outputs through every branch, before any training', async () => {
  const plain = tinyCnn();
  const batch = tinyBatch(plain);
  // Statistics that are not those of a new network: what branches that only copy scale and offset would miss.
  for (const seed of [1, 2, 3]) await trainingStep({}, plain, batch, { seed });
  const model = tinyNetworkFor(mdprop(OPTIONS), { seed: 9 });
  decodeIntoBranches(model, await encodeWeights(plain));
  expect([...model.branches].sort()).toEqual([MAIN, SINGLE, MULTI].sort());
  const expected = plain.forward(batch.inputs, evaluation());
  for (const branch of model.branches) {
    const outputs = model.forward(batch.inputs, evaluation(one(branch)));
    await expectSameBits(outputs, expected);
    outputs.dispose();
  }
  expected.dispose();
  batch.dispose();
  model.dispose();
  plain.dispose();
});

/** A tiny network with three branches, trained a little. */
async function onNetwork(work: (model: ReturnType<typeof tinyNetworkFor>, batch: ReturnType<typeof tinyBatch>) => Promise<void>, options = OPTIONS): Promise<void> {
  const defense = mdprop(options);
  const model = tinyNetworkFor(defense);
  const batch = tinyBatch(model);
  for (const seed of [1, 2]) await trainingStep(defense, model, batch, { seed });
  await work(model, batch);
  batch.dispose();
  model.dispose();
}

describe('a training step', () => {
  it('gives one adversarial example an input, within budget and bounds, whatever the labels are', async () => {
    await onNetwork(async (model, batch) => {
      const made: number[][] = [];
      for (const labels of [[0, 1, 2, 0, 1, 2], [2, 2, 2, 0, 0, 0]]) {
        const relabelled = { ...batch, labels: tensor1d(labels, 'int32') };
        const tools = trainingTools(model, relabelled, { seed: 3 });
        const objective = await mdprop(OPTIONS).objective!(model, relabelled, tools);
        const { adversarial } = tools.attacks[0]!;
        const [before, after] = [await numbersOf(batch.inputs), await numbersOf(adversarial)];
        after.forEach((value, i) => {
          expect(Math.abs(value - before[i]!)).toBeLessThanOrEqual(0.05 + 1e-6);
          expect(value >= 0 && value <= 1).toBe(true);
        });
        expect(adversarial.shape).toEqual(batch.inputs.shape);
        made.push(after);
        objective.dispose?.();
        tools.dispose();
        relabelled.labels.dispose();
      }
      expect(made[0]).toEqual(made[1]);
    });
  });

  it('routes three blocks of rows: each branch\'s statistics see its own block only', async () => {
    await onNetwork(async (model, batch) => {
      await withObjective(mdprop(OPTIONS), model, batch, async (objective, tools) => {
        const { adversarial } = tools.attacks[0]!;
        const { gradients } = await lossAndGradients(objective, model);
        const updates: Update[] = [];
        const route = rows([{ branch: MAIN, count: 6 }, { branch: SINGLE, count: 3 }, { branch: MULTI, count: 3 }]);
        const together = concat([batch.inputs, adversarial]);
        model.forward(together, { train: true, route, updates }).dispose();
        expect(tools.updates.length).toBe(updates.length);
        for (const [i, { buffer, value }] of tools.updates.entries()) {
          expect(updates[i]!.buffer).toBe(buffer);
          await expectClose(value, updates[i]!.value);
        }
        dispose([...gradients, together, ...updates.map(({ value }) => value)]);
      });
    });
  });

  it('deploys the clean branch, which the others never touch', async () => {
    await onNetwork(async (model, batch) => {
      const output = async (): Promise<number[]> => {
        const result = model.forward(batch.inputs, evaluation(one(MAIN)));
        const values = await numbersOf(result);
        result.dispose();
        return values;
      };
      const before = await output();
      disturb(model, (name) => name.includes(`@${SINGLE}/`) || name.includes(`@${MULTI}/`));
      expect(await output()).toEqual(before);
    });
  });

  it('leaves parameters and statistics alone while it attacks', async () => {
    await onNetwork(async (model, batch) => {
      const before = await snapshot(model);
      await withObjective(mdprop(OPTIONS), model, batch, async () => expect(await changedNames(model, before)).toEqual([]));
    });
  });

  it('has a fourth branch for unadversarial examples, which move towards their class', async () => {
    const four: MdpropOptions = { ...OPTIONS, eps: 0.01, unadversarial: true };
    await onNetwork(async (model, batch) => {
      expect([...model.branches].sort()).toEqual([MAIN, SINGLE, MULTI, UNADVERSARIAL].sort());
      const twins = { ...batch, labels: tensor1d([0, 1, 2, 0, 1, 1], 'int32') };
      await withObjective(mdprop(four), model, twins, async (_objective, tools) => {
        const { adversarial } = tools.attacks[0]!;
        const embed = async (x: Tensor): Promise<number[][]> => {
          const outputs = model.forward(x, evaluation(one(UNADVERSARIAL)));
          const values = (await outputs.array()) as number[][];
          outputs.dispose();
          return values;
        };
        const [before, after] = [await embed(batch.inputs), await embed(adversarial)];
        const apart = (a: readonly number[], b: readonly number[]): number => Math.hypot(...a.map((value, k) => value - b[k]!));
        // The last third is the fourth branch's: two rows of one class, each the other's target.
        for (const [row, target] of [[4, 5], [5, 4]] as const) expect(apart(after[row]!, before[target]!)).toBeLessThan(apart(before[row]!, before[target]!));
      });
      twins.labels.dispose();
    }, four);
  });

  it('takes budget and clipping from its preset where they are not given', async () => {
    const asked = async (options: object): Promise<unknown> => {
      const defense = mdprop(plugin.options.parse(options));
      const model = tinyNetworkFor(defense);
      const batch = tinyBatch(model);
      const found = await withObjective(defense, model, batch, async (_objective, tools) => {
        const { threat, attack } = tools.attacks[0]!.asked;
        return { eps: threat.eps, clip: attack.config['clip'] };
      });
      batch.dispose();
      model.dispose();
      return found;
    };
    expect(await asked({})).toEqual(presets.paper);
    expect(await asked({ preset: 'official' })).toEqual(presets.official);
    expect(await asked({ preset: 'official', eps: 0.02, clip: 'bounds' })).toEqual({ eps: 0.02, clip: 'bounds' });
  });

  it('with one norm for all is adversarial training on the same rows', async () => {
    const shared: MdpropOptions = { ...OPTIONS, norms: 'shared' };
    await onNetwork(async (model, batch) => {
      expect(model.branches).toEqual([MAIN]);
      await withObjective(mdprop(shared), model, batch, async (objective, tools) => {
        const loss = await lossOf(objective);
        const [inputs, labels] = [concat([batch.inputs, tools.attacks[0]!.adversarial]), concat([batch.labels, batch.labels])];
        const outputs = model.forward(inputs, { train: true, route: one(MAIN) });
        const value = tidy(() => tools.loss(outputs, labels));
        await expectClose([loss], await numbersOf(value));
        dispose([inputs, labels, outputs, value]);
      });
    }, shared);
  });

  it('without budget and noise, sees the clean rows three times; the clean embeddings are those of plain training', async () => {
    await onNetwork(async (model, batch) => {
      await withObjective(mdprop({ ...OPTIONS, eps: 0, startNoise: 0 }), model, batch, async (_objective, tools) => {
        await expectSameBits(tools.attacks[0]!.adversarial, batch.inputs);
        const route = rows([{ branch: MAIN, count: 6 }, { branch: SINGLE, count: 3 }, { branch: MULTI, count: 3 }]);
        const together = concat([batch.inputs, batch.inputs]);
        const [joint, plain] = [model.forward(together, { train: true, route }), model.forward(batch.inputs, { train: true, route: one(MAIN) })];
        await expectClose((await numbersOf(joint)).slice(0, plain.size), await numbersOf(plain), { relative: 1e-5, absolute: 1e-6 });
        dispose([together, joint, plain]);
      });
    });
  });
});
