// The oracles of docs/methods/advprop.md, section 3.
import { type Batch, evaluation, type Kit, MAIN, mean, type Model, one, randomStream, type Update } from '@robustjs/core';
import { batchNorm, copyBranch, crossEntropy, identity, smallCnn, buildNetwork, standardKit } from '@robustjs/nn';
import {
  expectClose, expectNoLeak, expectSameBits, lossAndGradients, lossOf, linearModel, numbersOf, rowsOf, snapshot, tinyBatch, tinyCnn, tinyNetworkFor, trainingStep,
  useWasm, variablesOf, withObjective,
} from '@robustjs/testkit';
import { concat, dispose, type Tensor, type Tensor1D, tensor1d, tensor2d, tidy, variableGrads } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { ADVERSARIAL, advprop, type AdvpropOptions, plugin } from '../src/index.ts';

useWasm();

const OPTIONS: AdvpropOptions = { norm: 'Linf', eps: 0.05, steps: 3, targeted: false, randomStart: true, labelSmoothing: 0 };

/** A tiny network with both branches trained a little, so that they differ. */
async function withNetwork(work: (model: Model, batch: Batch) => Promise<void>): Promise<void> {
  const defense = advprop(OPTIONS);
  const model = tinyNetworkFor(defense);
  const batch = tinyBatch(model);
  for (const seed of [1, 2]) await trainingStep(defense, model, batch, { seed });
  await work(model, batch);
  batch.dispose();
  model.dispose();
}

/** Loss and gradients by name of a mean over parts, each part with its rows, its branch and the batch's labels. */
async function meanOver(model: Model, batch: Batch, parts: readonly (readonly [Tensor, string])[], updates?: Update[]): Promise<Map<string, number[]>> {
  const { value, grads } = variableGrads(() => {
    const losses = parts.map(([inputs, branch]) => crossEntropy(model.forward(inputs, { train: true, route: one(branch), ...(updates && { updates }) }), batch.labels));
    return mean(concat<Tensor1D>(losses));
  }, model.parameters.map(({ variable }) => variable));
  const result = new Map<string, number[]>([['loss', await numbersOf(value)]]);
  for (const { name, variable } of model.parameters) result.set(name, grads[variable.name] ? await numbersOf(grads[variable.name]!) : []);
  dispose([value, ...Object.values(grads)]);
  return result;
}

const zero = (values: readonly number[]): boolean => values.every((value) => value === 0);

describe('the stacked pass', () => {
  it('is two separate passes: same loss, same gradients, same statistics', async () => {
    await withNetwork(async (model, batch) => {
      await withObjective(advprop(OPTIONS), model, batch, async (objective, tools) => {
        const { loss, gradients } = await lossAndGradients(objective, model);
        const updates: Update[] = [];
        const apart = await meanOver(model, batch, [[batch.inputs, MAIN], [tools.attacks[0]!.adversarial, ADVERSARIAL]], updates);
        await expectClose([loss], apart.get('loss')!);
        for (const [i, { name }] of model.parameters.entries()) await expectClose(gradients[i]!, apart.get(name)!, { relative: 1e-4, absolute: 1e-6 });
        expect(tools.updates.length).toBe(model.buffers.length);
        for (const { buffer, value } of tools.updates) await expectClose(value, updates.find((update) => update.buffer === buffer)!.value);
        dispose([...gradients, ...updates.map(({ value }) => value)]);
      });
    });
  });

  it('weighs both halves alike: the mean of the clean and the adversarial loss', async () => {
    await withNetwork(async (model, batch) => {
      await withObjective(advprop(OPTIONS), model, batch, async (objective, tools) => {
        const clean = await meanOver(model, batch, [[batch.inputs, MAIN]]);
        const adversarial = await meanOver(model, batch, [[tools.attacks[0]!.adversarial, ADVERSARIAL]]);
        expect(await lossOf(objective)).toBeCloseTo((clean.get('loss')![0]! + adversarial.get('loss')![0]!) / 2, 5);
      });
    });
  });

  it('keeps gradients apart, exactly: no clean row reaches the adversarial branch, and the other way round', async () => {
    await withNetwork(async (model, batch) => {
      const clean = await meanOver(model, batch, [[batch.inputs, MAIN]]);
      const adversarial = await meanOver(model, batch, [[batch.inputs, ADVERSARIAL]]);
      for (const { name } of model.parameters) {
        if (name.includes(`@${ADVERSARIAL}/`)) expect(zero(clean.get(name)!), name).toBe(true);
        if (name.includes(`@${MAIN}/`)) expect(zero(adversarial.get(name)!), name).toBe(true);
      }
      const shared = model.parameters.filter(({ name }) => !name.includes('@'));
      expect(shared.every(({ name }) => !zero(clean.get(name)!) && !zero(adversarial.get(name)!))).toBe(true);
    });
  });
});

