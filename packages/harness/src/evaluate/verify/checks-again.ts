import { type Branch, threatModel } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';
import { cleanOutcome } from '../clean.ts';
import type { Context } from '../context.ts';
import { AttackBook } from '../engine/attack-ref.ts';
import { localExecutor } from '../engine/executor.ts';
import { jobsOf } from '../engine/jobs.ts';
import type { Workbench } from '../engine/task.ts';
import type { Entry } from '../entry.ts';
import { Found } from '../found.ts';
import type { Finding } from '../sanity/check.ts';
import { gradientExists, gradientNotZero } from '../sanity/gradient-checks.ts';
import { checkIds } from '../sanity/ids.ts';
import { deterministic, logitsNotProbabilities } from '../sanity/model-checks.ts';
import type { Subject } from '../subject.ts';
import type { Check } from './verified.ts';

/** What the checks are made on anew. */
export interface AgainOptions {
  readonly subject: Subject;
  readonly branch: Branch;
  /** The examples evaluated, in the order of evaluation. */
  readonly evaluated: Dataset;
  /** How many of them were attacked. */
  readonly attacked: number;
  readonly batchSize: number;
}

// As many as an evaluation looks at.
const ROWS = 100;

/** The checks that cost a few passes, made anew: S02, S03, S05, S06. */
export async function checksAgain(entry: Entry, { subject, branch, evaluated, attacked, batchSize }: AgainOptions): Promise<readonly Finding[]> {
  const { model, weightsHash } = subject;
  const [route, seed, book] = [{ kind: 'one', branch } as const, SEED, new AttackBook()];
  const bench: Workbench = { model, dataset: evaluated, route, seed, weightsSha256: null, weightsHash, others: {}, attack: (ref) => book.attack(ref) };
  const jobs = jobsOf({ executor: localExecutor(bench), journal: undefined, ids: evaluated.ids, batchSize, signal: undefined, onProgress: undefined, onSeconds: () => {} });
  const rows = evaluated.ids.map((_, row) => row);
  const [s02, s05] = [await deterministic({ jobs }, rows.subarray(0, ROWS)), await gradientExists(jobs, rows, model)];
  const threat = entry.evaluations.at(-1)?.threat;
  const found = new Found({ norm: threat?.type ?? 'Linf', eps: threat?.eps ?? 0 });
  const context: Context = { jobs, book, bench, model, classes: evaluated.classes, dataset: evaluated, route, seed, flat: s05.status !== 'pass', stochastic: s02.status !== 'pass', found, others: [] };
  const clean = await cleanOutcome(context, rows);
  const correct = rows.subarray(0, attacked).filter((row) => clean.correct[row]).subarray(0, ROWS);
  const s06 = threat === undefined ? [] : [await gradientNotZero(context, correct, threatModel(threat.type, threat.eps))];
  return [s02, logitsNotProbabilities(clean), s05, ...s06];
}

const SEED = 20_240_229;

/** Checks that are made wherever an example is classified correctly, whatever the model, the suite and the mode. */
const ALWAYS: readonly string[] = ['S02', 'S03', 'S06', 'S08', 'S10', 'S19', 'S20', 'S23', 'S25', 'S29', 'S30'];

/** Every check is recorded once, none is left out that could be made, and those made anew came out as recorded. */
export function checkChecks(check: Check, { sanity, model, clean, protocol }: Entry, again: readonly Finding[], stochastic: boolean): void {
  const ids = sanity.map(({ id }) => id);
  const once = ids.join() === checkIds.join();
  check('checks', once, once ? 'S01 to S30, each once' : `not S01 to S30 each once: ${checkIds.filter((id) => !ids.includes(id)).join(', ') || ids.filter((id, i) => ids.indexOf(id) !== i || !checkIds.includes(id)).join(', ') || 'in another order'}`);
  const skippedIds = sanity.filter(({ status }) => status === 'skipped').map(({ id }) => id);
  const unasked = skippedIds.filter((id) => (ALWAYS.includes(id) && (clean.correct > 0 || id < 'S06' || id === 'S23' || id === 'S30')) || (id === 'S01' && model.weightsSha256 !== null));
  check('checks left out', unasked.length === 0, unasked.length === 0 ? 'none that could be made' : unasked.join(', '));
  check('randomness', model.stochastic === stochastic, `passes ${stochastic ? 'differ' : 'are all alike'}, recorded as ${model.stochastic ? 'stochastic' : 'deterministic'}`);
  for (const { id, status, note } of again) {
    const recorded = sanity.find((one) => one.id === id)?.status;
    // A model that draws random numbers by design need not agree with itself. Warnings hang on single rows, which a backend may see differently.
    const expected = id === 'S02' && protocol.randomized && status === 'fail' ? 'info' : status;
    const kind = (of: typeof recorded): string | undefined => (of === 'warn' ? 'pass' : of);
    check(id, kind(recorded) === kind(expected), `${expected}, recorded as ${recorded ?? 'nothing'}: ${note}`);
  }
}
