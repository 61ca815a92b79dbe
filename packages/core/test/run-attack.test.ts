import { pgd } from '@robustjs/attacks';
import { branchedNorms } from '@robustjs/nn';
import { binaryLinearModel, disturb, expectClose, expectNoLeak, expectSameBits, numbersOf, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { abs, add, concat, dispose, fill, greater, mul, neg, onesLike, reshape, slice, sub, sum, type Tensor, type Tensor1D, tensor1d, tensor2d, tidy, where } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  type Attack, type AttackProblem, type AttackResult, evaluation, linf, modelOf, type Objective, one, randomStream, type Route, rows, runAttack, type Search, threatModel,
} from '../src/index.ts';

useWasm();

/** The margin of class 1 over class 0, away from the label: what a hand-made attack on a binary model maximizes. */
const margin: Objective = (logits, labels) =>
  tidy(() => {
    const z = reshape(slice(logits, [0, 1], [-1, 1]), [-1]);
    return mul<Tensor1D>(z, sub(1, mul(labels, 2)));
  });

/** An attack that proposes clean + each of these offsets in turn. */
const proposing = (offsets: readonly number[], how: 'query' | 'gradient' | 'offer' = 'offer'): Attack => ({
  id: 'proposing',
  config: { offsets },
  objective: margin,
  async search(search) {
    for (const offset of offsets) {
      if (search.rows === 0) return;
      const inputs = tidy(() => add(search.clean, offset));
      if (how === 'offer') search.offer(inputs);
      else search[how](inputs).dispose();
      inputs.dispose();
      await search.compact();
    }
  },
});

/** f(x) = x - 0.5: class 1 above one half. Rows at 0.4 (class 0), 0.45 (class 0) and 0.9 (class 1). */
async function attacked(attack: Attack, more: Partial<AttackProblem> = {}): Promise<Omit<AttackResult, 'adversarial'> & { adversarial: number[] }> {
  const model = binaryLinearModel([1], -0.5);
  const inputs = tensor2d([[0.4], [0.45], [0.9]]);
  const labels = tensor1d([0, 0, 1], 'int32');
  try {
    const result = await runAttack(attack, { model, inputs, labels, ids: [4, 5, 6], threat: linf(0.2), random: randomStream(0), ...more });
    const adversarial = await numbersOf(result.adversarial);
    result.adversarial.dispose();
    return { ...result, adversarial };
  } finally {
    [inputs, labels].forEach((x) => x.dispose());
    model.dispose();
  }
}

describe('what is kept', () => {
  it('is the first adversarial proposal of a row, else the one with the largest objective', async () => {
    // Row 0 breaks from 0.1 on, row 1 from 0.05; row 2 never does within 0.2, and is nearest at the smallest offset, not the last.
    const result = await attacked(proposing([0.03, -0.1, 0.08, 0.15, 0.19]));
    expect(result.success).toEqual([true, true, false]);
    await expectClose(result.adversarial, [0.55, 0.53, 0.8], { relative: 1e-6 });
    await expectClose(result.distances, [0.15, 0.08, 0.1], { relative: 1e-5 });
    // The margin against the label at what is returned: 0.05, 0.03 and -(0.8 - 0.5).
    await expectClose(result.values, [0.05, 0.03, -0.3], { relative: 1e-5 });
  });

  it('is the last proposal, unjudged, where only that is wanted', async () => {
    const result = await attacked(proposing([0.15, -0.02]), { keep: 'last' });
    await expectClose(result.adversarial, [0.38, 0.43, 0.88], { relative: 1e-6 });
    expect(result.success).toEqual([false, false, false]);
    expect([...result.values]).toEqual([NaN, NaN, NaN]);
    expect([...result.queries]).toEqual([0, 0, 0]);
    expect([...result.distances]).toEqual([NaN, NaN, NaN]);
    expect([...result.rejected]).toEqual([0, 0, 0]);
  });

  it('is the clean input where the attack proposes nothing', async () => {
    const result = await attacked(proposing([]));
    await expectClose(result.adversarial, [0.4, 0.45, 0.9], { relative: 1e-7 });
    expect(result.success).toEqual([false, false, false]);
    expect([...result.values]).toEqual([-Infinity, -Infinity, -Infinity]);
  });

  it('is the clean input, at distance 0, where the model errs on it', async () => {
    const labels = tensor1d([1, 0, 1], 'int32');
    const result = await attacked(proposing([0, 0.08]), { labels });
    expect(result.success).toEqual([true, true, false]);
    expect([result.distances[0], result.queries[0]]).toEqual([0, 1]);
    labels.dispose();
  });
});

