import { useWasm } from '@robustjs/testkit';
import { add, dispose, mul, reshape, sub, sum, type Tensor, type Tensor1D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { type Attack, type AttackProblem, l2, linf, modelOf, type Objective, randomStream, runAttack, type Search } from '../src/index.ts';

// Logits (x, 1/2): class 0 right of one half, class 1 left of it.
const model = modelOf((x) => tidy(() => add(mul(x, [[1, 0]]), [[0, 0.5]])), { inputShape: [1] });
const margin: Objective = (outputs, goals) =>
  tidy(() => {
    const difference = sub(reshape(sum(mul(outputs, [[1, -1]]), 1), [-1]), 0);
    return mul<Tensor1D>(difference, sub(mul(goals, 2), 1));
  });

const attackOf = (search: (search: Search) => Promise<void>): Attack => ({ id: 'look', config: {}, objective: margin, search });

async function run(attack: Attack, more: Partial<AttackProblem> = {}) {
  const inputs = tensor2d([0.9, 0.8, 0.6], [3, 1]);
  const labels = tensor1d([0, 0, 0], 'int32');
  try {
    const result = await runAttack(attack, { model, inputs, labels, ids: [0, 1, 2], threat: linf(0.2), random: randomStream(1), ...more });
    const adversarial = [...(await result.adversarial.data())];
    result.adversarial.dispose();
    return { ...result, adversarial };
  } finally {
    dispose([inputs, labels]);
  }
}

const at = (values: readonly number[]): Tensor => tensor2d([...values], [values.length, 1]);

describe('looking at inputs', () => {
  useWasm();

  it('tells outputs, objective, criterion and gradient, beyond the budget too', async () => {
    const told: unknown[] = [];
    await run(attackOf(async (search) => {
      const x = at([0.4, 0.8, 0.6]);
      const { outputs, values, adversarial, gradient } = search.differentiate(x);
      told.push(await outputs.array(), await values.array(), await adversarial.array(), await gradient.array(), search.targeted);
      dispose([x, outputs, values, adversarial, gradient]);
    }));
    // 0.4 lies 0.5 away from 0.9, beyond eps of 0.2; values are 0.5 - x; the gradient of -(x - 1/2) is -1.
    const [outputs, values, adversarial, gradient, targeted] = told as number[][];
    expect((outputs as unknown as number[][]).flat()).toEqual([0.4, 0.5, 0.8, 0.5, 0.6, 0.5].map(Math.fround));
    expect(values!.map((value) => Number(value.toFixed(5)))).toEqual([0.1, -0.3, -0.1]);
    expect(adversarial).toEqual([1, 0, 0]);
    expect(gradient!.flat()).toEqual([-1, -1, -1]);
    expect(targeted).toBe(false);
  });

  it('takes an objective for one call as it is, and judges by the attack\'s own', async () => {
    const three: Objective = (outputs) => tidy(() => mul<Tensor1D>(reshape(sum(mul(outputs, [[1, 0]]), 1), [-1]), 3));
    const seen: number[][] = [];
    const targets = tensor1d([1, 1, 1], 'int32');
    const result = await run(attackOf(async (search) => {
      const x = at([0.85, 0.75, 0.55]);
      const gradient = search.gradient(x, { objective: three });
      const values = search.query(x, { objective: three });
      seen.push([...(await gradient.data())], [...(await values.data())].map((value) => Number(value.toFixed(4))));
      dispose([x, gradient, values]);
    }), { targets });
    targets.dispose();
    expect(seen).toEqual([[3, 3, 3], [2.55, 2.25, 1.65]]);
    // Towards class 1 the search maximizes the negative of the margin away from it: 1/2 - x.
    expect([...result.values].map((value) => Number(value.toFixed(4)))).toEqual([-0.35, -0.25, -0.05]);
  });

  it('counts probes and keeps nothing of them', async () => {
    const result = await run(attackOf(async (search) => {
      const broken = at([0.7, 0.6, 0.4]);
      dispose([search.query(broken, { probe: true }), search.gradient(broken, { probe: true })]);
      broken.dispose();
    }));
    expect(result.success).toEqual([false, false, false]);
    expect(result.adversarial).toEqual([0.9, 0.8, 0.6].map(Math.fround));
    expect([[...result.queries], [...result.gradientCalls], [...result.rejected]]).toEqual([[1, 1, 1], [1, 1, 1], [0, 0, 0]]);
  });

  it('keeps the nearest adversarial input where there is no budget, and lets nobody leave', async () => {
    const proposals = [[0.4, 0.9, 0.1], [0.2, 0.7, 0.45], [0.45, 0.6, 0.3], [0.1, 0.6, 0.2]];
    const rows: number[] = [];
    const result = await run(attackOf(async (search) => {
      for (const proposal of proposals) {
        const x = at(proposal);
        search.offer(x);
        rows.push(search.rows);
        dispose(await search.compact(x));
      }
    }), { threat: l2(Infinity) });
    expect(rows).toEqual([3, 3, 3, 3]);
    // Row 1 never crossed one half: it holds the largest objective, of 0.6.
    expect(result.adversarial).toEqual([0.45, 0.6, 0.45].map(Math.fround));
    expect(result.success).toEqual([true, false, true]);
    expect([...result.distances].map((distance) => Number(distance.toFixed(4)))).toEqual([0.45, 0.2, 0.15]);
  });

  it('never takes what is not finite, though there is no budget', async () => {
    const result = await run(attackOf(async (search) => {
      for (const value of [NaN, -Infinity, -0.5]) {
        const x = at([value, value, value]);
        search.offer(x);
        x.dispose();
      }
    }), { threat: linf(Infinity) });
    expect(result.success).toEqual([false, false, false]);
    expect([...result.rejected]).toEqual([3, 3, 3]);
  });

  it('refuses gradients of a model that only predicts, and still asks it', async () => {
    const closed = { ...model, differentiable: false };
    const gradient = run(attackOf(async (search) => void search.gradient(search.clean)), { model: closed });
    await expect(gradient).rejects.toThrow(expect.objectContaining({ code: 'RJS_NO_GRADIENT' }));
    const asked = await run(attackOf(async (search) => search.offer(search.clean)), { model: closed });
    expect([...asked.queries]).toEqual([1, 1, 1]);
  });

  it('gives stochastic layers a stream that is new in every pass and the same in every run', async () => {
    const draws: number[][] = [[], []];
    const noisy = { ...model, forward: (x: Tensor, pass: Parameters<typeof model.forward>[1]) => (draws.at(-1)!.push(pass.random!.uniform(1)[0]!), model.forward(x, pass)) };
    const twice = attackOf(async (search) => dispose([search.query(search.clean), search.query(search.clean), search.gradient(search.clean)]));
    await run(twice, { model: noisy });
    draws.reverse();
    await run(twice, { model: noisy });
    expect(new Set(draws[0]).size).toBe(3);
    expect(draws[0]).toEqual(draws[1]);
  });
});
