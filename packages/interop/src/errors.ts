import { RobustError } from '@robustjs/core';

type Kind = 'FILE' | 'FORMAT' | 'WEIGHTS' | 'SHAPE' | 'OUTPUT' | 'GRADIENT' | 'OPTION';

/** An error about a model that was to be opened; `RJS_MODEL_…`. */
export const refused = (kind: Kind, expected: string, got: string, fix: string, cause?: unknown): RobustError =>
  new RobustError(`RJS_MODEL_${kind}`, { expected, got, fix, cause });

/** What an unknown thing thrown by a library says. */
export const messageOf = (cause: unknown): string => (cause instanceof Error ? cause.message : String(cause));
