import { attacks } from '@robustjs/attacks';
import { type Attack, type AttackProblem, linf, type Model, randomStream, runAttack, threatModel } from '@robustjs/core';
import { binaryLinearModel, expectSameBits, numbersOf, type OwnedBatch, tinyBatch, tinyCnn, useWasm } from '@robustjs/testkit';
import { cast, mul, type Tensor1D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { autoAttack, autoAttackMembers } from '../src/index.ts';

useWasm();

const idsOf = (members: readonly Attack[]): string[] => members.map(({ id }) => id);

async function onTinyNetwork(work: (model: Model, batch: OwnedBatch) => Promise<void>, count = 12): Promise<void> {
  const model = tinyCnn();
  const batch = tinyBatch(model, { count });
  await work(model, batch);
  batch.dispose();
  model.dispose();
}

async function attacked(attack: Attack, model: Model, batch: OwnedBatch, more: Partial<AttackProblem> = {}) {
  const result = await runAttack(attack, { model, ...batch, threat: linf(0.04), random: randomStream(4), ...more });
  const adversarial = await numbersOf(result.adversarial);
  result.adversarial.dispose();
  return { ...result, adversarial };
}

const SMALL = [
  { id: 'apgd-ce', options: { steps: 8 } },
  { id: 'apgd-t', options: { steps: 6 } },
  { id: 'fab-t', options: { steps: 4 } },
  { id: 'square', options: { queries: 15 } },
];

it('refuses inputs that are no images before it attacks them, since Square would at the end', async () => {
  const model = binaryLinearModel([1, 1], -1);
  const [inputs, labels] = [tensor2d([[0.4, 0.4]]), tensor1d([0], 'int32')];
  const stopped = runAttack(autoAttack(), { model: { ...model, forward: () => { throw new Error('computed'); } }, inputs, labels, ids: [0], threat: linf(0.1), random: randomStream(0) });
  await expect(stopped).rejects.toMatchObject({ code: 'RJS_ATTACK_INPUT' });
  const without = await runAttack(autoAttack({ version: 'custom', members: SMALL.slice(0, 1) }), { model, inputs, labels, ids: [0], threat: linf(0.2), random: randomStream(0) });
  expect(without.success).toEqual([true]);
  [inputs, labels, without.adversarial].forEach((x) => x.dispose());
  model.dispose();
});

describe('versions', () => {
  // The settings of the authors' code, table 3.1 of the method's sheet.
  it('standard is APGD-CE, APGD-T, FAB-T and Square with 100 steps, 9 targets, 1 run and 5000 queries', () => {
    for (const norm of ['Linf', 'L2']) {
      const members = autoAttackMembers('standard', norm);
      expect(idsOf(members)).toEqual(['apgd-ce', 'apgd-t', 'fab-t', 'square']);
      const [ce, t, fab, square] = members.map(({ config }) => config);
      expect(ce).toEqual({ steps: 100, restarts: 1, eot: 1, wideStart: false });
      expect(t).toEqual({ steps: 100, restarts: 1, eot: 1, wideStart: false, targets: 9 });
      expect(fab).toEqual({ steps: 100, restarts: 1, targets: 9, alphaMax: 0.1, eta: 1.05, beta: 0.9 });
      expect(square).toMatchObject({ queries: 5000, initialShare: 0.8, rescaleSchedule: false, restarts: 1, objective: 'margin' });
    }
  });

  it('standard under L1 has 5 runs of APGD-CE and 5 targets, both in shrinking balls', () => {
    const [ce, t, fab, square] = autoAttackMembers('standard', 'L1').map(({ config }) => config);
    expect(ce).toMatchObject({ restarts: 5, wideStart: true });
    expect(t).toMatchObject({ restarts: 1, targets: 5, wideStart: true });
    expect(fab).toMatchObject({ targets: 9 });
    expect(square).toMatchObject({ queries: 5000 });
  });

  it('plus has both APGDs and FAB with 5 runs, then the targeted ones', () => {
    const members = autoAttackMembers('plus', 'Linf');
    expect(idsOf(members)).toEqual(['apgd-ce', 'apgd-dlr', 'fab', 'square', 'apgd-t', 'fab-t']);
    expect(members.map(({ config }) => config['restarts'])).toEqual([5, 5, 5, 1, 1, 1]);
  });

  it('rand averages 20 gradients in each step of both APGDs', () => {
    const members = autoAttackMembers('rand', 'Linf');
    expect(idsOf(members)).toEqual(['apgd-ce', 'apgd-dlr']);
    expect(members.map(({ config }) => config['eot'])).toEqual([20, 20]);
  });
});

describe('as one attack', () => {
  it('with one member is that member, drawing from a stream under its own', async () => {
    await onTinyNetwork(async (model, batch) => {
      for (const member of SMALL) {
        const attack = autoAttack({ version: 'custom', members: [member] });
        const whole = await attacked(attack, model, batch);
        // A member alone draws from <seed>/<its id>: told here to draw from <seed>/autoattack-custom/<its id>.
        const alone = attacks[member.id]!(member.options);
        const moved: Attack = {
          ...alone,
          id: attack.id,
          objective: attack.objective,
          search: (search) => alone.search(Object.create(search, {
            random: { value: search.random.split(alone.id) },
            gradient: { value: (x: never) => search.gradient(x, { objective: alone.objective }) },
            look: { value: (x: never, look: object = {}) => search.look(x, { objective: alone.objective, ...look }) },
            query: { value: (x: never, look: object = {}) => search.query(x, { objective: alone.objective, ...look }) },
            differentiate: { value: (x: never, look: object = {}) => search.differentiate(x, { objective: alone.objective, ...look }) },
          }) as typeof search),
        };
        const expected = await attacked(moved, model, batch);
        await expectSameBits(whole.adversarial, expected.adversarial);
        expect(whole.success).toEqual(expected.success);
      }
    });
  });

  it('runs a member on the rows that those before it left, from the clean inputs, and breaks what any of them breaks', async () => {
    await onTinyNetwork(async (model, batch) => {
      const prefixes = [1, 2, 3, 4].map((count) => autoAttack({ version: 'custom', members: SMALL.slice(0, count) }));
      const results = [];
      for (const attack of prefixes) results.push(await attacked(attack, model, batch));
      for (let i = 1; i < results.length; i++) {
        const [before, after] = [results[i - 1]!, results[i]!];
        before.success.forEach((success, row) => {
          if (!success) return;
          // Who was broken cost nothing more.
          expect(after.success[row]).toBe(true);
          expect([after.gradientCalls[row], after.queries[row]]).toEqual([before.gradientCalls[row], before.queries[row]]);
        });
      }
      const broken = results.map(({ success }) => success.filter(Boolean).length);
      expect(broken[0]).toBeGreaterThan(0);
      expect(broken.at(-1)).toBeLessThan(12);
    });
  });

  it('gives each member its own objective: a member that maximizes something else goes elsewhere', async () => {
    await onTinyNetwork(async (model, batch) => {
      const never: AttackProblem['criterion'] = (_outputs, labels) => tidy(() => cast<Tensor1D>(mul(labels, 0), 'bool'));
      const of = (id: string): Promise<{ adversarial: number[] }> =>
        attacked({ ...autoAttack({ version: 'custom', members: [{ id, options: { steps: 3 } }] }), id: 'same' }, model, batch, { criterion: never, keep: 'last' });
      expect((await of('apgd-ce')).adversarial).not.toEqual((await of('apgd-dlr')).adversarial);
    });
  });

  it('is never weaker with more members, nor with a larger budget, and leaves nothing at the largest', async () => {
    await onTinyNetwork(async (model, batch) => {
      const attack = autoAttack({ version: 'custom', members: SMALL });
      const counts: number[] = [];
      for (const eps of [0, 0.02, 0.06, 1]) counts.push((await attacked(attack, model, batch, { threat: linf(eps) })).success.filter(Boolean).length);
      expect(counts).toEqual([...counts].sort((a, b) => a - b));
      expect(counts.at(-1)).toBe(12);
    });
  });

  it.each(['Linf', 'L2', 'L1'])('runs with two and three classes under %s', async (norm) => {
    for (const classes of [2, 3]) {
      const model = tinyCnn({ classes });
      const batch = tinyBatch(model, { count: 4, classes });
      const result = await attacked(autoAttack({ version: 'custom', members: SMALL }), model, batch, { threat: threatModel(norm, 100) });
      expect(result.success).toEqual([true, true, true, true]);
      batch.dispose();
      model.dispose();
    }
  });
});

describe('options', () => {
  it.each([
    ['custom without members', () => autoAttack({ version: 'custom' })],
    ['members of a version that has its own', () => autoAttack({ members: SMALL })],
    ['a member of no such name', () => autoAttack({ version: 'custom', members: [{ id: 'toString' }] })],
    ['an option that a member does not know', () => autoAttack({ version: 'custom', members: [{ id: 'apgd-ce', options: { step: 3 } }] })],
    ['no queries', () => autoAttack({ queries: 0 })],
  ])('refuses %s', (_what, create) => {
    expect(create).toThrow(expect.objectContaining({ code: 'RJS_ATTACK_OPTION' }));
  });

  it('are recorded, those of members included', () => {
    expect(autoAttack().config).toEqual({ version: 'standard', queries: 5000 });
    expect(autoAttack({ version: 'custom', members: SMALL.slice(0, 1) }).config).toEqual({
      version: 'custom', members: [{ id: 'apgd-ce', config: { steps: 8, restarts: 1, eot: 1, wideStart: false } }],
    });
  });
});
