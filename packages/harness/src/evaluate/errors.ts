import { RobustError } from '@robustjs/core';

type Kind = 'MODEL' | 'IMAGES' | 'RANGE' | 'LABELS' | 'IDS' | 'OUTPUT' | 'OPTION' | 'FOLDER';

/** An error about what an evaluation was given. */
export const wrong = (kind: Kind, expected: string, got: string, fix: string, cause?: unknown): RobustError =>
  new RobustError(`RJS_EVALUATE_${kind}`, { expected, got, fix, cause });
