import { RobustError } from '@robustjs/core';
import { z } from 'zod';
import type { SanityCheck } from './sanity/check.ts';

/** A count of examples as a share, with Wilson's 95 % interval. */
export interface Accuracy {
  /** Examples classified correctly, whatever was tried. */
  correct: number;
  /** Examples looked at; those that are wrong without an attack count as not correct. */
  n: number;
  /** Both ends of the interval, as fractions. */
  ci95: [low: number, high: number];
  /** For a model that draws random numbers: examples classified correctly in each of ten draws; `correct` is their mean, rounded. */
  draws?: number[] | undefined;
}

/** One attack of an evaluation. */
export interface EntryAttack {
  id: string;
  /** Its options. */
  config: Record<string, unknown>;
  /** SHA-256 of id and options. */
  configHash: string;
  seed: number;
  /** Gradients taken, over all examples. */
  gradientCalls: number;
  /** Forward passes without a gradient, over all examples. */
  queries: number;
  /** Examples that it ran on: all that are correct without an attack, or in a cascade those that stood by then. */
  rows: number;
  /** Examples that it broke, of those that it ran on. */
  brokenAlone: number;
  /** Examples that it or an attack before it breaks. */
  brokenUnion: number;
}

/** Robust accuracy at one budget: worst case over all attacks, example by example. */
export interface EntryEvaluation {
  threat: {
    /** Norm, such as `Linf`. */
    type: string;
    /** Budget in the units of `box`. */
    eps: number;
    /** Smallest and largest value of an input. */
    box: [low: number, high: number];
    targeted: boolean;
  };
  attacks: EntryAttack[];
  /** `source` says where the number comes from: our suite, an attack made for this defense, or somebody else's evaluation. */
  robust: Accuracy & {
    source: 'suite' | 'adaptive' | 'external';
    /**
     * For a model that draws random numbers: examples that no attack broke in the draws that it met, AutoAttack's own count. The draws
     * of `correct` are taken at what broke an example, or at the strongest attempt on one that stands.
     */
    standing?: number | undefined;
  };
  /**
   * Present at the budget that ranks where a sanity check, the curve, or the suite at a smaller budget broke examples that the
   * suite left standing there: what all of them together leave, fewer than `robust`, and it ranks instead. `by` names the checks,
   * `curve`, or attack and budget. The inputs were checked like any other; they are counted, not stored.
   */
  bestKnown?: (Accuracy & { by: string[] }) | undefined;
  /**
   * SHA-256 over the adversarial inputs of all attacked examples in the order of their ids, as little-endian float32; a clean
   * input where nothing broke it. The values of `adversarial.npy` where ids follow the data set.
   */
  advSha256: string;
}

/** What an evaluation cannot find out by itself. */
export interface EntryAbout {
  method: { id: string; package: string; version: string; options: Record<string, unknown> };
  paper?: { title: string; authors: string; venue: string; year: number; url: string } | undefined;
  /** True where the method was pieced together without the paper's text. */
  reconstruction: boolean;
  /** Name of the architecture. */
  architecture: string;
  /** What is done to an image before the model sees it; `none` where the model does it all. */
  preprocessing: string;
  /** True where other data than the training set were used. */
  additionalData: boolean;
  training?: { recipe: unknown; recipeHash: string; steps: number; gradientCalls: number; seed: number } | undefined;
  /** Figures from elsewhere, not measured here. */
  reported: Record<string, unknown> | null;
}

/** The record of one evaluation: everything that was measured and what determines it, without times and dates. */
export interface Entry extends Omit<EntryAbout, 'architecture' | 'preprocessing'> {
  schema: 2;
  /** Name of the record. */
  id: string;
  /** `n` counts the examples evaluated, `sha256` identifies them. */
  dataset: { id: string; split: string; n: number; sha256: string };
  model: {
    architecture: string;
    /** Trained numbers; 0 where they cannot be seen. */
    parameters: number;
    /** SHA-256 of parameters and statistics; null where they cannot be seen. */
    weightsSha256: string | null;
    inputShape: number[];
    bounds: [low: number, high: number];
    preprocessing: string;
    /** Forward passes for one prediction. */
    forwardPasses: number;
    /** Whether repeated passes differed. */
    stochastic: boolean;
    testTimeOptimization: boolean;
    branches: string[];
    deployedBranch: string;
  };
  /** How attacks and checks were run. */
  protocol: {
    /** Name of the suite; null where attacks were named one by one. */
    suite: string | null;
    /** Every attack on every example, or on those that the ones before it left standing. */
    mode: 'alone' | 'cascade';
    /** All sanity checks, or the cheaper ones. */
    checks: 'full' | 'quick';
    /** Evaluated as a model that draws random numbers. */
    randomized: boolean;
  };
  clean: Accuracy;
  /** One for each budget, in the order asked for; the last one ranks. */
  evaluations: EntryEvaluation[];
  /** Accuracy against eps under one attack. */
  curve?: { attack: string; n: number; points: ({ eps: number } & Accuracy)[] } | undefined;
  sanity: SanityCheck[];
  /** True: attacks had no useful gradient, so robust accuracy is likely much lower than measured. */
  unreliable: boolean;
  /** Why this is no valid measurement; absent where it is one. */
  refused?: string | undefined;
  /** Remarks such as `small-sample`; listed in the guide on reading results. */
  flags: string[];
  runtime: { id: string; version: string; variant: string };
  /** Versions of packages: `core`, `attacks`, `harness`, `tfjs`, `backend` for wasm; `plugin` of the method, `interop` and that of the suite where they took part. */
  versions: Record<string, string>;
}