describe('what is counted', () => {
  it('is every gradient and query of a row, until it is broken', async () => {
    const offsets = [0.03, 0.08, 0.15, 0.19];
    const gradients = await attacked(proposing(offsets, 'gradient'));
    expect([...gradients.gradientCalls]).toEqual([3, 2, 4]);
    expect([...gradients.queries]).toEqual([0, 0, 0]);
    const queries = await attacked(proposing(offsets, 'query'));
    expect([...queries.queries]).toEqual([3, 2, 4]);
    expect([...queries.gradientCalls]).toEqual([0, 0, 0]);
  });

  it('are proposals outside the ball, outside the box or not finite, which are never returned', async () => {
    // 0.5 leaves the ball of 0.2. The rows at 0.4 and 0.45 would be broken by it, were it allowed.
    const outside = await attacked(proposing([0.5, 0.01]));
    expect([...outside.rejected]).toEqual([1, 1, 1]);
    expect(outside.success).toEqual([false, false, false]);
    await expectClose(outside.adversarial, [0.41, 0.46, 0.91], { relative: 1e-6 });
    const nan = await attacked(proposing([NaN, 0.01, Infinity]));
    expect([...nan.rejected]).toEqual([2, 2, 2]);
    await expectClose(nan.adversarial, [0.41, 0.46, 0.91], { relative: 1e-6 });
    // Only the row at 0.9 leaves the box [0, 1] with 0.15.
    expect([...(await attacked(proposing([0.15]))).rejected]).toEqual([0, 0, 1]);
  });

  it('are hits where the model gives no finite output at an allowed input, whatever the class', async () => {
    // Off the clean input the outputs are infinite, with argMax on the label, or NaN, which argMax takes for class 0, the label of two rows.
    for (const factor of [1e30, NaN]) {
      const model = modelOf((x) => tidy(() => pairOf(mul(mul(sub(x, 0.5), 1e30), factor))), { inputShape: [1] });
      const result = await attacked(proposing([0.5, 0.01]), { model });
      expect([...result.rejected]).toEqual([1, 1, 1]);
      expect(result.success).toEqual([true, true, true]);
      await expectClose(result.adversarial, [0.41, 0.46, 0.91], { relative: 1e-6 });
    }
  });

  it('are no targets reached there, and leave the largest objective alone', async () => {
    // Finite near the clean input only; beyond 0.05 the outputs are infinite and the largest is the target's.
    const model = modelOf((x) => tidy(() => pairOf(mul(sub(0.5, x), where(greater(abs(sub(x, 0.4)), 0.05), fill(x.shape, -Infinity), onesLike(x))))), { inputShape: [1] });
    const inputs = tensor2d([[0.4]]);
    const [labels, targets] = [tensor1d([1], 'int32'), tensor1d([0], 'int32')];
    const result = await attacked(proposing([0.02, 0.08, 0.01]), { model, inputs, labels, targets, ids: [4] });
    expect(result.success).toEqual([false]);
    await expectClose(result.adversarial, [0.42], { relative: 1e-6 });
    dispose([inputs, labels, targets]);
  });
});

const pairOf = (z: Tensor): Tensor => concat([neg(z), z], 1);

