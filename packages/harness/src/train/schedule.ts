import type { ScheduleRecipe } from '../recipe.ts';

/**
 * The factor on the learning rate at a step.
 *
 * - `step`: times `factor` from each milestone on.
 * - `cosine`: a linear rise over the share `warmup`, then half a cosine down towards 0 (Loshchilov and Hutter, ICLR 2017,
 *   equation 5, without restarts).
 * - `cyclic`: linearly up to 1 at the share `peak`, then down (Smith and Topin 2017), read at the middle of a step so
 *   that neither the first nor the last step is lost.
 *
 * @param step steps done before, from 0 up to `steps - 1`.
 */
export function scheduleFactor(schedule: ScheduleRecipe, step: number, steps: number): number {
  const done = step / steps;
  switch (schedule.id) {
    case 'constant':
      return 1;
    case 'step':
      return schedule.factor ** schedule.milestones.filter((milestone) => done >= milestone).length;
    case 'cosine': {
      const { warmup } = schedule;
      if (done < warmup) return Math.min(1, (step + 1) / (warmup * steps));
      return (1 + Math.cos((Math.PI * (done - warmup)) / (1 - warmup))) / 2;
    }
    case 'cyclic': {
      const middle = (step + 0.5) / steps;
      return middle < schedule.peak ? middle / schedule.peak : (1 - middle) / (1 - schedule.peak);
    }
  }
}
