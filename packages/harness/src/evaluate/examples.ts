import { RobustError } from '@robustjs/core';
import { z } from 'zod';

/** What became of one example; kept beside an entry, so that two entries can be compared example by example. */
export interface ExampleRecord {
  /** Position in the data set, or in the file of images. */
  index: number;
  id: number;
  label: number;
  /** Class predicted without an attack; -1 where an output is not finite. */
  predicted: number;
  /** Whether that is the label. */
  clean: boolean;
  /** One for each budget of the entry; empty where the example was not attacked. */
  outcomes: {
    eps: number;
    /** Correct without an attack and under every attack. */
    robust: boolean;
    /** The first attack that broke it; null where none did, or none had to. */
    brokenBy: string | null;
    /** How far the adversarial input is from the clean one in each norm (L0: values that differ); null where nothing broke it. */
    distances: { Linf: number; L2: number; L1: number; L0: number } | null;
  }[];
}

const length = z.number().nonnegative();

const schema: z.ZodType<ExampleRecord> = z.strictObject({
  index: z.int().nonnegative(),
  id: z.int(),
  label: z.int().nonnegative(),
  predicted: z.int().min(-1),
  clean: z.boolean(),
  outcomes: z.array(
    z.strictObject({
      eps: z.number().nonnegative(), robust: z.boolean(), brokenBy: z.string().nullable(),
      distances: z.strictObject({ Linf: length, L2: length, L1: length, L0: z.int().nonnegative() }).nullable(),
    }),
  ),
});

/** The records as text, one JSON object a line. */
export const examplesToJsonl = (examples: readonly ExampleRecord[]): string => examples.map((example) => `${JSON.stringify(example)}\n`).join('');

/**
 * Reads what {@link examplesToJsonl} wrote.
 *
 * @throws RobustError `RJS_EXAMPLES` naming the line.
 */
export function examplesFromJsonl(text: string): ExampleRecord[] {
  return text.split('\n').flatMap((line, index) => (line.trim() === '' ? [] : [parseLine(line, index + 1)]));
}

function parseLine(line: string, number: number): ExampleRecord {
  try {
    return schema.parse(JSON.parse(line));
  } catch (cause) {
    throw new RobustError('RJS_EXAMPLES', {
      expected: `an example on line ${number}`,
      got: line.length > 80 ? `${line.slice(0, 80)}…` : line,
      fix: 'take the .examples.jsonl file of a run, unchanged and whole',
      cause,
    });
  }
}
