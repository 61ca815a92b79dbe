import type { Attack, Search } from '@robustjs/core';
import { add, cast, fill, max, mul, notEqual, type Tensor, tidy, where } from '@tensorflow/tfjs-core';
import type { Norm } from '../catalogue.ts';
import { crossEntropyObjective } from '../objectives.ts';
import { checkKnown, checkLength, checkNorm, checkWhole, finiteBudget } from '../options.ts';
import { framed } from './framing.ts';
import { descendInMask, grey, type InMaskOptions } from './in-mask.ts';
import { randomWindows } from './patch.ts';
import { pixels } from './pixels.ts';
import { patchSize } from './roa.ts';

/** Options of attacks that draw their mask or their start. */
export interface RandomMaskOptions extends InMaskOptions {
  /** How often to start anew; each restart takes only the rows that still stand. Default 1. */
  readonly restarts?: number;
}

/**
 * Adversarial framing, for one input at a time: sign steps of the border's values from a random start, for threat models made by
 * `framing`. The universal frame of the paper is a special case of `universalPatch`'s idea and is not this.
 *
 * Source: Zajac et al., AAAI 2019; per example as in Lo and Patel, T-IP 2021, whose settings are `{ steps: 5, alpha: 1 }`.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_NORM` under another threat model.
 */
export const adversarialFraming = (options: RandomMaskOptions = {}): Attack =>
  build('adversarial-framing', 'framing', options, (search) => framed(search.clean, finiteBudget(search.threat)), (search, mask, random) => tidy(() => {
    const [low, high] = search.bounds;
    const noise = add(mul(random.uniformRows(search.ids, search.clean.shape.slice(1)), high - low), low);
    return where(mask, noise, search.clean);
  }));

/**
 * A patch at a random place, in each frame of a clip at one of its own: sign steps from grey, without a search for the place.
 * For threat models made by `patch`. A lower bar for `roa`.
 *
 * Source: Lo and Patel, T-IP 2021, whose settings are `{ steps: 5, alpha: 1 }`.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_NORM` under another threat model.
 */
export const randomPatch = (options: RandomMaskOptions = {}): Attack =>
  build('random-patch', 'patch', options, (search, random) => randomWindows(search.clean, search.ids, random.split('place'), ...patchSize(search.threat)), grey);

/**
 * Random pixels: as many positions as the budget allows, drawn in each frame, then sign steps of their values from the lowest. For threat
 * models made by `pixels`. Salt and pepper whose colours are optimized, which Lo and Patel call SPA (they draw with
 * replacement).
 *
 * Source: Lo and Patel, T-IP 2021, whose settings are `{ steps: 5, alpha: 1 }`.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_NORM` under another threat model.
 */
export const randomPixels = (options: RandomMaskOptions = {}): Attack =>
  build('random-pixels', 'pixels', options, randomPositions, (search, mask) => tidy(() => where(mask, fill(search.clean.shape, search.bounds[0]), search.clean)));

type Random = Search['random'];

function build(
  id: string,
  norm: Norm,
  options: RandomMaskOptions,
  maskOf: (search: Search, random: Random) => Tensor,
  startOf: (search: Search, mask: Tensor, random: Random) => Tensor,
): Attack {
  checkKnown(options, ['steps', 'alpha', 'restarts']);
  const { alpha } = options;
  const steps = checkWhole('steps', options.steps ?? 30, 1);
  const restarts = checkWhole('restarts', options.restarts ?? 1, 1);
  const fixedAlpha = alpha === undefined ? undefined : checkLength('alpha', alpha);
  return {
    id,
    config: { steps, alpha: fixedAlpha ?? 'range / 20', restarts },
    objective: crossEntropyObjective,
    async search(search) {
      checkNorm(search.threat, [norm]);
      finiteBudget(search.threat);
      for (let restart = 0; restart < restarts && search.rows > 0; restart++) {
        const random = search.random.split('start', restart);
        const mask = tidy(() => byRow(search, maskOf(search, random)));
        await descendInMask(search, mask, startOf(search, mask, random), { steps, alpha: fixedAlpha });
      }
    },
  };
}

/** A mask with as many rows as there are inputs, which can leave one by one. */
const byRow = (search: Search, mask: Tensor): Tensor =>
  mask.shape[0] === search.rows ? mask : cast(mul(cast(mask, 'int32'), fill([search.rows, ...search.clean.shape.slice(1).map(() => 1)], 1, 'int32')), 'bool');

/** Random positions of each frame: those that a random start of the threat model moves, told by two unlike images. */
function randomPositions(search: Search, random: Random): Tensor {
  return tidy(() => {
    // Over -1, outside of [0, 1), every draw is a change.
    const below = fill(search.clean.shape, -1);
    const start = pixels(search.threat.eps).randomStart(below, search.ids, random.split('place'), [0, 1]);
    return cast(max(cast(notEqual(start, below), 'int32'), -1, true), 'bool');
  });
}
