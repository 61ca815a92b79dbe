import type { Defense, Model } from '@robustjs/core';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { expectSameBits, numbersOf } from './close.ts';
import type { TestFunctions } from './conformance.ts';
import { finiteDifference, steepestWeights } from './finite-differences.ts';
import { expectNoLeak } from './leaks.ts';
import { expectUnchanged, restore, snapshot } from './state.ts';
import { type OwnedBatch, rowsOf, tinyBatch } from './tiny-batch.ts';
import { tinyNetworkFor, type TinyOptions } from './tiny-cnn.ts';
import { descend, lossAndGradients, lossOf, type RecordedAttack, trainingStep, trainingTools, withObjective } from './training.ts';

/** What {@link defenseConformance} asks of a defense. */
export interface DefenseSettings extends TestFunctions {
  /** It draws random numbers: another seed must give another loss or other adversarial rows. */
  readonly stochastic: boolean;
  /** It has an `eps` option: at zero its adversarial rows must equal the clean ones. */
  readonly eps: boolean;
  /** It compares the rows of a batch with each other, as metric losses do: then what becomes of a row depends on the others. Default false. */
  readonly compares?: boolean;
}

/** What holds of every defense that trains on batches of labelled inputs. */
export function defenseConformance(create: (options?: object) => Defense, { describe, it, stochastic, eps, compares = false }: DefenseSettings): void {
  describe('training objective', () => {
    it('attacks within the budget and the box', async ({ skip }) => {
      const attacks = await onTinyNetwork(create(), {}, attacksOf);
      disposeAll(attacks);
      if (attacks.length === 0) skip();
      for (const { distances, outside, budget } of attacks) {
        expect(Math.max(...distances)).toBeLessThanOrEqual(budget * (1 + 1e-5) + 1e-6);
        expect(outside).toBe(0);
      }
    });

    it('leaves parameters and statistics as they are, to the bit', async () => {
      await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        const before = await snapshot(model);
        await withObjective(defense, model, batch, async (objective) => {
          const { gradients } = await lossAndGradients(objective, model);
          dispose([...gradients]);
          await expectUnchanged(model, before);
        });
        await expectUnchanged(model, before);
      });
    });

    it('gives the same loss and gradients for the same seed, to the bit', async () => {
      await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        const first = await stepValues(defense, model, batch, 1);
        const second = await stepValues(defense, model, batch, 1);
        await expectSameBits(second, first);
      });
    });

    it('gives something else for another seed, where it is stochastic', async ({ skip }) => {
      if (!stochastic) skip();
      await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        const first = await stepValues(defense, model, batch, 1);
        const second = await stepValues(defense, model, batch, 2);
        expect(second).not.toEqual(first);
      });
    });

    it('makes the same adversarial row of an example wherever it stands in the batch', async ({ skip }) => {
      if (compares) skip();
      const attacked = await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        const order = [3, 0, 5, 1, 4, 2];
        const shuffled = rowsOf(batch, order);
        const straight = await attacksOf(defense, model, batch);
        const permuted = await attacksOf(defense, model, shuffled);
        for (const [i, { adversarial }] of straight.entries()) {
          const expected = rowsOf({ ...batch, inputs: adversarial }, order);
          await expectSameBits(permuted[i]!.adversarial, expected.inputs);
          expected.dispose();
        }
        disposeAll([...straight, ...permuted]);
        shuffled.dispose();
        return straight.length;
      });
      if (attacked === 0) skip();
    });

    it('leaks no tensor', async () => {
      await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        await expectNoLeak(() => withObjective(defense, model, batch, async (objective) => {
          const { gradients } = await lossAndGradients(objective, model);
          dispose([...gradients]);
        }));
      });
    });

    it('leaks no tensor when its attack is stopped', async ({ skip }) => {
      const asked = await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        let attacks = 0;
        await expectNoLeak(async () => {
          const tools = trainingTools(model, batch);
          const attack = (): Promise<Tensor> => Promise.reject(new Error(`stopped ${++attacks}`));
          const objective = await defense.objective?.(model, batch, { ...tools, attack }).catch(() => undefined);
          objective?.dispose?.();
          tools.dispose();
        });
        return attacks;
      });
      if (asked === 0) skip();
    });

    it('has the gradient that finite differences give', async () => {
      // Smooth activations: a kink between the two points would spoil the difference.
      await onTinyNetwork(create(), { smooth: true }, async (defense, model, batch) => {
        await withObjective(defense, model, batch, async (objective) => {
          const { gradients } = await lossAndGradients(objective, model);
          const largest = (await steepestWeights(gradients)).sort((a, b) => Math.abs(b.gradient) - Math.abs(a.gradient)).slice(0, 4);
          for (const place of largest) {
            const difference = await finiteDifference(model, place, () => lossOf(objective), 1e-2);
            const { name } = model.parameters[place.parameter]!;
            expect(Math.abs(difference - place.gradient) / Math.abs(place.gradient), name).toBeLessThan(1e-2);
          }
          dispose([...gradients]);
        });
      });
    });

    it('has a loss that one small step lowers', async () => {
      await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        await withObjective(defense, model, batch, async (objective) => {
          const { loss, gradients } = await lossAndGradients(objective, model);
          descend(model, gradients, 1e-2);
          expect(await lossOf(objective)).toBeLessThan(loss);
          dispose([...gradients]);
        });
      });
    });

    it('stays finite over a few whole steps, and its hooks leak nothing', async () => {
      await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        await trainingStep(defense, model, batch);
        await expectNoLeak(async () => {
          for (let seed = 1; seed < 4; seed++) expect(await trainingStep(defense, model, batch, { seed })).toBeGreaterThan(-Infinity);
        });
        for (const values of (await snapshot(model)).values()) expect(values.every(Number.isFinite)).toBe(true);
      });
    });

    it('attacks with the clean rows themselves when eps is 0', async ({ skip }) => {
      if (!eps) skip();
      await onTinyNetwork(create({ eps: 0 }), {}, async (defense, model, batch) => {
        const attacks = await attacksOf(defense, model, batch);
        for (const { inputs, adversarial } of attacks) await expectSameBits(adversarial, inputs);
        disposeAll(attacks);
      });
    });

    if (create().wrap !== undefined) it('wraps without a leak and with the same output twice', async () => {
      await onTinyNetwork(create(), {}, async (defense, model, batch) => {
        await expectNoLeak(async () => {
          const wrapped = defense.wrap!(model);
          const outputs = [0, 1].map(() => wrapped.forward(batch.inputs, { train: false, route: { kind: 'one', branch: wrapped.branches[0]! } }));
          await expectSameBits(outputs[0]!, outputs[1]!);
          expect((await numbersOf(outputs[0]!)).every(Number.isFinite)).toBe(true);
          dispose(outputs);
        });
      });
    });
  });
}

