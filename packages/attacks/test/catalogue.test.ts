// What the catalogue claims of each attack is verified by running it: under each norm, with and without targets, on a
// model without gradients, on one that only gives decisions, and on one that nothing breaks.
import { type Attack, type AttackProblem, type AttackResult, evaluation, type Model, modelOf, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { numbersOf, type OwnedBatch, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { add, argMax, cast, engine, mod, mul, oneHot, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import * as exported from '../src/index.ts';
import { attacks, catalogue, type Norm, threatNamed } from '../src/index.ts';
import { valueOf } from './formula.ts';
import { SMALL } from './small.ts';

useWasm();

const make = (id: string): Attack => attacks[id]!(SMALL[id]);

/** A threat model of each kind that most attacks break a tiny network under. */
const EPS: Readonly<Record<Norm, number>> = { Linf: 0.3, L2: 2.5, L1: 15, L0: 20, patch: 6, framing: 2, pixels: 20 };
const NORMS = Object.keys(EPS) as Norm[];
const threatOf = (norm: Norm): ThreatModel => threatNamed(norm, EPS[norm]);
const firstThreat = (id: string): ThreatModel => threatOf(catalogue[id]!.norms[0]!);

interface Found extends Omit<AttackResult, 'adversarial'> {
  readonly adversarial: number[];
}

async function run(id: string, more: Partial<AttackProblem> & { wrap?: (model: Model) => Model } = {}): Promise<Found> {
  const { wrap = (model) => model, ...problem } = more;
  const model = tinyCnn();
  const batch = tinyBatch(model);
  // An attack that is refused when it asks for its first gradient has tensors in its hands.
  engine().startScope();
  try {
    const result = await runAttack(make(id), { model: wrap(model), ...batch, threat: firstThreat(id), random: randomStream(1), ...problem });
    const adversarial = await numbersOf(result.adversarial);
    result.adversarial.dispose();
    return { ...result, adversarial };
  } finally {
    engine().endScope();
    batch.dispose();
    model.dispose();
  }
}

async function withTargets(work: (targets: Tensor1D) => Promise<void>): Promise<void> {
  const model = tinyCnn();
  const batch: OwnedBatch = tinyBatch(model);
  const targets = tidy(() => cast<Tensor1D>(mod(add(batch.labels, 1), 3), 'int32'));
  model.dispose();
  batch.dispose();
  await work(targets);
  targets.dispose();
}

const code = (name: string): unknown => expect.objectContaining({ code: name });

describe('the catalogue', () => {
  it('has a row for every attack of the registry, in its order, and no other', () => {
    expect(Object.keys(catalogue)).toEqual(Object.keys(attacks));
  });

  it('knows every attack that is exported, by its id', () => {
    const made = Object.values<unknown>(exported).flatMap((value) => {
      if (typeof value !== 'function') return [];
      try {
        const attack = (value as () => Partial<Attack> | Promise<unknown> | undefined)();
        if (attack instanceof Promise) {
          attack.catch(() => undefined);
          return [];
        }
        return typeof attack?.search === 'function' && attack.id !== undefined ? [attack.id] : [];
      } catch {
        // Wrappers, threat models and makers of patches want arguments; those that are async say so later.
        return [];
      }
    });
    expect(made.sort()).toEqual(Object.keys(attacks).sort());
  });

  it('says of everything where it comes from and what tests it', () => {
    for (const [id, { source, oracle }] of Object.entries(catalogue)) {
      expect(source, id).toMatch(/\d{4}/);
      expect(oracle, id).not.toBe('');
    }
  });
});

describe.each(Object.keys(catalogue))('what it says of %s', (id) => {
  const { norms, targeted, needs, budget, cost } = catalogue[id]!;

  it.each(NORMS)('norms: under %s it runs, or says that it does not', async (norm) => {
    const running = run(id, { threat: threatOf(norm) });
    if (norms.includes(norm)) expect((await running).success).toHaveLength(6);
    else await expect(running).rejects.toThrow(code('RJS_ATTACK_NORM'));
  });

  it('targeted: it reaches targets, or says that it does not take them', async () => {
    await withTargets(async (targets) => {
      const running = run(id, { targets });
      if (targeted) expect((await running).success).toHaveLength(6);
      else await expect(running).rejects.toThrow(code('RJS_ATTACK_TARGETS'));
    });
  });

  it('needs: gradients, or none is taken', async () => {
    const running = run(id, { wrap: (model) => ({ ...model, differentiable: false }) });
    if (needs === 'gradients') await expect(running).rejects.toThrow(code('RJS_NO_GRADIENT'));
    else expect([...(await running).gradientCalls]).toEqual(Array(6).fill(0));
  });

  if (needs === 'decisions' || needs === 'nothing') it('needs: scores are nothing to it', async () => {
    const decides = (model: Model): Model =>
      modelOf((x) => cast(oneHot(argMax<Tensor1D>(model.forward(x, evaluation()), 1), 3), 'float32'), { inputShape: model.inputShape, differentiable: false });
    const [scored, decided] = [await run(id), await run(id, { wrap: decides })];
    expect(decided.success).toEqual(scored.success);
    expect(decided.distances.filter((_, i) => scored.success[i])).toEqual(scored.distances.filter((_, i) => scored.success[i]));
  });

  it('budget: it spends one, or looks for the nearest without', async () => {
    const running = run(id, { threat: threatNamed(catalogue[id]!.norms[0]!, Infinity) });
    if (budget === 'fixed') await expect(running).rejects.toThrow(code('RJS_ATTACK_BUDGET'));
    else expect((await running).success.filter(Boolean).length).toBeGreaterThan(0);
  });

  it('cost: what it takes where nothing breaks', async () => {
    const never: AttackProblem['criterion'] = (_, labels) => tidy(() => cast<Tensor1D>(mul(labels, 0), 'bool'));
    const { gradientCalls, queries } = await run(id, { criterion: never });
    const names = { ...make(id).config, K: 3, d: 64 };
    for (const [counts, formula = '0'] of [[gradientCalls, cost.gradients], [queries, cost.queries]] as const) {
      const value = valueOf(formula.replace('at most ', ''), names);
      if (formula.startsWith('at most ')) expect(Math.max(...counts)).toBeLessThanOrEqual(value);
      else expect([...counts]).toEqual(Array(6).fill(value));
    }
  });
});
