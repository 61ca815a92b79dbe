import { type Attack, RobustError, type Search } from '@robustjs/core';
import { dispose, greater, logicalOr, type Tensor, type Tensor1D, tidy, where } from '@tensorflow/tfjs-core';
import { DUAL_NORMS, type DualNorm } from '../norms.ts';
import { checkKnown, checkNorm, checkShare, checkWhole, finiteBudget, type ObjectiveName, objectiveNamed } from '../options.ts';
import { chooseRows } from '../rows.ts';
import { energy } from './energy.ts';
import type { Moves } from './moves.ts';
import { changedShare } from './schedule.ts';
import { squares } from './squares.ts';
import type { ImageShape } from './windows.ts';

/** Options of {@link square}. */
export interface SquareOptions {
  /** Proposals in each run, after the first. Default 5000. */
  readonly queries?: number;
  /** Share of an image's pixels that the first proposals change, in (0, 1). Default 0.8. */
  readonly initialShare?: number;
  /**
   * True: the schedule of that share, made for 10 000 queries, is shortened to `queries`. Default false, as in AutoAttack,
   * where 5000 queries end half-way through it.
   */
  readonly rescaleSchedule?: boolean;
  /** Default 1. */
  readonly restarts?: number;
  /** Default `'margin'`. */
  readonly objective?: ObjectiveName;
}

/**
 * Square: random search by scores alone. A query changes a square of an image, and stays where the objective grew. Images
 * `[H, W, C]` of any size. Each image draws its own windows, by its id; the code of AutoAttack draws one window for the whole
 * batch, so that a result there depends on the batch.
 *
 * Source: Andriushchenko et al., ECCV 2020 (arXiv:1912.00049); schedule, L1 and constants from the code of AutoAttack.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_NORM`, `RJS_ATTACK_BUDGET` without a budget and
 * `RJS_ATTACK_INPUT` for inputs that are no images.
 */
export function square(options: SquareOptions = {}): Attack {
  checkKnown(options, ['queries', 'initialShare', 'rescaleSchedule', 'restarts', 'objective']);
  const { rescaleSchedule = false, objective = 'margin' } = options;
  const queries = checkWhole('queries', options.queries ?? 5000, 1);
  const initialShare = checkShare('initialShare', options.initialShare ?? 0.8);
  const restarts = checkWhole('restarts', options.restarts ?? 1, 1);
  const shareAt = (query: number): number => changedShare(query, initialShare, rescaleSchedule ? queries : undefined);
  return {
    id: objective === 'margin' ? 'square' : `square-${objective}`,
    config: { queries, initialShare, rescaleSchedule, restarts, objective },
    objective: objectiveNamed(objective),
    async search(search) {
      const moves = movesUnder[checkNorm(search.threat, DUAL_NORMS)];
      finiteBudget(search.threat);
      const shape = imageShape(search.clean);
      for (let restart = 0; restart < restarts && search.rows > 0; restart++) {
        const random = search.random.split('run', restart);
        let state = await begin(search, await moves.start(search, shape, random.split('start')));
        for (let query = 0; query < queries && search.rows > 0; query++) {
          const side = moves.side(shareAt(query), shape[0], shape[1]);
          state = await keepBetter(search, state, await moves.propose(search, state[0], shape, side, random.split('query', query)));
        }
        if (restart === restarts - 1 && search.rows > 0) search.offer(state[0]);
        dispose(state);
      }
    },
  };
}

const movesUnder: Readonly<Record<DualNorm, Moves>> = { Linf: squares, L2: energy(2), L1: energy(1) };

/** The best images so far, and what the objective is there. */
type State = [best: Tensor, values: Tensor1D];

async function begin(search: Search, start: Tensor): Promise<State> {
  const { values, outputs, adversarial } = search.look(start);
  dispose([outputs, adversarial]);
  return search.compact(start, values);
}

/** Looks at a proposal, and takes it where the objective is larger or the criterion holds. Takes state and proposal over. */
async function keepBetter(search: Search, [best, values]: State, moved: Tensor): Promise<State> {
  const seen = search.look(moved);
  const next = tidy((): State => {
    const better = logicalOr<Tensor1D>(seen.adversarial, greater(seen.values, values));
    return [chooseRows(better, moved, best), where(better, seen.values, values)];
  });
  dispose([best, values, moved, seen.outputs, seen.values, seen.adversarial]);
  return search.compact(...next);
}

function imageShape({ shape }: Tensor): ImageShape {
  if (shape.length === 4) return [shape[1], shape[2], shape[3]];
  throw new RobustError('RJS_ATTACK_INPUT', {
    expected: 'images [H, W, C], in which squares can move',
    got: `inputs of shape [${shape.slice(1).join(', ')}]`,
    fix: 'reshape inside the model, or use another attack',
  });
}