describe('large bounds', () => {
  it('do not make the rounding of float32 a reason to reject: eps 0.1 in [0, 255]', async () => {
    // Next to 255 float32 has steps of 1.5e-5, more than 1e-5 of this budget.
    const model = modelOf((x) => slice(x, [0, 0], [-1, 3]), { inputShape: [50], bounds: [0, 255] });
    const ids = Int32Array.from({ length: 20 }, (_, i) => i);
    const inputs = tidy(() => mul(randomStream(3).uniformRows(ids, [50]), 255));
    const labels = tensor1d(ids.map(() => 0), 'int32');
    for (const norm of ['Linf', 'L2', 'L1']) {
      const result = await runAttack(pgd({ steps: 5 }), { model, inputs, labels, ids, threat: threatModel(norm, 0.1), random: randomStream(0) });
      expect(sumOf(result.rejected), norm).toBe(0);
      result.adversarial.dispose();
    }
    // What is really outside is still seen.
    const outside = await runAttack(proposing([0.11]), { model, inputs, labels, ids, threat: linf(0.1), random: randomStream(0) });
    expect(sumOf(outside.rejected)).toBe(20);
    [outside.adversarial, inputs, labels].forEach((x) => x.dispose());
  });
});

describe('a route by rows', () => {
  it('attacks each row through its own branch, as an attack through that branch alone does', async () => {
    const model = tinyCnn({ kit: (kit) => branchedNorms(kit, ['main', 'other']) });
    const batch = tinyBatch(model, { count: 12 });
    disturb(model, (name) => name.includes('@other/'));
    const problem: AttackProblem = { model, ...batch, threat: linf(0.06), random: randomStream(5) };
    const found = async (route: Route): Promise<{ success: readonly boolean[]; adversarial: number[] }> => {
      const { success, adversarial } = await runAttack(pgd({ steps: 4 }), { ...problem, route });
      const values = await numbersOf(adversarial);
      adversarial.dispose();
      return { success, adversarial: values };
    };
    const both = await found(rows([{ branch: 'main', count: 5 }, { branch: 'other', count: 7 }]));
    const [main, other] = [await found(one('main')), await found(one('other'))];
    expect(both.success).toEqual([...main.success.slice(0, 5), ...other.success.slice(5)]);
    expect(both.success.some(Boolean)).toBe(true);
    const cut = 5 * 64;
    await expectSameBits(both.adversarial, [...main.adversarial.slice(0, cut), ...other.adversarial.slice(cut)]);
    batch.dispose();
    model.dispose();
  });
});

describe('what a search sees', () => {
  it('are the rows that still stand, by their ids', async () => {
    const seen: number[][] = [];
    const watching: Attack = {
      ...proposing([]),
      async search(search) {
        for (const offset of [0.08, 0.15]) {
          seen.push([...search.ids, search.rows, search.clean.shape[0]]);
          const inputs = tidy(() => add(search.clean, offset));
          search.offer(inputs);
          const [kept] = await search.compact(inputs);
          seen.push(await numbersOf(kept));
          kept.dispose();
        }
      },
    };
    await attacked(watching);
    expect(seen.map((list) => list.map((value) => Math.fround(value)))).toEqual([
      [4, 5, 6, 3, 3], [0.48, 0.98].map((v) => expect.closeTo(v, 6) as number), [4, 6, 2, 2], [expect.closeTo(1.05, 6) as number],
    ]);
  });

  it('is a gradient of the sum over rows: each row its own, whatever the batch', async () => {
    // d/dx of (w.x + b) times -1, 1, 1 for labels 1, 0, 0, with w = 1.
    const gradients: number[][] = [];
    const reading: Attack = {
      ...proposing([]),
      async search(search) {
        const gradient = search.gradient(search.clean);
        gradients.push(await numbersOf(gradient));
        gradient.dispose();
      },
    };
    await attacked(reading);
    expect(gradients).toEqual([[1, 1, -1]]);
  });
});

