import {
  type Attack, type AttackProblem, type AttackResult, l2, linf, type Model, randomStream, runAttack, type ThreatModel, threatModel,
} from '@robustjs/core';
import { gather, slice, tensor1d } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { expectSameBits, numbersOf } from './close.ts';
import type { TestFunctions } from './conformance.ts';
import { expectNoLeak } from './leaks.ts';
import { expectUnchanged, snapshot } from './state.ts';
import { type OwnedBatch, rowsOf, tinyBatch } from './tiny-batch.ts';
import { tinyCnn } from './tiny-cnn.ts';

/** What {@link attackConformance} asks of an attack. */
export interface AttackSettings extends TestFunctions {
  /** Of Linf, L2 and L1. Default: Linf of 0.1 and L2 of 0.8, where an untrained tiny network loses some rows and keeps others. */
  readonly threats?: readonly ThreatModel[];
  /** Threat models by name. Default: core's. */
  readonly named?: (norm: string, eps: number) => ThreatModel;
  /** It has a `steps` option: more steps must not raise accuracy. Default false. */
  readonly steps?: boolean;
  /** It also looks at inputs beyond the budget, on its way to the nearest adversarial one; those count as rejected. Default false. */
  readonly beyond?: boolean;
}

/** What holds of every attack, whatever it does inside. */
export function attackConformance(name: string, create: (options: object) => Attack, settings: AttackSettings): void {
  const { describe, it, threats = [linf(0.1), l2(0.8)], named = threatModel, steps = false, beyond = false } = settings;
  describe(name, () => {
    it('has an id and a configuration that survives JSON', () => {
      const attack = create({});
      expect(attack.id).not.toBe('');
      expect(JSON.parse(JSON.stringify(attack.config))).toEqual(attack.config);
    });

    for (const threat of threats) {
      describe(`${threat.norm} of ${threat.eps}`, () => {
        const attacked = async (model: Model, batch: OwnedBatch, more: Partial<AttackProblem> & { options?: object } = {}) => {
          const { options = {}, ...problem } = more;
          const result = await runAttack(create(options), { model, ...batch, threat, random: randomStream(3), ...problem });
          const adversarial = await numbersOf(result.adversarial);
          result.adversarial.dispose();
          return { ...result, adversarial };
        };

        it('stays in the ball and in the box, judged again from outside', async () => {
          await onTinyNetwork(async (model, batch) => {
            for (const keep of ['best', 'last'] as const) {
              const result = await runAttack(create({}), { model, ...batch, threat, random: randomStream(3), keep });
              const distance = threat.distance(result.adversarial, batch.inputs);
              expect(Math.max(...(await numbersOf(distance)))).toBeLessThanOrEqual(threat.eps * (1 + 1e-5) + 1e-6);
              const [low, high] = model.bounds;
              expect((await numbersOf(result.adversarial)).every((value) => value >= low && value <= high)).toBe(true);
              if (!beyond) expect([...result.rejected]).toEqual(Array(batch.ids.length).fill(0));
              distance.dispose();
              result.adversarial.dispose();
            }
          });
        });

        it('gives the same bytes for the same seed, and leaves the model alone', async () => {
          await onTinyNetwork(async (model, batch) => {
            const before = await snapshot(model);
            expect(await attacked(model, batch)).toEqual(await attacked(model, batch));
            await expectUnchanged(model, before);
          });
        });

        it('gives a row the same bytes alone, in another order and in the whole batch', async () => {
          await onTinyNetwork(async (model, batch) => {
            const whole = await runAttack(create({}), { model, ...batch, threat, random: randomStream(3) });
            for (const places of [[5, 2, 0, 4, 1, 3], [4], [1, 3]]) {
              const part = rowsOf(batch, places);
              const result = await runAttack(create({}), { model, ...part, threat, random: randomStream(3) });
              const indices = tensor1d(places, 'int32');
              const expected = gather(whole.adversarial, indices);
              await expectSameBits(result.adversarial, expected);
              expect(result.success).toEqual(places.map((place) => whole.success[place]));
              expect([...result.gradientCalls]).toEqual(places.map((place) => whole.gradientCalls[place]));
              [expected, indices, result.adversarial].forEach((x) => x.dispose());
              part.dispose();
            }
            whole.adversarial.dispose();
          });
        });

        it('returns the inputs to the bit when eps is 0', async () => {
          await onTinyNetwork(async (model, batch) => {
            const nothing = named(threat.norm, 0);
            const result = await runAttack(create({}), { model, ...batch, threat: nothing, random: randomStream(3) });
            await expectSameBits(result.adversarial, batch.inputs);
            result.adversarial.dispose();
          });
        });

        it('leaks no tensor, nor when it is stopped', async () => {
          await onTinyNetwork(async (model, batch) => {
            await expectNoLeak(() => attacked(model, batch));
            await expectNoLeak(() => attacked(model, batch, { keep: 'last' }));
            await expectNoLeak(() => attacked(model, batch, { signal: AbortSignal.abort() }).then(() => {}, () => {}));
          });
        });

        it('takes a batch of no rows', async () => {
          await onTinyNetwork(async (model, batch) => {
            const inputs = slice(batch.inputs, [0], [0]);
            const labels = slice(batch.labels, [0], [0]);
            const result = await attacked(model, { ...batch, inputs, labels, ids: new Int32Array(0) });
            expect(result.adversarial).toEqual([]);
            expect(result.success).toEqual([]);
            inputs.dispose();
            labels.dispose();
          });
        });

        // An attack of one step, or of none, has nothing to compare.
        if (steps) it('never raises accuracy with more steps', async () => {
          await onTinyNetwork(async (model, batch) => {
            const broken = async (count: number): Promise<number> => successes(await attacked(model, batch, { options: { steps: count } }));
            const counts = [await broken(1), await broken(4), await broken(16)];
            expect(counts).toEqual([...counts].sort((a, b) => a - b));
          });
        });
      });
    }
  });
}

const successes = ({ success }: Pick<AttackResult, 'success'>): number => success.filter(Boolean).length;

async function onTinyNetwork(work: (model: Model, batch: OwnedBatch) => Promise<void>): Promise<void> {
  const model = tinyCnn();
  const batch = tinyBatch(model);
  await work(model, batch);
  batch.dispose();
  model.dispose();
}