describe('statistics', () => {
  it('of the main branch are 0.9 old + 0.1 mean(clean rows), whatever the adversarial rows are', async () => {
    await withNetwork(async (model, batch) => {
      const before = await snapshot(model);
      const updates: Update[] = [];
      model.forward(batch.inputs, { train: true, route: one(MAIN), updates }).dispose();
      const seen = new Map(await Promise.all(updates.map(async ({ buffer, value }) => [buffer, await numbersOf(value)] as const)));
      dispose(updates.map(({ value }) => value));
      await trainingStep(advprop(OPTIONS), model, batch, { rate: 0 });
      for (const { name, variable } of model.buffers.filter((b) => b.name.includes(`@${MAIN}/`))) {
        await expectClose(variable, seen.get(variable)!.map((value, i) => 0.9 * before.get(name)![i]! + 0.1 * value), { relative: 1e-5 });
      }
    });
  });
});

describe('with eps 0', () => {
  it('and equal branches, both stay equal, and the shared gradient is the clean one', async () => {
    await withNetwork(async (model, batch) => {
      copyBranch(model, MAIN, ADVERSARIAL);
      const clean = await meanOver(model, batch, [[batch.inputs, MAIN]]);
      const defense = advprop({ ...OPTIONS, eps: 0, alpha: 0.01 });
      await withObjective(defense, model, batch, async (objective) => {
        const { gradients } = await lossAndGradients(objective, model);
        for (const [i, { name }] of model.parameters.entries()) {
          if (!name.includes('@')) await expectClose(gradients[i]!, clean.get(name)!, { relative: 1e-4, absolute: 1e-6 });
        }
        dispose([...gradients]);
      });
      await trainingStep(defense, model, batch);
      const after = await snapshot(model);
      for (const [name, values] of after) {
        if (name.includes(`@${MAIN}/`)) await expectClose(values, after.get(name.replace(`@${MAIN}/`, `@${ADVERSARIAL}/`))!, { relative: 1e-5 });
      }
    });
  });
});

describe('deployment', () => {
  it('needs the main branch alone: as many parameters as the plain network, and the same output', async () => {
    await withNetwork(async (model, batch) => {
      const plain = tinyCnn();
      const kept = variablesOf(model).filter(({ name }) => !name.includes(`@${ADVERSARIAL}/`));
      expect(kept.map(({ name }) => name.replace(`@${MAIN}`, ''))).toEqual(variablesOf(plain).map(({ name }) => name));
      const byName = new Map(kept.map(({ name, variable }) => [name.replace(`@${MAIN}`, ''), variable]));
      for (const { name, variable } of variablesOf(plain)) variable.assign(byName.get(name)!);
      const outputs = [model, plain].map((m) => m.forward(batch.inputs, evaluation()));
      await expectSameBits(outputs[1]!, outputs[0]!);
      dispose(outputs);
      plain.dispose();
    });
  });

  it('branches every norm, those of shortcuts included', () => {
    const asked: string[] = [];
    const kit: Kit = { ...standardKit(randomStream(0)), norm: (site) => { asked.push(site.path); return batchNorm(site); } };
    const site = { path: 's', role: 'shortcut', stage: 0, block: 0, index: 0, channels: 2 } as const;
    const norm = advprop(OPTIONS).kit!(kit).norm(site);
    expect(norm.branches).toEqual([MAIN, ADVERSARIAL]);
    expect(asked).toEqual([`s@${MAIN}`, `s@${ADVERSARIAL}`]);
    dispose([...norm.parameters, ...norm.buffers].map(({ variable }) => variable));
  });
});

