import type { RandomStream, Search } from '@robustjs/core';
import {
  abs, add, clipByValue, div, maximum, mul, relu, sqrt, square, sub, sum, type Tensor, tensor4d, tidy,
} from '@tensorflow/tfjs-core';
import { within } from '../apgd/l1-step.ts';
import { rowLengths } from '../norms.ts';
import { overRows, rowSize } from '../rows.ts';
import { bumps, stamp } from './bump.ts';
import type { Moves } from './moves.ts';
import { oddSide } from './schedule.ts';
import { type Corner, cornerAt, type ImageShape, signsOf, windows } from './windows.ts';

/** 2 for L2 and 1 for L1. */
type Power = 1 | 2;

// Keeps divisions by a length finite.
const TINY = 1e-12;

/**
 * L2 and L1: perturbations spend the whole budget on bumps. A query empties one window of an image and puts what it held,
 * and what else is unspent, into a new bump in another window (Andriushchenko et al., ECCV 2020, algorithm 3; L1: the code of
 * AutoAttack).
 */
export const energy = (power: Power): Moves => ({
  side: oddSide,
  start: (search, shape, random) => atFullLength(search, tidy(() => tiles(search.ids, shape, power, random)), power),
  propose: (search, best, shape, side, random) => atFullLength(search, tidy(() => redistributed(search, best, shape, side, power, random)), power),
});

/** Bumps side by side over the whole image, five down and across where they divide it. */
function tiles(ids: Int32Array, shape: ImageShape, power: Power, random: RandomStream): Tensor {
  const [height, width, channels] = shape;
  const side = Math.max(1, Math.floor(Math.min(height, width) / 5));
  const [down, across] = [Math.floor(height / side), Math.floor(width / side)];
  const [top, left] = [Math.floor((height - side * down) / 2), Math.floor((width - side * across) / 2)];
  const pattern = bumps(side, power);
  const batch = new Float32Array(ids.length * height * width * channels);
  ids.forEach((id, row) => {
    const draws = random.split(id).uniform(down * across * (1 + channels));
    for (let tile = 0; tile < down * across; tile++) {
      const [turn = 0, ...signs] = draws.subarray(tile * (1 + channels), (tile + 1) * (1 + channels));
      const corner = { top: top + side * Math.floor(tile / across), left: left + side * (tile % across) };
      stamp(batch, shape, pattern, { row, ...corner, transposed: turn < 0.5, signs: signsOf(Float32Array.from(signs)) });
    }
  });
  return tensor4d(batch, [ids.length, ...shape]);
}

/** The perturbation after a query, not yet scaled to the budget. Runs inside the caller's tidy. */
function redistributed({ clean, ids, threat }: Search, best: Tensor, shape: ImageShape, side: number, power: Power, random: RandomStream): Tensor {
  const draws = Array.from(ids, (id) => random.split(id).uniform(5 + shape[2]));
  const cornersFrom = (place: number): Corner[] => draws.map((draw) => cornerAt(draw[place]!, draw[place + 1]!, side, shape));
  const [filled, emptied] = [cornersFrom(0), cornersFrom(2)];
  const [inFilled, inEmptied] = [windows(filled, side, shape, 1), windows(emptied, side, shape, 1)];
  const inEither = maximum(inFilled, inEmptied);
  const delta = sub(best, clean);
  const held = mul(delta, inFilled);
  const bump = add(freshBumps(filled, draws, side, shape, power), div(held, add(channelLengths(held, power), TINY)));
  const shaped = div(bump, add(channelLengths(bump, power), TINY));
  return add(sub(delta, mul(delta, inEither)), mul(shaped, lengthToSpend(delta, inEither, threat.eps, power)));
}

function freshBumps(corners: readonly Corner[], draws: readonly Float32Array[], side: number, shape: ImageShape, power: Power): Tensor {
  const batch = new Float32Array(corners.length * shape[0] * shape[1] * shape[2]);
  const pattern = bumps(side, power);
  corners.forEach((corner, row) => {
    stamp(batch, shape, pattern, { row, ...corner, transposed: draws[row]![4]! < 0.5, signs: signsOf(draws[row]!.subarray(5)) });
  });
  return tensor4d(batch, [corners.length, ...shape]);
}

/** For each channel, what both windows held in it and its share of what the image leaves unspent, `[N, 1, 1, C]`. */
function lengthToSpend(delta: Tensor, inEither: Tensor, eps: number, power: Power): Tensor {
  const channels = delta.shape[3]!;
  const [freed, spent] = [channelEnergies(mul(delta, inEither), power), sum(channelEnergies(delta, power), 3, true)];
  const unspent = div(relu(sub(eps ** power, spent)), channels);
  return root(add(unspent, freed), power);
}

/** Sums of powers by channel, `[N, 1, 1, C]`. */
const channelEnergies = (x: Tensor, power: Power): Tensor => sum(power === 2 ? square(x) : abs(x), [1, 2], true);
const root = (x: Tensor, power: Power): Tensor => (power === 2 ? sqrt(x) : x);
const channelLengths = (x: Tensor, power: Power): Tensor => root(channelEnergies(x, power), power);

/** Clean images plus perturbations that are brought to the budget, in the box. Disposes the perturbations. */
async function atFullLength(search: Search, delta: Tensor, power: Power): Promise<Tensor> {
  const { clean, threat, bounds } = search;
  const scaled = tidy(() => {
    const factor = div(threat.eps, maximum(rowLengths(power === 2 ? 'L2' : 'L1', delta), TINY));
    // Under L1 the projection is what shortens: it drops small values and keeps the large ones.
    return mul(delta, overRows(power === 2 ? factor : maximum(factor, 1), delta));
  });
  delta.dispose();
  const placed = power === 2 ? tidy(() => clipByValue(add(clean, scaled), ...bounds)) : await onBallAndBox(search, scaled);
  scaled.dispose();
  return placed;
}

async function onBallAndBox({ clean, threat, bounds: [low, high] }: Search, delta: Tensor): Promise<Tensor> {
  const [moves, values] = await Promise.all([delta.data(), clean.data()]);
  const size = rowSize(clean);
  const placed = new Float32Array(moves.length);
  for (let at = 0; at < moves.length; at += size) {
    const row = Float64Array.from(moves.subarray(at, at + size));
    placed.set(within(row, values.subarray(at, at + size) as Float32Array, threat.eps, { low, high }), at);
  }
  return tensor4d(placed, clean.shape as [number, number, number, number]);
}