describe('targets', () => {
  it('turn the sign of the objective and the criterion', async () => {
    const targets = tensor1d([1, 0, 0], 'int32');
    // Towards class 1 row 0 must rise by 0.1; row 1 has its target already; row 2 stays class 1, and 1.05 is no input.
    const result = await attacked(proposing([0.03, 0.15]), { targets });
    expect(result.success).toEqual([true, true, false]);
    expect([...result.queries]).toEqual([2, 1, 2]);
    // The objective is z (1 - 2 t), and the search maximizes its negative: 0.55 - 0.5, 0.5 - 0.48, 0.5 - 0.93.
    await expectClose(result.values, [0.05, 0.02, -0.43], { relative: 1e-5 });
    expect([...result.rejected]).toEqual([0, 0, 1]);
    targets.dispose();
  });
});

describe('compaction', () => {
  const never = (attack: Attack): Attack => ({
    ...attack,
    search: (search) => attack.search(Object.create(search, { compact: { value: async (...state: Tensor[]) => state } }) as Search),
  });

  it('changes nothing but the cost: an attack that never compacts finds the same, to the bit', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model, { count: 12 });
    const problem: AttackProblem = { model, ...batch, threat: linf(0.06), random: randomStream(5) };
    const attack = pgd({ steps: 6, restarts: 2 });
    const [compacting, whole] = [await runAttack(attack, problem), await runAttack(never(attack), problem)];
    const broken = compacting.success.filter(Boolean).length;
    expect(broken).toBeGreaterThan(0);
    expect(broken).toBeLessThan(12);
    expect(compacting.success).toEqual(whole.success);
    await expectSameBits(compacting.adversarial, whole.adversarial);
    await expectSameBits(compacting.values, whole.values);
    // Broken rows leave: they cost less, the others the same 12 gradients.
    compacting.success.forEach((success, i) => {
      if (success) expect(compacting.gradientCalls[i]!).toBeLessThanOrEqual(12);
      else expect(compacting.gradientCalls[i]).toBe(12);
    });
    expect(sumOf(compacting.gradientCalls)).toBeLessThan(sumOf(whole.gradientCalls));
    [compacting.adversarial, whole.adversarial].forEach((x) => x.dispose());
    batch.dispose();
    model.dispose();
  });
});

const sumOf = (values: Int32Array): number => values.reduce((total, value) => total + value, 0);

describe('stopping', () => {
  it('ends between steps with a coded error and leaks nothing', async () => {
    const controller = new AbortController();
    let steps = 0;
    const stopping: Attack = {
      ...proposing([]),
      async search(search) {
        for (;;) {
          const inputs = tidy(() => add(search.clean, 0.001 * steps));
          search.offer(inputs);
          if (++steps === 3) controller.abort('enough');
          const [kept] = await search.compact(inputs);
          kept.dispose();
        }
      },
    };
    await expectNoLeak(async () => {
      await expect(attacked(stopping, { signal: controller.signal })).rejects.toMatchObject({ code: 'RJS_ABORTED', cause: 'enough' });
    });
    expect(steps).toBe(3);
  });

  it('leaks nothing when the search itself fails', async () => {
    const failing: Attack = { ...proposing([]), search: () => Promise.reject(new TypeError('broken search')) };
    await expectNoLeak(() => expect(attacked(failing)).rejects.toThrow('broken search'));
  });
});

