import { RobustError } from '@robustjs/core';
import { matMul, mul, slice, square, sub, sum, type Tensor2D, tidy, transpose } from '@tensorflow/tfjs-core';
import { checkFinite, notFinite } from '../errors.ts';
import { largest } from './nearest.ts';

/** What is retrieved from what. */
export interface RetrievalInput {
  /** Embeddings `[Q, d]` to look up. */
  readonly queries: Tensor2D;
  readonly queryLabels: Int32Array;
  /** Embeddings `[G, d]` to find. Default: the queries, each of which leaves itself out. */
  readonly gallery?: Tensor2D;
  readonly galleryLabels?: Int32Array;
  /**
   * Which gallery row each query leaves out, such as its own clean copy; -1: none. By index, so that an exact copy of another class still
   * counts. Default: its own place.
   */
  readonly excluded?: Int32Array;
}

/** Neighbours of each query, nearest first by Euclidean distance. */
export interface Neighbors {
  /** Gallery rows of query `i`, as many as asked for or as there are. */
  of(i: number): Int32Array;
}

// Scores held at once: 16 MB, whatever the sizes.
const SCORES_AT_ONCE = 2 ** 22;

/**
 * The nearest gallery rows of each query, block of queries after block: no `Q x G` matrix stands in memory.
 *
 * @param count how many of query `i`.
 * @throws RobustError `RJS_METRIC_EMBEDDINGS` for embeddings that are not finite, or labels that do not match them.
 */
export async function nearestNeighbors(input: RetrievalInput, count: (query: number) => number): Promise<Neighbors> {
  const { queries, gallery, excluded } = checked(input);
  const [size] = gallery.shape;
  const block = Math.max(1, Math.floor(SCORES_AT_ONCE / Math.max(1, size)));
  const found: Int32Array[] = [];
  // Nearest first is largest 2 q.g - |g|^2 first.
  const lengths = tidy(() => transpose(sum<Tensor2D>(square(gallery), 1, true)));
  try {
    checkFinite(await lengths.data());
    for (let start = 0; start < queries.shape[0]; start += block) {
      const rows = Math.min(block, queries.shape[0] - start);
      const scores = tidy(() => sub(mul(matMul(slice(queries, [start, 0], [rows, -1]), gallery, false, true), 2), lengths));
      const values = (await scores.data()) as Float32Array;
      scores.dispose();
      for (let i = 0; i < rows; i++) {
        const row = values.subarray(i * size, (i + 1) * size);
        // A query that is not finite has no finite score.
        if (!Number.isFinite(row[0] ?? 0)) throw notFinite();
        found.push(largest(row, count(start + i), excluded[start + i]));
      }
    }
  } finally {
    lengths.dispose();
  }
  return { of: (i) => found[i]! };
}

/** What {@link retrievalMetrics} gives; all are fractions. */
export interface RetrievalMetrics {
  /** By k: the share of queries with one of their class among the first k. */
  readonly recall: Readonly<Record<number, number>>;
  /** Of the first R neighbours, R being how many others there are of the query's class, the share of that class. */
  readonly rPrecision: number;
  /** The mean over the first R neighbours of the precision up to each of the query's class (Musgrave et al., ECCV 2020). */
  readonly mapAtR: number;
  /** Queries counted: those with another example of their class in the gallery. */
  readonly queries: number;
  /** Of each query, whether its nearest neighbour is of its class; false where there is none. */
  readonly nearestIsRight: readonly boolean[];
}

/**
 * Recall@k, R-precision and MAP@R. A query without another example of its class in the gallery is left out.
 *
 * @param ks default 1, 2, 4, 8.
 * @throws RobustError `RJS_METRIC_EMBEDDINGS`, `RJS_METRIC_CLASSES` where every class has one example.
 */
export async function retrievalMetrics(input: RetrievalInput, ks: readonly number[] = [1, 2, 4, 8]): Promise<RetrievalMetrics> {
  const { queryLabels, galleryLabels, excluded } = checked(input);
  const classSizes = new Map<number, number>();
  galleryLabels.forEach((label) => classSizes.set(label, (classSizes.get(label) ?? 0) + 1));
  const others = Array.from(queryLabels, (label, i) => (classSizes.get(label) ?? 0) - (galleryLabels[excluded[i]!] === label ? 1 : 0));
  const neighbors = await nearestNeighbors(input, (i) => (others[i]! > 0 ? Math.max(others[i]!, ...ks) : 1));
  const right = (i: number): boolean[] => Array.from(neighbors.of(i), (row) => galleryLabels[row] === queryLabels[i]);
  const counted = others.flatMap((count, i) => (count > 0 ? [{ relevant: right(i), count }] : []));
  if (counted.length === 0) {
    throw new RobustError('RJS_METRIC_CLASSES', { expected: 'a class of two examples or more', got: `${queryLabels.length} queries, none with another example of its class`, fix: 'retrieval is judged by other examples of a class: use data with more examples a class' });
  }
  const mean = (value: (query: { relevant: boolean[]; count: number }) => number): number => counted.reduce((total, query) => total + value(query), 0) / counted.length;
  return {
    recall: Object.fromEntries(ks.map((k) => [k, mean(({ relevant }) => Number(relevant.slice(0, k).includes(true)))])),
    rPrecision: mean(({ relevant, count }) => relevant.slice(0, count).filter(Boolean).length / count),
    mapAtR: mean(({ relevant, count }) => averagePrecision(relevant.slice(0, count)) / count),
    queries: counted.length,
    nearestIsRight: Array.from(queryLabels, (_, i) => right(i)[0] ?? false),
  };
}

/** The sum over relevant places of the precision up to them. */
function averagePrecision(relevant: readonly boolean[]): number {
  let hits = 0;
  return relevant.reduce((total, is, place) => (is ? total + ++hits / (place + 1) : total), 0);
}

type Complete = Required<RetrievalInput>;

function checked(input: RetrievalInput): Complete {
  const { queries, queryLabels } = input;
  const { gallery = queries, galleryLabels = queryLabels, excluded = Int32Array.from(queryLabels, (_, i) => i) } = input;
  const sizes = [queries.shape[0], queryLabels.length, excluded.length];
  if (new Set(sizes).size > 1 || gallery.shape[0] !== galleryLabels.length || gallery.shape[1] !== queries.shape[1]) {
    const got = `queries [${queries.shape.join(', ')}] with ${queryLabels.length} labels, gallery [${gallery.shape.join(', ')}] with ${galleryLabels.length}`;
    throw new RobustError('RJS_METRIC_EMBEDDINGS', { expected: 'one label for each embedding, and embeddings of one length', got, fix: 'pass labels of the same rows' });
  }
  return { queries, queryLabels, gallery, galleryLabels, excluded };
}