describe('the attack', () => {
  // Three classes, and inputs away from the box, so that nothing is clipped.
  const linear = () => {
    const model = linearModel({ weights: [[1, -2], [0.5, 1], [-1, 0.5]], bias: [0.1, 0, -0.1] });
    // A network without norms ignores the route, but has to know the branch.
    return { ...model, branches: [MAIN, ADVERSARIAL] };
  };
  const rows = [[0.4, 0.6], [0.5, 0.5], [0.6, 0.4], [0.5, 0.3]];
  const labels = [0, 1, 2, 1];
  const batchOf = (): Batch => ({ inputs: tensor2d(rows), labels: tensor1d(labels, 'int32'), ids: new Int32Array([3, 1, 4, 15]) });
  const softmax = (logits: readonly number[]): number[] => {
    const exps = logits.map((z) => Math.exp(z - Math.max(...logits)));
    return exps.map((e) => e / exps.reduce((a, b) => a + b));
  };
  /** V^T (p - onehot(class)), the gradient of the cross-entropy of a linear model. */
  const gradientOf = (model: ReturnType<typeof linear>, x: readonly number[], label: number): number[] => {
    const p = softmax(model.logits(x)).map((value, k) => value - (k === label ? 1 : 0));
    return [0, 1].map((j) => p.reduce((sum, value, k) => sum + value * [[1, -2], [0.5, 1], [-1, 0.5]][k]![j]!, 0));
  };

  it('of one step on a linear softmax model is x + alpha sign(V^T (p - onehot(y)))', async () => {
    const [model, batch] = [linear(), batchOf()];
    const defense = advprop({ ...OPTIONS, steps: 1, randomStart: false, eps: 0.03 });
    await withObjective(defense, model, batch, async (_objective, tools) => {
      const expected = rows.flatMap((x, i) => gradientOf(model, x, labels[i]!).map((g, j) => x[j]! + 0.03 * Math.sign(g)));
      await expectClose(tools.attacks[0]!.adversarial, expected, { relative: 1e-6 });
    });
    dispose([batch.inputs, batch.labels]);
    model.dispose();
  });

  it('towards a target is x - alpha sign(V^T (p - onehot(t))), t another class than the row\'s own', async () => {
    const [model, batch] = [linear(), batchOf()];
    const defense = advprop({ ...OPTIONS, steps: 1, randomStart: false, eps: 0.03, targeted: true });
    await withObjective(defense, model, batch, async (_objective, tools) => {
      const { asked, adversarial } = tools.attacks[0]!;
      const targets = await numbersOf(asked.targets!);
      const expected = rows.flatMap((x, i) => gradientOf(model, x, targets[i]!).map((g, j) => x[j]! - 0.03 * Math.sign(g)));
      await expectClose(adversarial, expected, { relative: 1e-6 });
      targets.forEach((target, i) => expect(target).not.toBe(labels[i]));
    });
    dispose([batch.inputs, batch.labels]);
    model.dispose();
  });

  it('draws its targets uniformly from the other classes, by example id', async () => {
    const model = linear();
    const count = 3000;
    const batch = {
      inputs: tensor2d(Array.from({ length: count }, () => [0.5, 0.5])),
      labels: tensor1d(Array.from({ length: count }, (_, i) => i % 3), 'int32'),
      ids: Int32Array.from({ length: count }, (_, i) => i),
    };
    const defense = advprop({ ...OPTIONS, steps: 1, targeted: true });
    await withObjective(defense, model, batch, async (_objective, tools) => {
      const targets = await numbersOf(tools.attacks[0]!.asked.targets!);
      const shifts = targets.map((target, i) => (target - (i % 3) + 3) % 3);
      expect(new Set(shifts)).toEqual(new Set([1, 2]));
      // Binomial: 1500 of 3000, standard deviation 27.
      expect(Math.abs(shifts.filter((shift) => shift === 1).length - 1500)).toBeLessThan(110);
    });
    dispose([batch.inputs, batch.labels]);
    model.dispose();
  });

  it('draws the same target for an example wherever it stands, and lets go of targets when it is stopped', async () => {
    const [model, batch] = [linear(), batchOf()];
    const defense = advprop({ ...OPTIONS, steps: 1, targeted: true });
    const order = [3, 0, 2, 1];
    const other = rowsOf(batch, order);
    const targetsOf = (b: Batch): Promise<number[]> => withObjective(defense, model, b, (_objective, tools) => numbersOf(tools.attacks[0]!.asked.targets!));
    const straight = await targetsOf(batch);
    expect(await targetsOf(other)).toEqual(order.map((place) => straight[place]!));
    await withObjective(defense, model, batch, async (_objective, tools) => {
      const attack = (): Promise<Tensor> => Promise.reject(new Error('stopped'));
      await expectNoLeak(() => expect(defense.objective!(model, batch, { ...tools, attack })).rejects.toThrow('stopped'));
    });
    dispose([batch.inputs, batch.labels]);
    [other, model].forEach((x) => x.dispose());
  });

  it('goes through the adversarial branch, in evaluation, by steps that reach the edge of the ball', async () => {
    await withNetwork(async (model, batch) => {
      for (const steps of [1, 3, 7]) {
        await withObjective(advprop({ ...OPTIONS, steps, randomStart: false }), model, batch, async (_objective, tools) => {
          const { asked, adversarial } = tools.attacks[0]!;
          expect(asked.route).toEqual(one(ADVERSARIAL));
          expect(asked.attack.config['alpha']).toBe(0.05 / steps);
          const inputs = await numbersOf(batch.inputs);
          const moves = (await numbersOf(adversarial)).map((value, i) => Math.abs(value - inputs[i]!));
          expect(Math.max(...moves)).toBeCloseTo(0.05, 6);
        });
      }
    });
  });

  it('raises the loss of the adversarial branch when untargeted, and lowers the target\'s when targeted', async () => {
    await withNetwork(async (model, batch) => {
      for (const targeted of [false, true]) {
        await withObjective(advprop({ ...OPTIONS, targeted, randomStart: false }), model, batch, async (_objective, tools) => {
          const { asked, adversarial } = tools.attacks[0]!;
          const loss = async (inputs: Tensor): Promise<number> => {
            const value = tidy(() => mean(crossEntropy(model.forward(inputs, evaluation(one(ADVERSARIAL))), asked.targets ?? batch.labels)));
            const [number] = await numbersOf(value);
            value.dispose();
            return number!;
          };
          const change = (await loss(adversarial)) - (await loss(batch.inputs));
          expect(targeted ? -change : change).toBeGreaterThan(0);
        });
      }
    });
  });
});

