import { RobustError } from '@robustjs/core';
import { z } from 'zod';
import type { Accuracy, Entry, EntryAbout, EntryAttack, SanityCheck } from '../evaluate/index.ts';

/** Retrieval by the clean embeddings of a data set, each example a query. All but counts are fractions. */
export interface RetrievalScores {
  /** Queries whose nearest other example is of their class. */
  recall1: Accuracy;
  /** Share with one of their class among the first k, by k. */
  recall: Record<string, number>;
  rPrecision: number;
  mapAtR: number;
}

/** How embeddings lie. */
export interface Geometry {
  /** Examples looked at. */
  n: number;
  /**
   * Mean cosine distances inside classes and between class means, and their ratio, null where the means lie in one place; null where all classes
   * have one example, or embeddings are zero.
   */
  density: { intra: number; inter: number; ratio: number | null } | null;
  /** Divergence of the uniform distribution from the singular values; null where a direction is not used at all. */
  spectralDecay: number | null;
  /** Normalized mutual information of k-means groups and classes, the mean of three seeds; null where it was not computed. */
  nmi: number | null;
}

/** Queries that keep retrieving their class at one budget: worst case over all attacks, query by query. */
export interface RetrievalEvaluation {
  threat: { type: string; eps: number; box: [low: number, high: number] };
  attacks: EntryAttack[];
  robust: Accuracy;
  /** SHA-256 over the adversarial queries in the order of their ids, as little-endian float32; a clean one where nothing broke it. */
  advSha256: string;
}

/** One normalization branch, as if it were deployed: gallery and queries go through it. */
export interface BranchRecord {
  branch: string;
  clean: RetrievalScores;
  /** The queries under attack, without an attack. */
  queries: Accuracy;
  /** At the budget that ranks. */
  evaluation: RetrievalEvaluation;
  /** True: no row went through it in training, so that its norms have the statistics that they were built with; absent otherwise. */
  untrained?: true | undefined;
}

/** The record of one evaluation of an embedding, without times and dates. */
export interface RetrievalEntry extends Omit<EntryAbout, 'architecture' | 'preprocessing'> {
  schema: 1;
  track: 'metric-learning';
  id: string;
  /** The test part, which is the gallery; and the part trained on, which shares no class with it. */
  dataset: { id: string; split: string; n: number; classes: number; sha256: string; training: { n: number; classes: number; sha256: string } };
  model: Entry['model'] & { dimensions: number };
  /** What was minimized where the method leaves it to the track. */
  loss: { id: string; preset: string };
  clean: RetrievalScores;
  /** Of the training examples and of the test examples. */
  geometry: { train: Geometry; test: Geometry };
  /** The queries under attack, without an attack. */
  queries: Accuracy;
  /** One for each budget, through the branch deployed; the last one ranks. */
  evaluations: RetrievalEvaluation[];
  /** Every branch, the one deployed first; empty where there is one only. */
  branches: BranchRecord[];
  /** Queries that are right in every branch under every attack, at the budget that ranks; absent where there is one branch only. */
  worstBranch?: Accuracy | undefined;
  sanity: SanityCheck[];
  unreliable: boolean;
  refused?: string | undefined;
  flags: string[];
  runtime: { id: string; version: string; variant: string };
  versions: Record<string, string>;
}

const count = z.int().nonnegative();
const text = z.string();
const share = z.number().min(0).max(1);
const options = z.record(text, z.unknown());
const bounds = z.tuple([z.number(), z.number()]);
const accuracy = z
  .strictObject({ correct: count, n: count, ci95: z.tuple([share, share]).describe("Wilson's 95 % interval, as fractions") })
  .refine(({ correct, n }) => correct <= n, { error: 'correct exceeds n', path: ['correct'] });
const scores = z.strictObject({ recall1: accuracy, recall: z.record(text, share), rPrecision: share, mapAtR: share });
const geometry = z.strictObject({
  n: count, density: z.strictObject({ intra: z.number(), inter: z.number(), ratio: z.number().nullable() }).nullable(), spectralDecay: z.number().nullable(), nmi: share.nullable(),
});
const evaluation = z.strictObject({
  threat: z.strictObject({ type: text, eps: z.number().nonnegative(), box: bounds }),
  attacks: z.array(z.strictObject({
    id: text, config: options, configHash: text, seed: z.int(), gradientCalls: count, queries: count, rows: count, brokenAlone: count, brokenUnion: count,
  })),
  robust: accuracy,
  advSha256: text,
});

/** The schema of a retrieval entry. */
export const retrievalEntrySchema: z.ZodType<RetrievalEntry> = z.strictObject({
  schema: z.literal(1),
  track: z.literal('metric-learning'),
  id: text.min(1),
  method: z.strictObject({ id: text, package: text, version: text, options }),
  paper: z.strictObject({ title: text, authors: text, venue: text, year: z.int(), url: text }).optional(),
  reconstruction: z.boolean(),
  dataset: z.strictObject({
    id: text, split: text, n: count, classes: count, sha256: text, training: z.strictObject({ n: count, classes: count, sha256: text }),
  }),
  model: z.strictObject({
    architecture: text, parameters: count, weightsSha256: text.nullable(), inputShape: z.array(z.int().positive()), bounds, preprocessing: text,
    forwardPasses: z.int().positive(), stochastic: z.boolean(), testTimeOptimization: z.boolean(), branches: z.array(text), deployedBranch: text,
    dimensions: z.int().positive(),
  }),
  loss: z.strictObject({ id: text, preset: text }),
  additionalData: z.boolean(),
  training: z.strictObject({ recipe: z.unknown(), recipeHash: text, steps: count, gradientCalls: count, seed: z.int() }).optional(),
  clean: scores,
  geometry: z.strictObject({ train: geometry, test: geometry }),
  queries: accuracy,
  evaluations: z.array(evaluation).min(1),
  branches: z.array(z.strictObject({ branch: text, clean: scores, queries: accuracy, evaluation, untrained: z.literal(true).optional() })),
  worstBranch: accuracy.optional(),
  reported: options.nullable(),
  sanity: z.array(z.strictObject({
    id: z.string().regex(/^S\d\d$/), status: z.enum(['pass', 'warn', 'fail', 'info', 'skipped']), value: z.number().nullable(), threshold: z.number().nullable(),
    n: count, seed: z.int(), attackConfigHash: text.optional(), note: text,
  })),
  unreliable: z.boolean(),
  refused: text.optional(),
  flags: z.array(text),
  runtime: z.strictObject({ id: text, version: text, variant: text }),
  versions: z.record(text, text),
});

/** The JSON Schema of retrieval entries. */
export const retrievalEntryJsonSchema: object = z.toJSONSchema(retrievalEntrySchema);

/**
 * Reads a retrieval entry from the text of its file.
 *
 * @param path the file, for messages.
 * @throws RobustError `RJS_ENTRY` for text that is not JSON, and naming the field for a record of another kind.
 */
export function retrievalEntryFromJson(json: string, path?: string): RetrievalEntry {
  const place = path === undefined ? '' : ` in ${path}`;
  const fix = 'take a file from the entries folder of a run, unchanged';
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw new RobustError('RJS_ENTRY', { expected: `a retrieval entry as JSON${place}`, got: 'text that does not parse', fix, cause });
  }
  const result = retrievalEntrySchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw new RobustError('RJS_ENTRY', { expected: `a valid retrieval entry${place}${issue?.path.length ? ` at '${issue.path.join('.')}'` : ''}`, got: issue?.message ?? 'another record', fix, cause: result.error });
}
