import type { Attack } from '@robustjs/core';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNorm, checkPoints, checkWhole } from '../options.ts';
import { rowSize } from '../rows.ts';
import { type Asking, askByRow, type Questions, type Row } from './by-row.ts';
import { adversarialStart, type Starts, startsRecord } from './start.ts';
import { between, distanceOf, inCube, moved, ofLengthOne, same } from './vectors.ts';

/** Options of {@link hopSkipJump}. */
export interface HopSkipJumpOptions {
  /** Forward passes a row, at least 1. Default 10000. */
  readonly queries?: number;
  /** Probes of the first gradient estimate; the k-th takes `sqrt(k)` times as many. Default 100. */
  readonly probes?: number;
  /** Adversarial points to start from, flat and by example id, such as images of the target class. Default: noise. */
  readonly starts?: Starts;
}

const MOST_PROBES = 10000;
// Halvings of a step before it is given up, so that no row is caught in a corner.
const MOST_HALVINGS = 60;
// Float32 tells no finer shares of the way between two points apart.
const FINEST = 2 ** -20;

/**
 * HopSkipJump: from an adversarial point to the boundary by bisection, along it by a gradient direction estimated from
 * decisions around it, and so on. Sees decisions alone. Needs neither gradients nor scores, and where it finds nearer points
 * than an attack with gradients did, gradients are masked. Towards targets it needs starting points.
 *
 * Source: Chen, Jordan, Wainwright, S&P 2020, algorithm 2, with the first radius, control variate and bisection of its public
 * implementations.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM` under another norm than L2 and Linf.
 */
export function hopSkipJump(options: HopSkipJumpOptions = {}): Attack {
  checkKnown(options, ['queries', 'probes', 'starts']);
  const { starts } = options;
  checkPoints('starts', starts);
  const queries = checkWhole('queries', options.queries ?? 10000, 1);
  const probes = checkWhole('probes', options.probes ?? 100, 1);
  return {
    id: 'hop-skip-jump',
    config: { queries, probes, starts: startsRecord(starts) },
    objective: marginObjective,
    async search(search) {
      checkPoints('starts', starts, rowSize(search.clean));
      const norm = checkNorm(search.threat, ['L2', 'Linf']);
      await askByRow(search, queries, (row) => hops(row, norm, probes, starts));
    },
  };
}

type Norm = 'L2' | 'Linf';

export function* hops(row: Row, norm: Norm, probes: number, starts: Starts | undefined): Questions {
  const start = yield* adversarialStart(row, starts);
  let distance = distanceOf(start, row.clean, norm);
  if (distance === 0) return;
  let point = yield* toBoundary(row, start, norm);
  for (let hop = 0; ; hop++) {
    row.best = point;
    distance = distanceOf(point, row.clean, norm);
    // delta = sqrt(d) theta dist with theta = d^-1.5 for L2, d theta dist with theta = d^-2 for Linf: dist / d for both.
    const radius = hop === 0 ? 0.1 * (row.bounds[1] - row.bounds[0]) : distance / point.length;
    const count = Math.min(Math.floor(probes * Math.sqrt(hop + 1)), MOST_PROBES);
    const estimate = yield* boundaryNormal(row, point, { radius, count, hop, norm });
    const direction = norm === 'L2' ? estimate : estimate.map(Math.sign);
    const landed = yield* jump(row, point, direction, distance / Math.sqrt(hop + 1));
    const next = yield* toBoundary(row, landed, norm);
    // A hop that led away from the clean input is not taken: estimates are noisy where the boundary bends.
    if (distanceOf(next, row.clean, norm) <= distance) point = next;
  }
}

/** How a boundary's normal is estimated. */
interface Estimate {
  readonly radius: number;
  readonly count: number;
  readonly hop: number;
  readonly norm: Norm;
}

/** Equation 16 of the paper: the mean of probe directions by decision, of length 1, the mean decision taken off first. */
export function* boundaryNormal(row: Row, point: Float32Array, { radius, count, hop, norm }: Estimate): Asking<Float32Array> {
  const [all, adversarial] = [new Float64Array(point.length), new Float64Array(point.length)];
  let hits = 0;
  for (let probe = 0; probe < count; probe++) {
    const random = row.random.split('probe', hop, probe);
    const draw = norm === 'L2' ? random.normal(point.length) : random.uniform(point.length).map((u) => 2 * u - 1);
    const asked = moved(point, ofLengthOne(draw), radius, row.bounds);
    const hit = (yield asked).adversarial;
    if (hit) hits += 1;
    for (let i = 0; i < point.length; i++) {
      // What the box left of the probe.
      const step = (asked[i]! - point[i]!) / radius;
      all[i]! += step;
      if (hit) adversarial[i]! += step;
    }
  }
  // With v = +-1 and its mean m: sum (v - m) u = 2 sum_hits u - (1 + m) sum u. Where all agree, m is taken as 0.
  const agreed = hits === 0 || hits === count;
  const shift = agreed ? 1 : (2 * hits) / count;
  return ofLengthOne(Float32Array.from(all, (total, i) => 2 * adversarial[i]! - shift * total));
}

/** A geometric search for a step that stays adversarial; the point itself where none does. */
function* jump(row: Row, point: Float32Array, direction: Float32Array, length: number): Asking<Float32Array> {
  for (let halving = 0; halving < MOST_HALVINGS; halving++) {
    const candidate = moved(point, direction, length * 2 ** -halving, row.bounds);
    if (same(candidate, point)) break;
    if ((yield candidate).adversarial) return candidate;
  }
  return point;
}

/** Bisection between the clean input and an adversarial point, on the line for L2 and through shrinking cubes for Linf. */
export function* toBoundary(row: Row, adversarial: Float32Array, norm: Norm): Asking<Float32Array> {
  const reach = norm === 'L2' ? 1 : distanceOf(adversarial, row.clean, 'Linf');
  // The paper's theta is coarse where there are few values and finer than float32 where there are many.
  const theta = Math.max(FINEST, Math.min(1e-3, row.clean.length ** (norm === 'L2' ? -1.5 : -2)));
  let [inside, outside, best] = [0, 1, adversarial];
  while (outside - inside > theta) {
    const middle = (inside + outside) / 2;
    const point = norm === 'L2' ? between(row.clean, adversarial, middle) : inCube(adversarial, row.clean, middle * reach);
    if ((yield point).adversarial) [outside, best] = [middle, point];
    else inside = middle;
  }
  return best;
}
