import { type Attack, type RandomStream, RobustError, type Search } from '@robustjs/core';
import { add, concat, dispose, expandDims, fill, gather, max, maximum, mean, min, minimum, mul, neg, slice, sqrt, square, stack, sub, sum, type Tensor, tensor1d, type Tensor1D, tidy } from '@tensorflow/tfjs-core';

/** Rows of a batch that are drawn towards as many targets each. */
export interface TargetedPart {
  readonly count: number;
  readonly targets: number;
  /** Targets are inputs of the part, whatever their class (default), or other ones of a row's own class; a row without any is its own. */
  readonly among?: 'all' | 'own-class' | undefined;
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
  /** Besides the model's bounds, iterates stay between the extremes of their part (`'batch'`), or do not (`'bounds'`, default). */
  readonly clip?: 'bounds' | 'batch' | undefined;
}

// The slope of a distance has no bound at zero, and a row may be its own target.
const TINY = 1e-12;

/**
 * Draws every input towards the embeddings of other inputs of its part: the mean distance to its targets is minimized by sign steps (equation
 * J of the sheet; the square there rescales a whole batch, which a sign undoes). With one target it is the single-targeted example, with
 * several the multi-targeted one, which ends where the targets' geometric median is; towards the own class it is an unadversarial one.
 *
 * Source: Singh, Kakizaki, Araki, ACML 2023; the released code. The search throws `RJS_ROUTE` where the parts do not cover the batch.
 */
export function featureAttack({ parts, steps, alpha, startNoise, clip = 'bounds' }: FeatureAttackOptions): Attack {
  return {
    id: 'multi-target-features',
    config: { parts, steps, alpha: alpha ?? 'eps / steps', startNoise, clip },
    // What is maximized takes targets, which the search draws: no objective of outputs and labels says it.
    objective: (outputs) => tidy(() => mul<Tensor1D>(sum(outputs, 1), 0)),
    async search(search) {
      checkParts(parts, search.rows);
      let targets = await targetsOf(search, parts);
      let limits: Tensor[] = clip === 'batch' ? extremesOf(search.clean, parts) : [];
      let inputs = startOf(search, startNoise);
      const length = alpha ?? search.threat.eps / steps;
      for (let step = 0; step < steps && search.rows > 0; step++) {
        const towards = targets;
        const gradient = search.gradient(inputs, { objective: (outputs) => neg(meanDistance(outputs, towards)) });
        const moved = tidy(() => within(search.project(add(inputs, mul(search.threat.steepest(gradient, inputs, search.bounds), length))), limits));
        dispose([inputs, gradient]);
        [inputs, targets, ...limits] = await search.compact<[Tensor, Tensor, ...Tensor[]]>(moved, targets, ...limits);
      }
      if (search.rows > 0) search.offer(inputs);
      dispose([inputs, targets, ...limits]);
    },
  };
}

/** Found out inside a tape it would leak. */
function checkParts(parts: readonly TargetedPart[], rows: number): void {
  const whole = parts.every(({ count, targets }) => Number.isInteger(count) && count >= 0 && Number.isInteger(targets) && targets > 0);
  if (whole && parts.reduce((total, { count }) => total + count, 0) === rows) return;
  const got = parts.map(({ count, targets }) => `${count} rows with ${targets}`).join(', ');
  throw new RobustError('RJS_ROUTE', { expected: `parts that add up to ${rows} rows, with one target or more each`, got: got === '' ? 'no part' : got, fix: 'let the counts of the parts add up to the batch' });
}

/** Mean over its targets of each row's distance, `[N]`; targets are `[N, K, d]`. */
export function meanDistance(outputs: Tensor, targets: Tensor): Tensor1D {
  return tidy(() => mean<Tensor1D>(sqrt(maximum(sum(square(sub(expandDims(outputs, 1), targets)), 2), TINY)), 1));
}

/** Targets of every row, `[N, K, d]`: embeddings of its part's clean inputs. */
async function targetsOf(search: Search, parts: readonly TargetedPart[]): Promise<Tensor> {
  const { outputs, values, adversarial } = search.look(search.clean, { probe: true });
  const labels = parts.some(({ among }) => among === 'own-class') ? [...(await search.goals.data())] : [];
  const most = Math.max(...parts.map(({ targets }) => targets));
  const result = tidy(() => {
    const ofParts = placed(parts).map(({ start, ...part }, p) => {
      const embeddings = slice(outputs, [start, 0], [part.count, -1]);
      // Fewer targets than another part has: they count several times, which leaves their mean as it is where there is one.
      const columns = Array.from({ length: most }, (_, k) => chosen(part, labels.slice(start, start + part.count), search.random.split('targets', p, k % part.targets)));
      return stack(columns.map((rows) => gather(embeddings, tensor1d(rows, 'int32'))), 1);
    });
    return concat(ofParts, 0);
  });
  dispose([outputs, values, adversarial]);
  return result;
}

/** Which row of its part each row is drawn towards. */
function chosen({ count, among }: TargetedPart, labels: readonly number[], random: RandomStream): Int32Array {
  if (among !== 'own-class') return random.permutation(count);
  const draws = random.uniform(count);
  return Int32Array.from(labels, (label, row) => {
    const others = labels.flatMap((other, place) => (other === label && place !== row ? [place] : []));
    return others[Math.floor(draws[row]! * others.length)] ?? row;
  });
}

const placed = (parts: readonly TargetedPart[]): (TargetedPart & { readonly start: number })[] =>
  parts.map((part, p) => ({ ...part, start: parts.slice(0, p).reduce((total, { count }) => total + count, 0) }));

/** The lowest and the highest value of each row's part, `[N, 1, ...]` each; the caller disposes. */
function extremesOf(clean: Tensor, parts: readonly TargetedPart[]): [Tensor, Tensor] {
  const inner = clean.shape.slice(1);
  const extreme = (of: (x: Tensor) => Tensor): Tensor =>
    tidy(() => concat(placed(parts).filter(({ count }) => count > 0).map(({ start, count }) => {
      const part = slice(clean, [start, ...inner.map(() => 0)], [count, ...inner]);
      return add(fill([count, ...inner.map(() => 1)], 0), of(part));
    }), 0));
  return [extreme((x) => min(x)), extreme((x) => max(x))];
}

const within = (x: Tensor, [low, high]: readonly Tensor[]): Tensor => (low === undefined || high === undefined ? x : minimum(maximum(x, low), high));

function startOf(search: Search, noise: number): Tensor {
  const { clean, ids, random } = search;
  return tidy(() => search.project(add(clean, mul(sub(random.split('start').uniformRows(ids, clean.shape.slice(1)), 0.5), 2 * noise))));
}
