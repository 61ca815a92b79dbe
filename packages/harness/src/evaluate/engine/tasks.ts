import { RobustError } from '@robustjs/core';
import { cleanTask } from '../clean.ts';
import { watchTask } from '../sanity/attack-checks.ts';
import { differencesTask } from '../sanity/finite-differences.ts';
import { frozenTask } from '../sanity/frozen.ts';
import { gradientExistsTask, zeroGradientTask } from '../sanity/gradient-checks.ts';
import { innerGradientsTask, repeatTask } from '../sanity/model-checks.ts';
import { unstableTask } from '../sanity/surface.ts';
import { traceTask } from '../sanity/trace.ts';
import { validationTask } from '../sanity/validation.ts';
import { attackTask } from './attack-task.ts';
import type { Task } from './task.ts';

const tasks: readonly Task<never, unknown>[] = [
  cleanTask, attackTask, watchTask, differencesTask, frozenTask, gradientExistsTask, zeroGradientTask, innerGradientsTask, repeatTask, unstableTask,
  traceTask, validationTask,
];

/** The task with this name. */
export function taskNamed(name: string): Task<never, unknown> {
  const task = tasks.find((each) => each.name === name);
  if (task !== undefined) return task;
  throw new RobustError('RJS_EVALUATE_FOLDER', { expected: 'a task of this version', got: JSON.stringify(name), fix: 'choose another folder with --out' });
}
