import type { Picture } from '../report/index.ts';
import type { Measured } from './record.ts';
import { keptAt } from './suite.ts';

/** The leading attacked examples before and after the attack that broke them, or the last that tried, at the last budget. */
export async function picturesOf({ dataset, clean, attackedRows, outcomes }: Measured, count: number): Promise<Picture[]> {
  const outcome = outcomes.at(-1)!;
  return Promise.all(
    Array.from(attackedRows.subarray(0, count), async (row, place) => {
      // The attack that broke it, else the last that tried.
      const breaker = outcome.breaker[place]!;
      const part = outcome.parts[breaker >= 0 ? breaker : outcome.parts.length - 1]!;
      return {
        id: dataset.ids[row]!,
        label: dataset.labels[row]!,
        cleanPrediction: clean.predicted[row]!,
        adversarialPrediction: part.attacked.predicted[part.places.indexOf(place)]!,
        attack: part.attack.id,
        eps: outcome.threat.eps,
        shape: dataset.inputShape,
        clean: await dataset.read([row]),
        adversarial: keptAt(part, place)!,
      };
    }),
  );
}