/** A tiny network for the defense after a few steps, so that statistics and weights are not the initial ones. */
async function onTinyNetwork<Result>(
  defense: Defense,
  options: TinyOptions,
  work: (defense: Defense, model: Model, batch: OwnedBatch) => Promise<Result>,
): Promise<Result> {
  const model = tinyNetworkFor(defense, options);
  const batch = tinyBatch(model);
  try {
    for (let seed = 100; seed < 102; seed++) await trainingStep(defense, model, batch, { seed });
    return await work(defense, model, batch);
  } finally {
    batch.dispose();
    model.dispose();
  }
}

interface JudgedAttack extends RecordedAttack {
  readonly distances: readonly number[];
  /** Values outside the box. */
  readonly outside: number;
  readonly budget: number;
}

const disposeAll = (attacks: readonly RecordedAttack[]): void => dispose(attacks.flatMap(({ inputs, adversarial }) => [inputs, adversarial]));

/** The attacks of one step, judged; the caller disposes the rows. */
async function attacksOf(defense: Defense, model: Model, batch: OwnedBatch): Promise<JudgedAttack[]> {
  return withObjective(defense, model, batch, async (_objective, tools) => {
    const [low, high] = model.bounds;
    return Promise.all(tools.attacks.map(async ({ asked, inputs, adversarial }) => {
      const distance = asked.threat.distance(adversarial, inputs);
      const distances = await numbersOf(distance);
      distance.dispose();
      const outside = (await numbersOf(adversarial)).filter((value) => !(value >= low && value <= high)).length;
      return { asked, inputs: inputs.clone(), adversarial: adversarial.clone(), distances, outside, budget: asked.threat.eps };
    }));
  });
}

/** Loss and gradients of one step in a row of numbers. The model is put back. */
async function stepValues(defense: Defense, model: Model, batch: OwnedBatch, seed: number): Promise<number[]> {
  const before = await snapshot(model);
  const values = await withObjective(defense, model, batch, async (objective, tools) => {
    const { loss, gradients } = await lossAndGradients(objective, model);
    const rows: Tensor[] = [...gradients, ...tools.attacks.map(({ adversarial }) => adversarial)];
    const numbers = await Promise.all(rows.map(numbersOf));
    dispose([...gradients]);
    return [loss, ...numbers.flat()];
  }, { seed });
  restore(model, before);
  return values;
}
