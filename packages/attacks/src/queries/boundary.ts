import type { Attack } from '@robustjs/core';
import { marginObjective } from '../objectives.ts';
import { checkKnown, checkNorm, checkPoints, checkWhole } from '../options.ts';
import { rowSize } from '../rows.ts';
import { askByRow, type Questions, type Row } from './by-row.ts';
import { adversarialStart, type Starts, startsRecord } from './start.ts';
import { distanceOf, dot, lengthOf, moved } from './vectors.ts';

/** Options of {@link boundary}. */
export interface BoundaryOptions {
  /** Forward passes a row, at least 1. Default 25000. */
  readonly queries?: number;
  /** Adversarial points to start from, flat and by example id, such as images of the target class. Default: noise. */
  readonly starts?: Starts;
}

/**
 * Boundary attack: a random walk on the adversarial side, a step on the sphere around the clean input and one towards it, with
 * lengths that follow how often steps succeed. Sees decisions alone. Towards targets it needs starting points.
 *
 * Source: Brendel, Rauber, Bethge, ICLR 2018, algorithm 1; step adaptation as in Foolbox.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM` under another norm than L2.
 */
export function boundary(options: BoundaryOptions = {}): Attack {
  checkKnown(options, ['queries', 'starts']);
  const { starts } = options;
  checkPoints('starts', starts);
  const queries = checkWhole('queries', options.queries ?? 25000, 1);
  return {
    id: 'boundary',
    config: { queries, starts: startsRecord(starts) },
    objective: marginObjective,
    async search(search) {
      checkPoints('starts', starts, rowSize(search.clean));
      checkNorm(search.threat, ['L2']);
      await askByRow(search, queries, (row) => walk(row, starts));
    },
  };
}

// Of Foolbox: how often the sphere step is judged by itself, and what changes the lengths by how much.
const [JUDGED_EVERY, FACTOR, CONVERGED] = [10, 1.5, 1e-7];

export function* walk(row: Row, starts: Starts | undefined): Questions {
  let point = yield* adversarialStart(row, starts);
  let [sideways, inwards] = [1e-2, 1e-2];
  const [onSphere, inFull] = [new Ring(100), new Ring(30)];
  for (let step = 1; inwards > CONVERGED; step++) {
    const distance = distanceOf(point, row.clean, 'L2');
    if (distance === 0) return;
    const sphere = sphereStep(row, point, sideways, step);
    const candidate = inwardStep(row, sphere, inwards, distance);
    const { adversarial } = yield candidate;
    if (step % JUDGED_EVERY === 0) {
      onSphere.add((yield sphere).adversarial);
      inFull.add(adversarial);
      const [first, second] = [onSphere.factor(0.5, 0.2), inFull.factor(0.25, 0.1)];
      sideways *= first;
      inwards *= first * second;
    }
    if (adversarial && distanceOf(candidate, row.clean, 'L2') < distance) point = row.best = candidate;
  }
}

/** A random step of this share of the distance, across the direction to the clean input, brought back onto the sphere. */
function sphereStep({ clean, random, bounds }: Row, point: Float32Array, share: number, step: number): Float32Array {
  const towards = clean.map((value, i) => value - point[i]!);
  const distance = lengthOf(towards);
  const draw = random.split('walk', step).normal(point.length);
  const along = dot(draw, towards) / distance ** 2;
  const across = draw.map((value, i) => value - along * towards[i]!);
  const scale = (share * distance) / lengthOf(across);
  const offset = across.map((value, i) => scale * value - towards[i]!);
  return moved(clean, offset, 1 / Math.sqrt(1 + share ** 2), bounds);
}

/** A step towards the clean input by this share of the distance, less what the step before already came nearer. */
function inwardStep({ clean, bounds }: Row, sphere: Float32Array, share: number, distance: number): Float32Array {
  const towards = clean.map((value, i) => value - sphere[i]!);
  const there = lengthOf(towards);
  const length = Math.max(0, share * distance + there - distance);
  return there === 0 ? sphere : moved(sphere, towards, length / there, bounds);
}

/** The last results of a kind of step. */
class Ring {
  readonly #size: number;
  #results: boolean[] = [];

  constructor(size: number) {
    this.#size = size;
  }

  add(success: boolean): void {
    this.#results = [...this.#results, success].slice(-this.#size);
  }

  /** What lengths are multiplied by, of a full ring: longer where success is frequent, shorter where it is rare. */
  factor(frequent: number, rare: number): number {
    if (this.#results.length < this.#size) return 1;
    const rate = this.#results.filter(Boolean).length / this.#size;
    const factor = rate > frequent ? FACTOR : rate < rare ? 1 / FACTOR : 1;
    if (factor !== 1) this.#results = [];
    return factor;
  }
}
