import { principalComponents } from '@robustjs/metric-learning';
import type { Dataset } from '@robustjs/datasets';
import type { SuiteAt } from './branch.ts';
import type { Gallery } from './gallery.ts';
import { byDistance } from './plain.ts';

/** A neighbour as a picture shows it. */
export interface PicturedNeighbor {
  readonly id: number;
  readonly label: number;
  readonly pixels: Float32Array;
}

/** A query and what it retrieves, before and after an attack. */
export interface RetrievalPicture {
  readonly id: number;
  readonly label: number;
  /** Name of the attack, and its budget. */
  readonly attack: string;
  readonly eps: number;
  /** `[height, width, channels]`. */
  readonly shape: readonly number[];
  readonly clean: Float32Array;
  readonly adversarial: Float32Array;
  /** Nearest neighbours of the clean query, nearest first, and of the attacked one. */
  readonly before: readonly PicturedNeighbor[];
  readonly after: readonly PicturedNeighbor[];
}

/** Test embeddings in the plane of their two largest variances. */
export interface Projection {
  /** Share of the whole variance along each axis. */
  readonly shares: readonly number[];
  /** Points x, y, of classes. */
  readonly points: readonly { readonly x: number; readonly y: number; readonly label: number }[];
  /** Where attacks move queries that they break. */
  readonly moves: readonly { readonly from: readonly [number, number]; readonly to: readonly [number, number]; readonly label: number }[];
}

const NEIGHBORS = 5;
const MOST_MOVES = 40;
const MOST_POINTS = 1500;

/** The first queries that were broken, then the first that stand: by whichever attack broke them first, else the last of the suite. */
export async function picturesOf({ rows, parts, breaker, threat }: SuiteAt, gallery: Gallery, dataset: Dataset, count: number): Promise<RetrievalPicture[]> {
  if (parts.length === 0) return [];
  const places = breaker.map((_, place) => place);
  const chosen = [...places.filter((place) => breaker[place]! >= 0), ...places.filter((place) => breaker[place]! < 0)].slice(0, count);
  return Promise.all(chosen.map(async (place) => {
    const row = rows[place]!;
    const { attack, attacked } = parts[breaker[place]! < 0 ? parts.length - 1 : breaker[place]!]!;
    const others = [...gallery.labels.keys()].filter((other) => other !== row);
    const neighbors = (query: Float32Array): Promise<PicturedNeighbor[]> =>
      Promise.all(byDistance(query, gallery, others).slice(0, NEIGHBORS).map(async (other) => ({ id: dataset.ids[other]!, label: gallery.labels[other]!, pixels: await dataset.read([other]) })));
    return {
      id: dataset.ids[row]!,
      label: gallery.labels[row]!,
      attack: attack.id,
      eps: threat.eps,
      shape: dataset.inputShape,
      clean: await dataset.read([row]),
      adversarial: attacked.inputs[place]!,
      before: await neighbors(embeddingAt(gallery, row)),
      after: await neighbors(attacked.embeddings[place]!),
    };
  }));
}

/** The gallery's embeddings in two dimensions, with the moves of broken queries. */
export function projectionOf(gallery: Gallery, { rows, parts, breaker }: SuiteAt): Projection {
  const { values, dimensions, labels } = gallery;
  const components = principalComponents({ values, dimensions }, dimensions);
  const { variances, directions } = components;
  const whole = variances.reduce((sum, variance) => sum + variance, 0);
  const place = (row: ArrayLike<number>): [number, number] => {
    const [x = 0, y = 0] = components.project(row);
    return [round(x), round(y)];
  };
  const moves = breaker.flatMap((part, i) => {
    const to = parts[part]?.attacked.embeddings[i];
    // What is not finite is nowhere.
    return to?.every(Number.isFinite) ? [{ from: place(embeddingAt(gallery, rows[i]!)), to: place(to), label: labels[rows[i]!]! }] : [];
  });
  const points = Array.from(labels.subarray(0, MOST_POINTS), (label, row) => {
    const [x, y] = place(embeddingAt(gallery, row));
    return { x, y, label };
  });
  return { shares: directions.slice(0, 2).map((_, axis) => (whole > 0 ? variances[axis]! / whole : 0)), points, moves: moves.slice(0, MOST_MOVES) };
}

const round = (value: number): number => Math.round(value * 1e4) / 1e4;

const embeddingAt = ({ values, dimensions }: Gallery, row: number): Float32Array => values.subarray(row * dimensions, (row + 1) * dimensions);
