import type { Attack, RandomStream, Search, ThreatModel } from '@robustjs/core';
import { abs, cast, concat, dispose, div, floor, gather, max, maximum, mod, mul, reshape, slice, square, squeeze, stridedSlice, sum, type Tensor, type Tensor1D, tensor1d, tidy, topk, zeros } from '@tensorflow/tfjs-core';
import { framesOf, imageAxes } from '../images.ts';
import { crossEntropyObjective } from '../objectives.ts';
import { checkKnown, checkLength, checkNorm, checkOneOf, checkWhole, finiteBudget } from '../options.ts';
import { flatRows, overRows } from '../rows.ts';
import { descendInMask, grey, type InMaskOptions } from './in-mask.ts';
import { type PatchThreat, windowsAt, windowSums } from './patch.ts';

/** Options of {@link roa}. */
export interface RoaOptions extends InMaskOptions {
  /** How the place is found: by trying every one, or the best few by the gradient at the clean input. Default `'gradient'`. */
  readonly search?: 'exhaustive' | 'gradient';
  /** Pixels between places that are tried. Default 1. */
  readonly stride?: number;
  /** With `'gradient'`: how many places are tried. Default 20. */
  readonly candidates?: number;
}

/**
 * Rectangular occlusion: the place where a grey rectangle raises the loss most, then sign steps inside it. For threat models made by
 * `patch`; in a clip the rectangle lies at one place in all frames. Where nine places in ten tie, a row takes a random one of the best.
 *
 * Source: Wu, Tong, Vorobeychik, ICLR 2020, algorithms 1 and 2. Their code never reaches the last row and column; this does.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, `RJS_EPS` for `alpha`, and in the search `RJS_ATTACK_NORM` under another threat model,
 * `RJS_ATTACK_BUDGET` without a size.
 */
export function roa(options: RoaOptions = {}): Attack {
  checkKnown(options, ['steps', 'alpha', 'search', 'stride', 'candidates']);
  const { alpha } = options;
  const how = checkOneOf('search', options.search ?? 'gradient', ['exhaustive', 'gradient']);
  const steps = checkWhole('steps', options.steps ?? 30, 1);
  const stride = checkWhole('stride', options.stride ?? 1, 1);
  const candidates = checkWhole('candidates', options.candidates ?? 20, 1);
  const fixedAlpha = alpha === undefined ? undefined : checkLength('alpha', alpha);
  return {
    id: 'roa',
    config: { steps, alpha: fixedAlpha ?? 'range / 20', search: how, stride, ...(how === 'gradient' && { candidates }) },
    objective: crossEntropyObjective,
    async search(search) {
      const size = patchSize(search.threat);
      const grid = gridOf(search.clean, size, stride);
      const places = how === 'exhaustive' ? everyPlace(search.rows, grid) : promisingPlaces(search, size, grid, candidates);
      const best = await worstPlace(search, size, grid, places);
      if (search.rows > 0) {
        const mask = maskAt(search, size, grid, best);
        await descendInMask(search, mask, grey(search, mask), { steps, alpha: fixedAlpha });
      }
      best.dispose();
    },
  };
}

/** Height and width of the rectangle that a threat model allows. */
export function patchSize(threat: ThreatModel): readonly [number, number] {
  checkNorm(threat, ['patch']);
  const { size } = threat as PatchThreat;
  finiteBudget(threat);
  return size;
}

/** The places that are tried: corners this many pixels apart. */
interface Grid {
  readonly rows: number;
  readonly columns: number;
  readonly stride: number;
}

function gridOf(clean: Tensor, [height, width]: readonly [number, number], stride: number): Grid {
  const axes = imageAxes(clean);
  const count = (length: number, side: number): number => Math.floor(Math.max(0, length - Math.max(1, side)) / stride) + 1;
  return { rows: count(axes.height, height), columns: count(axes.width, width), stride };
}

/** Numbers of all places, for each row, `[N, P]`. */
const everyPlace = (rows: number, { rows: down, columns }: Grid): Tensor =>
  tidy(() => {
    const all = Float32Array.from({ length: down * columns }, (_, i) => i);
    return reshape(gather(tensor1d(all), tensor1d(Array.from({ length: rows * all.length }, (_, i) => i % all.length), 'int32')), [rows, -1]);
  });

/** Numbers of the places where the squared gradient is largest, for each row, `[N, C]`. */
function promisingPlaces(search: Search, size: readonly [number, number], { rows, columns, stride }: Grid, candidates: number): Tensor {
  const gradient = search.gradient(search.clean);
  const places = tidy(() => {
    // Scaled first: the squares of a confident model's gradient underflow.
    const scaled = div(gradient, overRows(maximum(max(abs(flatRows(gradient)), 1), 1e-37), gradient));
    const sums = windowSums(framesOf(square(scaled)), ...size);
    const here = stridedSlice(sums, [0, 0, 0], [...sums.shape], [1, stride, stride]);
    const byRow = sum(reshape(here, [gradient.shape[0], -1, rows * columns]), 1);
    return cast(topk(byRow, Math.min(candidates, rows * columns), true).indices, 'float32');
  });
  gradient.dispose();
  return places;
}

/** For each row that still stands the place, of those given, where grey raises the objective most, `[N]`. Takes the places over. */
async function worstPlace(search: Search, size: readonly [number, number], grid: Grid, places: Tensor): Promise<Tensor1D> {
  let state: [places: Tensor, values: Tensor] = [places, zeros([search.rows, 0])];
  for (let i = 0; i < places.shape[1]! && search.rows > 0; i++) {
    const [here, values] = state;
    const covered = tidy(() => grey(search, maskAt(search, size, grid, column(here, i))));
    const value = search.query(covered);
    const next = tidy(() => concat([values, reshape(value, [-1, 1])], 1));
    dispose([covered, value, values]);
    state = await search.compact(here, next);
  }
  const [numbers, values] = await Promise.all([state[0].data(), state[1].data()]);
  const tried = state[0].shape[1]!;
  const worst = Array.from(search.ids, (id, row) => {
    const own = values.slice(row * tried, (row + 1) * tried);
    return numbers[row * tried + largestOf(own, search.random.split('tie', id))]!;
  });
  dispose(state);
  return tensor1d(worst, 'float32');
}

/** The place of the largest value: the first, but where nearly all are equal a random one of them. */
function largestOf(values: ArrayLike<number>, random: RandomStream): number {
  const all = Array.from(values);
  const largest = all.reduce((a, b) => Math.max(a, b), -Infinity);
  const best = all.map((_, i) => i).filter((i) => all[i] === largest);
  const tie = best.length > 1 && best.length >= 0.9 * all.length;
  return (tie ? best[Math.floor(random.uniform(1)[0]! * best.length)] : best[0]) ?? 0;
}

function maskAt(search: Search, [height, width]: readonly [number, number], { columns, stride }: Grid, place: Tensor1D): Tensor {
  return tidy(() => {
    const [top, left] = [floor(div(place, columns)), mod(place, columns)].map((x) => mul(x, stride)) as [Tensor1D, Tensor1D];
    return windowsAt(search.clean, top, left, height, width);
  });
}

const column = (x: Tensor, i: number): Tensor1D => squeeze(slice(x, [0, i], [-1, 1]), [1]);
