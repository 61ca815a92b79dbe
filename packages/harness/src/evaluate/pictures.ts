import type { Picture } from '../report/index.ts';
import type { Measured } from './record.ts';
import { sourceOf } from './suite.ts';

/** The leading attacked examples before and after the attack that broke them, or the last that tried, at the last budget. */
export async function picturesOf({ dataset, clean, attackedRows, outcomes }: Measured, count: number): Promise<Picture[]> {
  const outcome = outcomes.at(-1)!;
  return Promise.all(
    Array.from(attackedRows.subarray(0, count), async (row, place) => {
      const { attack, attacked } = sourceOf(outcome, place);
      return {
        id: dataset.ids[row]!,
        label: dataset.labels[row]!,
        cleanPrediction: clean.predicted[row]!,
        adversarialPrediction: attacked.predicted[place]!,
        attack: attack.id,
        eps: outcome.threat.eps,
        shape: dataset.inputShape,
        clean: await dataset.read([row]),
        adversarial: attacked.kept[place]!,
      };
    }),
  );
}
