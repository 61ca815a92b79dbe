import { l2, type Search } from '@robustjs/core';
import { add, clipByValue, dispose, fill, less, maximum, minimum, mul, square, sub, sum, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { flatRows, overRows } from '../rows.ts';
import { nearer, nothingFound, offerNearest } from './nearest.ts';

/** What one step of a {@link radiusSearch} saw, `[N]` but for the gradient. */
export interface RadiusStep {
  /** The attack's objective. */
  readonly values: Tensor1D;
  readonly adversarial: Tensor1D;
  readonly gradient: Tensor;
  /** Distance of the inputs from the clean ones. */
  readonly distances: Tensor1D;
  /** Distance of the nearest adversarial inputs, those of this step included; Infinity before the first. */
  readonly nearest: Tensor1D;
}

/** An attack that takes steps of a set length and then puts the inputs onto, or into, a ball whose radius it learns. */
export interface RadiusRules {
  readonly steps: number;
  /** Radius to begin with. */
  readonly radius: number;
  /** Length of a step under L2. */
  length(step: number): number;
  /** The next radius. */
  resize(radius: Tensor1D, seen: RadiusStep, step: number): Tensor1D;
  /** Onto or into balls of these radii; the box is seen to afterwards. */
  place(inputs: Tensor, radius: Tensor1D): Tensor;
}

/**
 * The loop that DDN and FMN share: direction and norm of the perturbation are decoupled. With a finite eps the radius never
 * exceeds it and broken rows leave; without one nothing is read from the device.
 */
export async function radiusSearch(search: Search, rules: RadiusRules): Promise<void> {
  const { threat, bounds: [low, high] } = search;
  // Without a budget the nearest input is offered at the end, and judging those on the way would be done twice.
  const probe = threat.eps === Infinity;
  const first = nothingFound(search.clean);
  let inputs = search.clean.clone();
  let [nearest, distances, elsewhere] = [first.inputs, first.distances, randomDirection(search)];
  let largest = tidy(() => minimum<Tensor1D>(farthest(search), threat.eps));
  let radius = tidy(() => minimum<Tensor1D>(fill([search.rows], rules.radius), largest));
  for (let step = 0; step < rules.steps && search.rows > 0; step++) {
    const { outputs, ...seen } = search.differentiate(inputs, { probe });
    const next = tidy(() => {
      const now = threat.distance(inputs, search.clean);
      const found = nearer({ inputs: nearest, distances }, inputs, seen.adversarial, now);
      const resized = minimum<Tensor1D>(rules.resize(radius, { ...seen, distances: now, nearest: found.distances }, step), largest);
      const moved = clipByValue(add(inputs, mul(direction(search, seen.gradient, elsewhere), rules.length(step))), low, high);
      return [clipByValue(rules.place(moved, resized), low, high), resized, found.inputs, found.distances] as const;
    });
    dispose([outputs, ...Object.values(seen), inputs, radius, nearest, distances]);
    [inputs, radius, nearest, distances, elsewhere, largest] = await search.compact(...next, elsewhere, largest);
  }
  offerNearest(search, { inputs: nearest, distances }, inputs);
  dispose([inputs, radius, nearest, distances, elsewhere, largest]);
}

/** From 1 down to `final`, along half a cosine. */
export const cosine = (step: number, steps: number, final: number): number => final + ((1 - final) * (1 + Math.cos((Math.PI * step) / steps))) / 2;

/** How far from the clean input a corner of the box can be. */
function farthest({ threat, clean, bounds: [low, high] }: Search): Tensor1D {
  return threat.distance(add(clean, maximum(sub(clean, low), sub(high, clean))), clean);
}

function randomDirection({ random, ids, clean, bounds }: Search): Tensor {
  return tidy(() => l2(1).steepest(random.split('elsewhere').normalRows(ids, clean.shape.slice(1)), clean, bounds));
}

/** The gradient scaled to length 1; a row without one goes its own random way. */
function direction({ clean, bounds }: Search, gradient: Tensor, elsewhere: Tensor): Tensor {
  const scaled = l2(1).steepest(gradient, clean, bounds);
  const lost = mul(less(sum(square(flatRows(scaled)), 1), 0.5), 1);
  return add(scaled, mul(elsewhere, overRows(lost, scaled)));
}
