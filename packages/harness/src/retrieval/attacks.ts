import { noise, pgd } from '@robustjs/attacks';
import { type Attack, type Objective, type RandomStream, RobustError } from '@robustjs/core';
import { expandDims, gather, maximum, mean, neg, reshape, sqrt, square, sub, sum, type Tensor, type Tensor1D, tensor1d, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import type { AttackRecipe } from '../recipe.ts';
import { type Gallery, retrievalMargin } from './gallery.ts';
import { byDistance, type PlainGallery } from './plain.ts';

/** Where queries are attacked. */
export interface Scene {
  readonly gallery: Gallery;
  /** Ids of the gallery's examples; draws of targets are keyed by them. */
  readonly ids: Int32Array;
  /** Gallery rows that are attacked. */
  readonly queries: Int32Array;
  readonly random: RandomStream;
}

/** An attack in a scene. */
export interface SceneAttack {
  /** Goals are gallery rows of the queries' clean copies. */
  readonly attack: Attack;
  /** Releases what it keeps. */
  dispose(): void;
}

/** An attack on queries before it knows the gallery. */
export interface QueryAttack {
  readonly id: string;
  /** What {@link queryAttack} made it of. */
  readonly recipe: AttackRecipe;
  /** Everything that determines it, ready for JSON. */
  readonly config: Readonly<Record<string, unknown>>;
  /** The attack in a scene, with what it keeps there. The caller disposes. */
  on(scene: Scene): SceneAttack;
}

const step = {
  steps: z.int().min(1).default(20),
  restarts: z.int().min(1).default(1),
  alpha: z.union([z.number().positive(), z.string()]).optional(),
};
const plain = z.strictObject(step);
const single = z.strictObject({ ...step, choice: z.enum(['random', 'nearest']).default('random') });
const multi = single.extend({ targets: z.int().min(1).default(5) });
const random = z.strictObject({ draws: z.int().min(1).default(100) });

type Made = Omit<QueryAttack, 'recipe'>;
type Maker = (options: unknown) => Made;

/** Attacks by the names that recipes use. */
const makers: Readonly<Record<string, Maker>> = {
  noise(options) {
    const { draws } = random.parse(options);
    const search = noise({ draws });
    // What it returns where nothing broke is the most promising point.
    return { id: 'noise', config: search.config, on: ({ gallery }) => ({ attack: { ...search, objective: retrievalMargin(gallery) }, dispose: () => {} }) };
  },
  untargeted: (options) => climbing('untargeted', plain.parse(options), ({ gallery }) => ({ objective: awayFrom(gallery.embeddings), kept: [] })),
  global: (options) => climbing('global', plain.parse(options), ({ gallery, queries }) => {
    const references = tidy(() => gather(gallery.embeddings, tensor1d(nearestPositives(gallery, queries), 'int32')));
    return { objective: awayFrom(references), kept: [references] };
  }),
  'single-target': (options) => towards('single-target', { ...single.parse(options), targets: 1 }),
  'multi-target': (options) => towards('multi-target', multi.parse(options)),
  margin: (options) => climbing('margin', plain.parse(options), ({ gallery }) => ({ objective: retrievalMargin(gallery), kept: [] })),
};

/** Names of the attacks on queries. */
export const queryAttackIds: readonly string[] = Object.keys(makers);

/**
 * An attack on queries by name:
 *
 * - `untargeted` goes away from the query's own clean embedding, `global` from the nearest clean embedding of its class (Panum et al.);
 * - `single-target` and `multi-target` go towards clean embeddings of other classes, drawn by id or the nearest ones (Singh et al.);
 * - `margin` maximizes what decides: how much nearer another class is than the own;
 * - `noise` tries random points.
 *
 * All but noise are projected gradient ascents with `steps`, `restarts` and `alpha` (default `2.5 * eps / steps`).
 *
 * @throws RobustError `RJS_RETRIEVAL_ATTACK` for another name, or options that it does not take.
 */
export function queryAttack({ id, options }: AttackRecipe): QueryAttack {
  if (!Object.hasOwn(makers, id)) throw badAttack(`an attack on queries among ${queryAttackIds.join(', ')}`, JSON.stringify(id));
  try {
    return { ...makers[id]!(options), recipe: { id, options } };
  } catch (cause) {
    throw badAttack(`options that ${id} takes`, JSON.stringify(options), cause);
  }
}

const badAttack = (expected: string, got: string, cause?: unknown): RobustError =>
  new RobustError('RJS_RETRIEVAL_ATTACK', { expected, got, fix: 'correct evaluation.attacks in the recipe', cause });

type Prepared = { readonly objective: Objective; readonly kept: readonly Tensor[] };

function climbing(id: string, options: z.infer<typeof plain>, prepare: (scene: Scene) => Prepared, extra: object = {}): Made {
  const { steps, restarts, alpha } = options;
  const search = pgd({ steps, restarts, ...(alpha !== undefined && { alpha }) });
  const { objective: _, ...config } = search.config;
  return {
    id,
    config: { ...config, ...extra },
    on(scene) {
      const { objective, kept } = prepare(scene);
      return { attack: { ...search, id, config: { ...config, ...extra }, objective }, dispose: () => kept.forEach((tensor) => tensor.dispose()) };
    },
  };
}

function towards(id: string, { targets, choice, ...options }: z.infer<typeof multi>): Made {
  return climbing(id, options, (scene) => {
    const { gallery } = scene;
    const places = tensor2d(targetRows(scene, targets, choice), [gallery.labels.length, targets], 'int32');
    const objective: Objective = (outputs, goals) =>
      tidy(() => {
        const rows = gather(places, goals as Tensor1D);
        const wanted = reshape(gather(gallery.embeddings, reshape(rows, [-1])), [rows.shape[0], targets, gallery.dimensions]);
        return neg(mean<Tensor1D>(lengths(sub(expandDims(outputs, 1), wanted)), 1));
      });
    return { objective, kept: [places] };
  }, { targets, choice });
}

/** The distance from a reference that each gallery row has, `[M, d]`. */
const awayFrom = (references: Tensor): Objective => (outputs, goals) => tidy(() => lengths(sub(outputs, gather(references, goals as Tensor1D))) as Tensor1D);

// The slope of a distance has no bound at zero.
const lengths = (differences: Tensor): Tensor => sqrt(maximum(sum(square(differences), -1), 1e-12));

/** Nearest other row of the same class, for each of some gallery rows; itself where its class has no other. Other rows: themselves. */
export function nearestPositives(gallery: PlainGallery, queries: ArrayLike<number>): Int32Array {
  return perRow(gallery, queries, 1, (row, label) => byDistance(embeddingAt(gallery, row), gallery, rowsWhere(gallery, (other) => other !== row && gallery.labels[other] === label)));
}

/** Rows of other classes for each of some gallery rows, `count` each, repeated where there are fewer. Other rows: themselves. */
export function targetRows({ gallery, ids, queries, random: stream }: Omit<Scene, 'gallery'> & { readonly gallery: PlainGallery }, count: number, choice: 'random' | 'nearest'): Int32Array {
  return perRow(gallery, queries, count, (row, label) => {
    const others = rowsWhere(gallery, (other) => gallery.labels[other] !== label);
    if (choice === 'nearest') return byDistance(embeddingAt(gallery, row), gallery, others);
    return Array.from(stream.split('targets', ids[row]!).uniform(others.length === 0 ? 0 : count), (draw) => others[Math.floor(draw * others.length)]!);
  });
}

function perRow({ labels }: PlainGallery, queries: ArrayLike<number>, count: number, choose: (row: number, label: number) => number[]): Int32Array {
  const chosen = Int32Array.from({ length: labels.length * count }, (_, i) => Math.floor(i / count));
  for (const row of Array.from(queries)) {
    const rows = choose(row, labels[row]!);
    for (let k = 0; k < count && rows.length > 0; k++) chosen[row * count + k] = rows[k % rows.length]!;
  }
  return chosen;
}

const rowsWhere = ({ labels }: PlainGallery, test: (row: number) => boolean): number[] => [...labels.keys()].filter(test);

const embeddingAt = ({ values, dimensions }: PlainGallery, row: number): Float32Array => values.subarray(row * dimensions, (row + 1) * dimensions);
