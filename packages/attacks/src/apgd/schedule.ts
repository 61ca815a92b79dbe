/** Share of the steps of a window that must have raised the objective for the step length to stay; rho in the paper. */
export const RHO = 0.75;

/**
 * After how many steps APGD looks whether to halve: windows that shrink from 22 % of the steps by 3 % to 6 %, in whole steps
 * as the code counts them (Croce and Hein, ICML 2020, section 3.1).
 */
export function checkpoints(steps: number): readonly number[] {
  const share = (part: number): number => Math.max(Math.floor(part * steps), 1);
  const [shrink, shortest] = [share(0.03), share(0.06)];
  const found: number[] = [];
  let window = share(0.22);
  for (let at = window; at <= steps; at += window) {
    found.push(at);
    window = Math.max(window - shrink, shortest);
  }
  return found;
}

/** Steps in each window: between a checkpoint and the one before it. */
export const windows = (steps: number): ReadonlyMap<number, number> =>
  new Map(checkpoints(steps).map((at, i, all) => [at, at - (all[i - 1] ?? 0)]));

/** Steps between two looks at the L1 step: 4 % of all (Croce and Hein, ICML 2021, section 3.3). */
export const sparseWindow = (steps: number): number => Math.max(Math.floor(0.04 * steps), 1);

/**
 * Phases that shrink the L1 budget from three times eps to eps, 30, 30 and 40 % of the steps (section 3.4 there). The last one
 * always has a step; with fewer than three steps it is the only one.
 */
export function phases(steps: number): readonly { readonly budget: number; readonly steps: number }[] {
  const wide = Math.min(Math.ceil(0.3 * steps), Math.floor((steps - 1) / 2));
  const all = [{ budget: 3, steps: wide }, { budget: 2, steps: wide }, { budget: 1, steps: steps - 2 * wide }];
  return all.filter((phase) => phase.steps > 0);
}
