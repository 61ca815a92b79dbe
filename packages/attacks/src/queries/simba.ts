import type { Attack, RandomStream } from '@robustjs/core';
import type { Tensor } from '@tensorflow/tfjs-core';
import { crossEntropyObjective } from '../objectives.ts';
import { checkKnown, checkLength, checkNorm, checkOneOf, checkWhole } from '../options.ts';
import { imageAxes } from '../images.ts';
import { askByRow, type Questions, type Row } from './by-row.ts';
import { frequencyOrder, frequencyVector } from './frequencies.ts';
import { distanceOf, inCube, moved, same } from './vectors.ts';

/** Options of {@link simba}. */
export interface SimbaOptions {
  /** Forward passes a row, at least 1. Default 10000. */
  readonly queries?: number;
  /** Length of a step. Default 0.2. */
  readonly alpha?: number | string;
  /** What a step changes: one value, or one frequency of the discrete cosine transform of images or clips. Default `'pixel'`. */
  readonly basis?: 'pixel' | 'dct';
  /** With `'dct'`: frequencies below this one come first, in each direction. Default 4. */
  readonly frequencies?: number;
}

/**
 * SimBA: one basis vector after the other in random order, added or taken off where the label's probability falls. Sees scores.
 * The order is a row's own (the authors' batched code shares it). With a budget, steps that would leave the ball are cut back to the
 * cube under Linf and not tried under L2; without one, a row stops at its first adversarial input, and spends
 * the rest of its queries on it.
 *
 * Source: Guo et al., ICML 2019, algorithm 1; frequencies from low to high in rings, as in the authors' code.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_NORM` under another norm
 * than L2 and Linf, and `RJS_ATTACK_INPUT` for frequencies of inputs without space.
 */
export function simba(options: SimbaOptions = {}): Attack {
  checkKnown(options, ['queries', 'alpha', 'basis', 'frequencies']);
  const basis = checkOneOf('basis', options.basis ?? 'pixel', ['pixel', 'dct']);
  const queries = checkWhole('queries', options.queries ?? 10000, 1);
  const alpha = checkLength('alpha', options.alpha ?? 0.2);
  const frequencies = checkWhole('frequencies', options.frequencies ?? 4, 1);
  return {
    id: basis === 'pixel' ? 'simba' : 'simba-dct',
    config: { queries, alpha, basis, ...(basis === 'dct' && { frequencies }) },
    // The label's probability falls where its cross-entropy rises, which float32 still tells near 1.
    objective: crossEntropyObjective,
    async search(search) {
      const norm = checkNorm(search.threat, ['L2', 'Linf']);
      const directions = basis === 'pixel' ? pixels : frequenciesOf(search.clean, frequencies);
      await askByRow(search, queries, (row) => climb(row, { norm, eps: search.threat.eps, alpha, directions }));
    },
  };
}

/** The basis vectors in the order of one pass over them. */
type Directions = (row: Row, random: RandomStream) => Iterable<Float32Array>;

interface Climb {
  readonly norm: 'L2' | 'Linf';
  readonly eps: number;
  readonly alpha: number;
  readonly directions: Directions;
}

function* climb(row: Row, { norm, eps, alpha, directions }: Climb): Questions {
  let { adversarial, value } = yield row.clean;
  for (let pass = 0, asked = true; asked && !adversarial; pass++) {
    asked = false;
    for (const direction of directions(row, row.random.split('order', pass))) {
      for (const sign of [-1, 1]) {
        const step = moved(row.best, direction, sign * alpha, row.bounds);
        const candidate = norm === 'Linf' ? inCube(step, row.clean, eps) : step;
        // Nothing new at a bound, or beyond the budget.
        if (same(candidate, row.best) || (norm === 'L2' && distanceOf(candidate, row.clean, norm) > eps)) continue;
        asked = true;
        const answer = yield candidate;
        if (!(answer.value > value)) continue;
        row.best = candidate;
        ({ adversarial, value } = answer);
        break;
      }
      if (adversarial) return;
    }
  }
}

function* pixels({ clean }: Row, random: RandomStream): Iterable<Float32Array> {
  for (const place of random.permutation(clean.length)) {
    const direction = new Float32Array(clean.length);
    direction[place] = 1;
    yield direction;
  }
}

function frequenciesOf(inputs: Tensor, first: number): Directions {
  imageAxes(inputs);
  const shape = inputs.shape.slice(1);
  return function* (_row, random) {
    for (const place of frequencyOrder(shape, first, random)) yield frequencyVector(shape, place);
  };
}