const count = z.int().nonnegative();
const text = z.string();
const share = z.number().min(0).max(1);
const options = z.record(text, z.unknown());
const bounds = z.tuple([z.number(), z.number()]);
const counts = {
  correct: count, n: count, ci95: z.tuple([share, share]).describe("Wilson's 95 % interval, as fractions"),
  draws: z.array(count).optional().describe('Correct examples in each draw of a model that draws random numbers'),
};

/** Counts of examples, with what else stands beside them. */
const accuracy = <Shape extends z.core.$ZodLooseShape>(beside: Shape) =>
  z.strictObject({ ...counts, ...beside }).refine((value) => {
    const { correct, n } = value as Accuracy;
    return correct <= n;
  }, { error: 'correct exceeds n', path: ['correct'] });

const attack = z.strictObject({
  id: text, config: options, configHash: text, seed: z.int(),
  gradientCalls: count, queries: count, rows: count, brokenAlone: count, brokenUnion: count,
});

const evaluation = z.strictObject({
  threat: z.strictObject({ type: text, eps: z.number().nonnegative(), box: bounds, targeted: z.boolean() }),
  attacks: z.array(attack),
  robust: accuracy({ source: z.enum(['suite', 'adaptive', 'external']), standing: count.optional() }),
  bestKnown: accuracy({ by: z.array(text).min(1) }).optional().describe('What is left where a check broke more than the suite'),
  advSha256: text,
}).refine(({ robust, bestKnown }) => bestKnown === undefined || ((bestKnown as Accuracy).n === (robust as Accuracy).n && (bestKnown as Accuracy).correct < (robust as Accuracy).correct), {
  error: 'bestKnown is not below robust', path: ['bestKnown'],
});

const sanity = z.strictObject({
  id: z.string().regex(/^S\d\d$/),
  status: z.enum(['pass', 'warn', 'fail', 'info', 'skipped']),
  value: z.number().nullable(), threshold: z.number().nullable(),
  n: count, seed: z.int(), attackConfigHash: text.optional(), note: text,
});

/** The schema of an entry. */
export const entrySchema: z.ZodType<Entry> = z.strictObject({
  schema: z.literal(2),
  id: z.string().min(1),
  method: z.strictObject({ id: text, package: text, version: text, options }),
  paper: z.strictObject({ title: text, authors: text, venue: text, year: z.int(), url: text }).optional(),
  reconstruction: z.boolean(),
  dataset: z.strictObject({ id: text, split: text, n: count, sha256: text }),
  model: z.strictObject({
    architecture: text, parameters: count, weightsSha256: text.nullable(),
    inputShape: z.array(z.int().positive()), bounds, preprocessing: text, forwardPasses: z.int().positive(),
    stochastic: z.boolean(), testTimeOptimization: z.boolean(), branches: z.array(text), deployedBranch: text,
  }),
  additionalData: z.boolean(),
  training: z.strictObject({ recipe: z.unknown(), recipeHash: text, steps: count, gradientCalls: count, seed: z.int() }).optional(),
  protocol: z.strictObject({ suite: text.nullable(), mode: z.enum(['alone', 'cascade']), checks: z.enum(['full', 'quick']), randomized: z.boolean() }),
  clean: accuracy({}),
  evaluations: z.array(evaluation),
  curve: z
    .strictObject({
      attack: text, n: count,
      points: z.array(accuracy({ eps: z.number().nonnegative() })),
    })
    .optional(),
  reported: options.nullable(),
  sanity: z.array(sanity),
  unreliable: z.boolean(),
  refused: text.optional(),
  flags: z.array(text),
  runtime: z.strictObject({ id: text, version: text, variant: text }),
  versions: z.record(text, text),
});

/** The JSON Schema of entries. */
export const entryJsonSchema: object = z.toJSONSchema(entrySchema);

/**
 * Reads an entry from the text of its file.
 *
 * @param path the file, for messages.
 * @throws RobustError `RJS_ENTRY` for text that is not JSON, and naming the field for a record that is not an entry.
 */
export function entryFromJson(json: string, path?: string): Entry {
  const place = path === undefined ? '' : ` in ${path}`;
  let value: unknown;
  try {
    value = JSON.parse(json);
  } catch (cause) {
    throw notAnEntry(`an entry as JSON${place}`, 'text that does not parse', cause);
  }
  const result = entrySchema.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  throw notAnEntry(`a valid entry${place}${issue?.path.length ? ` at '${issue.path.join('.')}'` : ''}`, issue?.message ?? 'another record', result.error);
}

const notAnEntry = (expected: string, got: string, cause: unknown): RobustError =>
  new RobustError('RJS_ENTRY', { expected, got, fix: 'take a file from the entries folder of a run, unchanged', cause });
