import type { Attack, Search } from '@robustjs/core';
import { add, concat, dispose, expandDims, gather, maximum, mean, mul, neg, slice, sqrt, square, stack, sub, sum, type Tensor, tensor1d, type Tensor1D, tidy } from '@tensorflow/tfjs-core';

/** Rows of a batch that are drawn towards as many targets each. */
export interface TargetedPart {
  readonly count: number;
  readonly targets: number;
}

/** Options of {@link featureAttack}. */
export interface FeatureAttackOptions {
  /** Contiguous rows of the batch, in order; they add up to it. A row's targets come from its own part. */
  readonly parts: readonly TargetedPart[];
  readonly steps: number;
  /** Step length; default: `eps / steps`. */
  readonly alpha?: number | undefined;
  /** The start is the clean input plus uniform noise of up to this. */
  readonly startNoise: number;
}

// The slope of a distance has no bound at zero, and a row may be its own target.
const TINY = 1e-12;

/**
 * Draws every input towards the embeddings of other inputs of its part, labels unseen: the mean distance to its targets is
 * minimized by sign steps (equation J of the sheet; the square there rescales a whole batch, which a sign undoes). With one target it
 * is the single-targeted example, with several the multi-targeted one, which ends where the targets' geometric median is.
 *
 * Source: Singh, Kakizaki, Araki, ACML 2023; the released code.
 */
export function featureAttack({ parts, steps, alpha, startNoise }: FeatureAttackOptions): Attack {
  return {
    id: 'multi-target-features',
    config: { parts, steps, alpha: alpha ?? 'eps / steps', startNoise },
    // What is maximized takes targets, which the search draws: no objective of outputs and labels says it.
    objective: (outputs) => tidy(() => mul<Tensor1D>(sum(outputs, 1), 0)),
    async search(search) {
      let targets = targetsOf(search, parts);
      const length = alpha ?? search.threat.eps / steps;
      let inputs = startOf(search, startNoise);
      for (let step = 0; step < steps && search.rows > 0; step++) {
        const towards = targets;
        const gradient = search.gradient(inputs, { objective: (outputs) => neg(meanDistance(outputs, towards)) });
        const moved = tidy(() => search.project(add(inputs, mul(search.threat.steepest(gradient, inputs, search.bounds), length))));
        dispose([inputs, gradient]);
        [inputs, targets] = await search.compact(moved, targets);
      }
      if (search.rows > 0) search.offer(inputs);
      dispose([inputs, targets]);
    },
  };
}

/** Mean over its targets of each row's distance, `[N]`; targets are `[N, K, d]`. */
export function meanDistance(outputs: Tensor, targets: Tensor): Tensor1D {
  return tidy(() => mean<Tensor1D>(sqrt(maximum(sum(square(sub(expandDims(outputs, 1), targets)), 2), TINY)), 1));
}

/** Targets of every row, `[N, K, d]`: embeddings of its part's clean inputs, by a random permutation each. */
function targetsOf(search: Search, parts: readonly TargetedPart[]): Tensor {
  const { outputs, values, adversarial } = search.look(search.clean, { probe: true });
  const most = Math.max(...parts.map(({ targets }) => targets));
  const result = tidy(() => {
    let start = 0;
    const ofParts = parts.map(({ count, targets }, part) => {
      const embeddings = slice(outputs, [start, 0], [count, -1]);
      start += count;
      const columns = Array.from({ length: most }, (_, k) => {
        // Fewer targets than another part has: they count several times, which leaves their mean as it is where there is one.
        const permutation = search.random.split('targets', part, k % targets).permutation(count);
        return gather(embeddings, tensor1d(permutation, 'int32'));
      });
      return stack(columns, 1);
    });
    return concat(ofParts, 0);
  });
  dispose([outputs, values, adversarial]);
  return result;
}

function startOf(search: Search, noise: number): Tensor {
  const { clean, ids, random } = search;
  return tidy(() => search.project(add(clean, mul(sub(random.split('start').uniformRows(ids, clean.shape.slice(1)), 0.5), 2 * noise))));
}
