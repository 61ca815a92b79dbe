import {
  abs, add, cast, greater, greaterEqual, lessEqual, logicalAnd, logicalNot, logicalOr, max, min, sum, type Tensor,
  type Tensor1D, where,
} from '@tensorflow/tfjs-core';
import type { Criterion } from './loss.ts';
import type { Bounds } from './model.ts';
import { flatRows, overRows } from './rows.ts';
import type { ThreatModel } from './threat.ts';

/** Row-wise tensors of a batch under attack: what is attacked, and the best found so far. */
export type Rows = {
  readonly clean: Tensor;
  /** Labels, or targets of a targeted attack. */
  readonly goals: Tensor1D;
  readonly best: Tensor;
  /** Objective at the best; -Infinity before the first proposal. */
  readonly values: Tensor1D;
  readonly success: Tensor1D;
  /** Proposals so far that were not finite or not allowed. */
  readonly rejected: Tensor1D;
};

/** A proposal, with what the model and the objective said of it. */
export interface Proposal {
  readonly inputs: Tensor;
  readonly outputs: Tensor;
  readonly values: Tensor1D;
}

/** Who decides: the threat model with its bounds, and the criterion. */
export interface Judge {
  readonly threat: ThreatModel;
  readonly bounds: Bounds;
  readonly criterion: Criterion;
}

// Float error of a projection: a share of the budget, and a share of the bounds, whose values are rounded more coarsely
// the larger they are.
const SLACK = { ofBudget: 1e-5, ofBounds: 1e-6 };
const LARGEST = 3.4e38;

/**
 * The rows after a proposal: the first adversarial one stays, whatever follows, so that a result does not depend on
 * when broken rows leave the batch; until then the largest objective does. Comparisons with NaN are false, so a row
 * that is not finite is never taken. Runs inside the caller's tidy.
 */
export function improve(rows: Rows, { inputs, outputs, values }: Proposal, judge: Judge): Rows {
  const allowed = logicalAnd(isAllowed(inputs, rows.clean, judge), lessEqual(sum(abs(outputs), 1), LARGEST));
  const hit = logicalAnd(allowed, judge.criterion(outputs, rows.goals));
  const larger = logicalAnd(allowed, greater(values, rows.values));
  const better = logicalAnd(logicalNot(rows.success), logicalOr(hit, larger));
  return {
    clean: rows.clean,
    goals: rows.goals,
    best: where(overRows(better, inputs), inputs, rows.best),
    values: where(better, values, rows.values),
    success: logicalOr(rows.success, hit),
    rejected: add(rows.rejected, cast(logicalNot(allowed), 'int32')),
  };
}

/** Whether each row lies in the ball and in the box, `[N]`. */
function isAllowed(inputs: Tensor, clean: Tensor, { threat, bounds: [low, high] }: Judge): Tensor1D {
  const slack = SLACK.ofBounds * Math.max(Math.abs(low), Math.abs(high));
  const inBall = lessEqual(threat.distance(inputs, clean), threat.eps * (1 + SLACK.ofBudget) + slack);
  const flat = flatRows(inputs);
  const inBox = logicalAnd(greaterEqual(min(flat, 1), low - slack), lessEqual(max(flat, 1), high + slack));
  return logicalAnd(inBall, inBox);
}