describe('a network without norms', () => {
  it('makes AdvProp ordinary joint training on clean and adversarial rows, to the bit', async () => {
    const kit: Kit = { ...standardKit(randomStream(0)), norm: () => identity() };
    const network = buildNetwork(smallCnn({ inputShape: [8, 8, 1], classes: 3, widths: [4, 6] }), { kit, inputShape: [8, 8, 1] });
    // It has no branches, so it takes any route: the branch is declared for the attack's sake.
    const model: Model = { ...network, branches: [MAIN, ADVERSARIAL] };
    const batch = tinyBatch(model);
    await withObjective(advprop(OPTIONS), model, batch, async (objective, tools) => {
      const { loss, gradients } = await lossAndGradients(objective, model);
      const { value, grads } = variableGrads(() => {
        const logits = model.forward(concat([batch.inputs, tools.attacks[0]!.adversarial]), { train: true, route: one(MAIN) });
        return mean(crossEntropy(logits, concat([batch.labels, batch.labels])));
      }, model.parameters.map(({ variable }) => variable));
      await expectSameBits(value, [loss]);
      for (const [i, { variable }] of model.parameters.entries()) await expectSameBits(gradients[i]!, grads[variable.name]!);
      dispose([...gradients, value, ...Object.values(grads)]);
    });
    batch.dispose();
    network.dispose();
  });
});

describe('label smoothing', () => {
  it('of 0.1 over five classes with p = (.5, .2, .1, .1, .1) gives 0.808039', async () => {
    // Logits log p for every input: a linear model without weights, so the adversarial half has the same loss.
    const bias = [0.5, 0.2, 0.1, 0.1, 0.1].map(Math.log);
    const model = { ...linearModel({ weights: bias.map(() => [0, 0]), bias }), branches: [MAIN, ADVERSARIAL] };
    const batch = { inputs: tensor2d([[0.5, 0.5], [0.2, 0.8]]), labels: tensor1d([0, 0], 'int32'), ids: new Int32Array([0, 1]) };
    const loss = await withObjective(advprop({ ...OPTIONS, labelSmoothing: 0.1 }), model, batch, lossOf, { classes: 5 });
    expect(loss).toBeCloseTo(0.808039, 5);
    expect(await withObjective(advprop(OPTIONS), model, batch, lossOf, { classes: 5 })).toBeCloseTo(Math.LN2, 5);
    dispose([batch.inputs, batch.labels]);
    model.dispose();
  });
});

describe('defaults', () => {
  it('are a weak untargeted attack, whose step follows eps and steps', () => {
    const parsed = (plugin).options.parse({});
    expect(parsed).toEqual({ norm: 'Linf', eps: '4/255', steps: 5, targeted: false, randomStart: true, labelSmoothing: 0 });
  });
});
