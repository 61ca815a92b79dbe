import type { Attack } from '@robustjs/core';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNorm, checkWhole } from '../options.ts';
import { askByRow, type Questions, type Row } from '../queries/by-row.ts';
import { distanceOf } from '../queries/vectors.ts';

/** Options of {@link saltAndPepper}. */
export interface SaltAndPepperOptions {
  /** Forward passes a row, at least 1. Default 1000. */
  readonly queries?: number;
}

/**
 * Salt and pepper: random pixels to the ends of the range, in all channels, with a share that grows until the decision changes and
 * then closes in. Sees decisions alone, and looks for a small L2 distance.
 *
 * Source: Foolbox, `SaltAndPepperNoiseAttack`.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM` under another norm than L2.
 */
export function saltAndPepper(options: SaltAndPepperOptions = {}): Attack {
  checkKnown(options, ['queries']);
  const queries = checkWhole('queries', options.queries ?? 1000, 1);
  return {
    id: 'salt-and-pepper',
    config: { queries },
    objective: marginObjective,
    async search(search) {
      checkNorm(search.threat, ['L2']);
      // All but the first query, of the clean input, and the last, of the best.
      await askByRow(search, queries, (row) => sprinkle(row, Math.max(1, queries - 2)));
    },
  };
}

export function* sprinkle(row: Row, steps: number): Questions {
  if ((yield row.clean).adversarial) return;
  let nearest = Infinity;
  let [least, most, rise] = [0, 1, 1 / steps];
  let share = rise;
  for (let step = 0; step < steps; step++) {
    const noisy = salted(row, share, step);
    const distance = distanceOf(noisy, row.clean, 'L2');
    const closer = (yield noisy).adversarial && distance < nearest;
    if (closer) {
      [nearest, row.best] = [distance, noisy];
      [least, most] = [0.5 * share, Math.min(1.2 * share, 1)];
      rise = (most - least) / (steps - step);
    }
    if (closer || share === most) share = least;
    share = Math.min(share + rise, most);
  }
}

/** Each pixel to the upper end with half this probability, to the lower with the other half. */
export function salted({ clean, shape, bounds: [low, high], random }: Row, share: number, step: number): Float32Array {
  const channels = shape.length > 1 ? shape.at(-1)! : 1;
  const draws = random.split('pixels', step).uniform(clean.length / channels);
  return clean.map((value, i) => {
    const u = draws[Math.floor(i / channels)]!;
    return u >= 1 - share / 2 ? high : u < share / 2 ? low : value;
  });
}
