import {
  add, cast, equal, greater, greaterEqual, less, lessEqual, logicalAnd, logicalNot, logicalOr, max, min, mul, sum, type Tensor,
  type Tensor1D,
} from '@tensorflow/tfjs-core';
import type { Criterion } from './loss.ts';
import type { Bounds } from './model.ts';
import { chooseRows, flatRows } from './rows.ts';
import type { ThreatModel } from './threat.ts';

/** Row-wise tensors of a batch under attack: what is attacked, and the best found so far. */
export type Rows = {
  readonly clean: Tensor;
  /** Labels, or targets of a targeted attack. */
  readonly goals: Tensor1D;
  readonly best: Tensor;
  /** Objective at the best; -Infinity before the first proposal. */
  readonly values: Tensor1D;
  /** Distance of the adversarial input that is kept; Infinity before the first. */
  readonly distances: Tensor1D;
  readonly success: Tensor1D;
  /** Proposals so far that were not allowed. */
  readonly rejected: Tensor1D;
};

/** A proposal, with what the model and the objective said of it. */
export interface Proposal {
  readonly inputs: Tensor;
  /** Whether the outputs are finite. */
  readonly finite: Tensor1D;
  readonly values: Tensor1D;
  readonly adversarial: Tensor1D;
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
 * when broken rows leave the batch; without a budget the nearest one does. Until then the largest objective of finite outputs
 * stays. Comparisons with NaN are false, so an input that is not finite is never taken. Runs inside the caller's tidy.
 */
export function improve(rows: Rows, { inputs, finite, values, adversarial }: Proposal, judge: Judge): Rows {
  const distances = judge.threat.distance(inputs, rows.clean);
  const allowed = isAllowed(inputs, distances, judge);
  const hit = logicalAnd(allowed, adversarial);
  const larger = logicalAnd(logicalAnd(allowed, finite), greater(values, rows.values));
  const first = logicalAnd<Tensor1D>(logicalNot(rows.success), logicalOr(hit, larger));
  const better = judge.threat.eps === Infinity ? logicalOr<Tensor1D>(first, logicalAnd(hit, less(distances, rows.distances))) : first;
  return {
    clean: rows.clean,
    goals: rows.goals,
    best: chooseRows(better, inputs, rows.best),
    values: chooseRows(better, values, rows.values),
    distances: chooseRows(logicalAnd(better, hit), distances, rows.distances),
    success: logicalOr(rows.success, hit),
    rejected: add(rows.rejected, cast(logicalNot(allowed), 'int32')),
  };
}

/** Whether each row, at these distances, lies in the ball and in the box, `[N]`. */
function isAllowed(inputs: Tensor, distances: Tensor1D, { threat, bounds: [low, high] }: Judge): Tensor1D {
  const slack = SLACK.ofBounds * Math.max(Math.abs(low), Math.abs(high));
  // The largest float32 where there is no budget: a distance that is not finite is never allowed.
  const inBall = lessEqual(distances, Math.min(threat.eps * (1 + SLACK.ofBudget) + slack, LARGEST));
  const flat = flatRows(inputs);
  const inBox = logicalAnd(greaterEqual(min(flat, 1), low - slack), lessEqual(max(flat, 1), high + slack));
  return logicalAnd(inBall, inBox);
}

/** Whether all outputs of each row are finite, `[N]`: nothing times anything else is not nothing. */
export const finiteRows = (outputs: Tensor): Tensor1D => equal(sum(mul(flatRows(outputs), 0), 1), 0);