describe('input checks', () => {
  const refused = async (more: Partial<AttackProblem>, code: string): Promise<void> => {
    await expectNoLeak(() => expect(attacked(proposing([0.1]), more)).rejects.toMatchObject({ code }));
  };
  const withTensor = async <T extends Tensor>(x: T, work: (x: T) => Promise<void>): Promise<void> => {
    await work(x);
    x.dispose();
  };

  it('want inputs of the shape that the model declares', async () => {
    await withTensor(tensor2d([[0, 0], [0, 0], [0, 0]]), (inputs) => refused({ inputs }, 'RJS_INPUT_SHAPE'));
    await withTensor(tensor1d([0, 0, 0]), (inputs) => refused({ inputs }, 'RJS_INPUT_SHAPE'));
  });

  it('want finite inputs inside the bounds', async () => {
    for (const bad of [1.01, -0.01, NaN, Infinity]) {
      await withTensor(tensor2d([[0], [bad], [1]]), (inputs) => refused({ inputs }, 'RJS_INPUT_RANGE'));
    }
  });

  it('do not read the inputs where nothing is judged, as in training', async () => {
    await withTensor(tensor2d([[0], [1.01], [1]]), async (inputs) => {
      await expectClose((await attacked(proposing([]), { inputs, keep: 'last' })).adversarial, [0, 1.01, 1], { relative: 1e-6 });
    });
  });

  it('want labels, targets and ids for every input', async () => {
    await withTensor(tensor1d([0, 1], 'int32'), async (two) => {
      await refused({ labels: two }, 'RJS_BATCH');
      await refused({ targets: two }, 'RJS_BATCH');
    });
    await refused({ ids: [1, 2] }, 'RJS_BATCH');
    await withTensor(tensor1d([0, 0, 1]), async (floats) => {
      await refused({ labels: floats }, 'RJS_BATCH');
      await refused({ targets: floats }, 'RJS_BATCH');
    });
  });

  it('want a branch that the model has', async () => {
    await refused({ route: one('aux') }, 'RJS_BRANCH');
  });

  it('take a batch of no rows, and do not run the search', async () => {
    const model = tinyCnn();
    const inputs = fill([0, 8, 8, 1], 0);
    const labels = tensor1d([], 'int32');
    const attack: Attack = { ...proposing([]), search: () => Promise.reject(new Error('not to be run')) };
    const result = await runAttack(attack, { model, inputs, labels, ids: [], threat: linf(0.1), random: randomStream(0) });
    expect(result.adversarial.shape).toEqual([0, 8, 8, 1]);
    expect([result.success.length, result.values.length, result.distances.length, result.rejected.length]).toEqual([0, 0, 0, 0]);
    [inputs, labels, result.adversarial].forEach((x) => x.dispose());
    model.dispose();
  });
});

describe('a tidy of the attack\'s own', () => {
  it('around gradient, query and offer changes nothing', async () => {
    const found = (keep: 'best' | 'last', around: (work: () => void) => void): ReturnType<typeof attacked> =>
      attacked({
        ...proposing([]),
        async search(search) {
          for (const offset of [0.03, 0.08, 0.15]) {
            if (search.rows === 0) return;
            const inputs = tidy(() => add(search.clean, offset));
            around(() => {
              dispose([search.gradient(inputs), search.query(search.clean)]);
              search.offer(inputs);
            });
            inputs.dispose();
            await search.compact();
          }
        },
      }, { keep });
    for (const keep of ['best', 'last'] as const) {
      const within = await expectNoLeak(() => found(keep, (work) => tidy(work)));
      expect(within).toEqual(await found(keep, (work) => work()));
      expect(within.success).toEqual(keep === 'best' ? [true, true, false] : [false, false, false]);
      await expectClose(within.adversarial, keep === 'best' ? [0.55, 0.53, 0.9] : [0.55, 0.6, 1.05], { relative: 1e-6 });
    }
  });
});

describe('ownership', () => {
  it('is the framework\'s of what a plain function makes on the way to its output', () => {
    const model = modelOf((x) => mul(add(x, 1), 2), { inputShape: [1] });
    const inputs = tensor2d([[1]]);
    const outputs = expectNoLeak(() => model.forward(inputs, evaluation()), 1);
    return outputs.then((y) => dispose([inputs, y]));
  });

  it('returns one tensor and takes none: inputs, labels and the objective\'s tensors stay the caller\'s', async () => {
    const model = tinyCnn();
    const batch = tinyBatch(model);
    const result = await expectNoLeak(() => runAttack(pgd({ steps: 3, restarts: 2 }), { model, ...batch, threat: linf(0.1), random: randomStream(1) }), 1);
    const total = sum(batch.inputs);
    expect(Number.isFinite((await total.data())[0])).toBe(true);
    [result.adversarial, total].forEach((x) => x.dispose());
    batch.dispose();
    model.dispose();
  });
});
