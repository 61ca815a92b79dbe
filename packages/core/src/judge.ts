import {
  add, cast, equal, greater, greaterEqual, less, lessEqual, logicalAnd, logicalNot, logicalOr, max, min, mul, sum, type Tensor, type Tensor1D,
} from '@tensorflow/tfjs-core';
import type { Criterion } from './loss.ts';
import type { Bounds } from './model.ts';
import { chooseRows, flatRows, fused } from './rows.ts';
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
 * stays. Comparisons with NaN are false, so an input that is not finite is never taken. Runs inside the caller's tidy. Kernel: `JudgeRows`.
 */
export function improve(rows: Rows, { inputs, finite, values, adversarial }: Proposal, { threat, bounds: [lowest, highest] }: Judge): Rows {
  const distances = threat.distance(inputs, rows.clean);
  const slack = SLACK.ofBounds * Math.max(Math.abs(lowest), Math.abs(highest));
  // The largest float32 where there is no budget: a distance that is not finite is never allowed.
  const most = Math.min(threat.eps * (1 + SLACK.ofBudget) + slack, LARGEST);
  const limits = { most, low: lowest - slack, high: highest + slack, nearest: threat.eps === Infinity };
  const { best, values: keptValues, distances: keptDistances, success, rejected } = rows;
  const floats = { inputs, distances, values, best, keptValues, keptDistances };
  const judged = fused<Tensor[]>('JudgeRows', floats, { finite, adversarial, success, rejected }, limits);
  if (judged) return { ...rows, best: judged[0], values: judged[1], distances: judged[2], success: judged[3], rejected: judged[4] } as Rows;
  const flat = flatRows(inputs);
  const inBox = logicalAnd(greaterEqual(min(flat, 1), limits.low), lessEqual(max(flat, 1), limits.high));
  const allowed = logicalAnd(lessEqual(distances, most), inBox);
  const hit = logicalAnd(allowed, adversarial);
  const larger = logicalAnd(logicalAnd(allowed, finite), greater(values, keptValues));
  const first = logicalAnd<Tensor1D>(logicalNot(success), logicalOr(hit, larger));
  const better = limits.nearest ? logicalOr<Tensor1D>(first, logicalAnd(hit, less(distances, keptDistances))) : first;
  return {
    ...rows,
    best: chooseRows(better, inputs, best),
    values: chooseRows(better, values, keptValues),
    distances: chooseRows(logicalAnd(better, hit), distances, keptDistances),
    success: logicalOr(success, hit),
    rejected: add(rejected, cast(logicalNot(allowed), 'int32')),
  };
}

/**
 * Which rows' outputs are finite, and which count as adversarial: outputs that are not finite are a failure of the model, and no
 * target. Kernel: `JudgeOutputs`.
 */
export function verdicts(outputs: Tensor, holds: Tensor1D, targeted: boolean): Pick<Proposal, 'finite' | 'adversarial'> {
  // Nothing times anything else is not nothing.
  const isFinite = (): Tensor1D => equal(sum(mul(flatRows(outputs), 0), 1), 0);
  const judged = fused<Tensor1D[]>('JudgeOutputs', { outputs }, { holds }, { targeted }) ?? [];
  const [finite = isFinite(), adversarial = targeted ? logicalAnd<Tensor1D>(holds, finite) : logicalOr<Tensor1D>(holds, logicalNot(finite))] = judged;
  return { finite, adversarial };
}
