import type { Objective, RandomStream, Search } from '@robustjs/core';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';
import type { Settings } from './apgd.ts';
import { climb } from './climb.ts';
import { overRowsOnHost, within } from './l1-step.ts';
import { momentumRule } from './momentum-rule.ts';
import { phases } from './schedule.ts';
import { sparseRule } from './sparse-rule.ts';

/** What all runs of an attack share. */
export interface Runs extends Settings {
  /** The objective for the rows that `aside` belongs to. Absent: the attack's own. */
  readonly objective?: (aside: readonly Tensor[]) => Objective;
}

/** Runs from several random starts. Takes `aside`, row-wise tensors, over and returns it for the rows that still stand. */
export async function restarted(search: Search, runs: Runs, random: RandomStream, aside: readonly Tensor[]): Promise<Tensor[]> {
  let kept = [...aside];
  for (let restart = 0; restart < runs.restarts && search.rows > 0; restart++) {
    const [best, ...rest] = await oneRun(search, runs, random.split('start', restart), kept);
    if (search.rows > 0) search.offer(best);
    dispose(best);
    // What the last offer broke leaves before the next run.
    kept = await search.compact(...rest);
  }
  return kept;
}

/** One run from one random start; returns its best iterate and `aside`, for the rows that still stand. */
function oneRun(search: Search, runs: Runs, random: RandomStream, aside: readonly Tensor[]): Promise<[Tensor, ...Tensor[]]> {
  if (search.threat.norm === 'L1') return sparseRun(search, runs, random, aside);
  const start = search.threat.randomStart(search.clean, search.ids, random, search.bounds);
  return climb(search, start, { ...runs, rule: momentumRule(search, runs.steps) }, aside);
}

/** Under L1 in one phase or in three, each of which starts at the best of the last, projected onto its own smaller ball. */
async function sparseRun(search: Search, runs: Runs, random: RandomStream, aside: readonly Tensor[]): Promise<[Tensor, ...Tensor[]]> {
  const [first, ...others] = (runs.wideStart ? phases(runs.steps) : [{ budget: 1, steps: runs.steps }]).map((phase) => ({
    eps: phase.budget * search.threat.eps,
    steps: phase.steps,
    given: runs.wideStart,
    probe: phase.budget > 1,
  }));
  const noise = random.normalRows(search.ids, search.clean.shape.slice(1));
  const start = await projected(search, noise, first!.eps, (value) => value);
  let reached = await climb(search, start, { ...runs, ...first!, rule: sparseRule(search, first!) }, aside);
  for (const phase of others) {
    if (search.rows === 0) break;
    const [best, ...kept] = reached;
    const next = await projected(search, best, phase.eps, (value, clean) => value - clean);
    reached = await climb(search, next, { ...runs, ...phase, rule: sparseRule(search, phase) }, kept);
  }
  return reached;
}

/** The clean inputs plus a perturbation that `move` reads from a value, projected onto ball and box; takes the values over. */
async function projected(search: Search, values: Tensor, eps: number, move: (value: number, clean: number) => number): Promise<Tensor> {
  const result = await overRowsOnHost(search, [values], [], ([row], _numbers, clean, box) =>
    within(Float64Array.from(row!, (value, i) => move(value, clean[i]!)), clean, eps, box));
  values.dispose();
  return result;
}
