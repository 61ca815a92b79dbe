import { cast, greaterEqual, lessEqual, logicalAnd, logicalNot, sum, tidy } from '@tensorflow/tfjs-core';
import type { Attack, AttackProblem, AttackResult } from './attack.ts';
import { RobustError } from './errors.ts';
import { misclassified, targetReached } from './loss.ts';
import { checkRoute, MAIN, one } from './route.ts';
import { searchOf } from './search.ts';

/**
 * Runs an attack on one batch. Whatever the search proposes, what comes back lies in the threat model, was judged by
 * the criterion on the model as deployed, and does not depend on the batch a row came in.
 *
 * @throws RobustError `RJS_INPUT_SHAPE` for inputs that the model does not take, `RJS_INPUT_RANGE` for values outside its
 * bounds (unchecked for `keep: 'last'`), `RJS_BATCH` for labels or ids that do not match the inputs, `RJS_BRANCH` and
 * `RJS_ROUTE` for the route, `RJS_ABORTED` when stopped.
 */
export async function runAttack(attack: Attack, problem: AttackProblem): Promise<AttackResult> {
  const { model, inputs, labels, targets, ids, route = one(MAIN), keep = 'best' } = problem;
  checkBatch(problem);
  checkRoute(route, model.branches, inputs, false);
  // Training reads nothing from the device that it does not need; its data are checked where they are loaded.
  if (keep === 'best') await checkRange(problem);
  const search = searchOf({
    ...problem,
    bounds: model.bounds,
    route,
    ids: Int32Array.from(ids),
    keep,
    // A targeted search maximizes the negative of what an untargeted one would.
    sign: targets === undefined ? 1 : -1,
    goals: targets ?? labels,
    objective: problem.objective ?? attack.objective,
    criterion: problem.criterion ?? (targets === undefined ? misclassified : targetReached),
    random: problem.random.split(attack.id),
  });
  try {
    if (search.rows > 0) await attack.search(search);
    return await search.result();
  } finally {
    search.dispose();
  }
}

function checkBatch({ model, inputs, labels, targets, ids }: AttackProblem): void {
  const expected = [inputs.shape[0] ?? 0, ...model.inputShape];
  if (inputs.shape.join() !== expected.join()) {
    throw new RobustError('RJS_INPUT_SHAPE', {
      expected: `inputs of shape [N, ${model.inputShape.join(', ')}]`,
      got: `[${inputs.shape.join(', ')}]`,
      fix: 'reshape the batch, channels last',
    });
  }
  const counts = [labels.shape[0], ids.length, ...(targets === undefined ? [] : [targets.shape[0]])];
  if (counts.some((count) => count !== inputs.shape[0])) {
    throw new RobustError('RJS_BATCH', {
      expected: `one label and one id for each of ${inputs.shape[0]} inputs`,
      got: counts.join(', '),
      fix: 'pass labels, targets and ids of the same length as the inputs',
    });
  }
  // Found out inside the tape it would leak.
  const wrong = [labels, targets].find((classes) => classes !== undefined && classes.dtype !== 'int32');
  if (wrong !== undefined) {
    throw new RobustError('RJS_BATCH', { expected: 'labels and targets as int32', got: wrong.dtype, fix: "make them with tensor1d(values, 'int32')" });
  }
}

async function checkRange({ model, inputs }: AttackProblem): Promise<void> {
  const [low, high] = model.bounds;
  // Not every backend knows that a sum of nothing is zero.
  if (inputs.size === 0) return;
  // A comparison with NaN is false, so what is not finite counts as outside.
  const outside = tidy(() => sum(cast(logicalNot(logicalAnd(greaterEqual(inputs, low), lessEqual(inputs, high))), 'int32')));
  const [count = 0] = await outside.data();
  outside.dispose();
  if (count > 0) {
    throw new RobustError('RJS_INPUT_RANGE', {
      expected: `finite inputs in [${low}, ${high}]`,
      got: `${count} values outside`,
      fix: "scale the inputs, or declare the model's bounds; normalization belongs inside the model",
    });
  }
}
