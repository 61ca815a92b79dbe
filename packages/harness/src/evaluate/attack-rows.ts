import { type Attack, type AttackResult, evaluation, type RandomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { argMax, tidy } from '@tensorflow/tfjs-core';
import { type Context, forBatches, type Rows, type Step } from './context.ts';
import { valuesHash } from './hashes.ts';
import { isAllowed } from './recheck.ts';

/** What one attack did to some rows, in the order asked for. */
export interface Attacked {
  readonly broken: boolean[];
  /** Class predicted at the returned input, in a forward pass of its own. */
  readonly predicted: Int32Array;
  readonly gradientCalls: Int32Array;
  readonly queries: Int32Array;
  /** SHA-256 of each returned input. */
  readonly digests: string[];
  /** The returned inputs of the leading rows, as many as asked for. */
  readonly kept: Float32Array[];
  /** Returned inputs outside the threat model. */
  violations: number;
  /** Returned inputs on which the attack's verdict and a new forward pass disagree. */
  disagreements: number;
}

/** How rows are attacked. */
export interface AttackRowsOptions {
  readonly attack: Attack;
  readonly threat: ThreatModel;
  readonly random: RandomStream;
  readonly step: Step;
  /** How many of the leading rows' returned inputs to keep. Default 0. */
  readonly keep?: number;
}

/**
 * Attacks rows that the model classifies correctly, and looks at what comes back with new eyes: the constraint in plain
 * arithmetic, the class in a forward pass of its own. A returned input that is allowed and misclassified breaks its row, even
 * where the attack did not say so.
 */
export async function attackRows(context: Context, rows: Int32Array, options: AttackRowsOptions): Promise<Attacked> {
  const total = rows.length;
  const attacked: Attacked = {
    broken: [],
    predicted: new Int32Array(total),
    gradientCalls: new Int32Array(total),
    queries: new Int32Array(total),
    digests: [],
    kept: [],
    violations: 0,
    disagreements: 0,
  };
  await forBatches(context, rows, options.step, (batch) => attackBatch(context, batch, options, attacked));
  return attacked;
}

async function attackBatch(context: Context, { start, inputs, labels, ids }: Rows, options: AttackRowsOptions, attacked: Attacked): Promise<void> {
  const { model, route, signal } = context;
  const { attack, threat, random, keep = 0 } = options;
  const result = await runAttack(attack, { model, inputs, labels, ids, threat, random, route, ...(signal && { signal }) });
  const classes = tidy(() => argMax(model.forward(result.adversarial, evaluation(route)), 1));
  try {
    const predicted = await classes.data();
    attacked.predicted.set(predicted, start);
    attacked.gradientCalls.set(result.gradientCalls, start);
    attacked.queries.set(result.queries, start);
    const [clean, adversarial, truth] = await Promise.all([inputs.data(), result.adversarial.data(), labels.data()]);
    const size = model.inputShape.reduce((product, length) => product * length, 1);
    for (let row = 0; row < ids.length; row++) {
      const cut = (values: ArrayLike<number>): Float32Array => (values as Float32Array).slice(row * size, (row + 1) * size);
      const values = cut(adversarial);
      const allowed = isAllowed({ clean: cut(clean), adversarial: values }, threat.norm, threat.eps, model.bounds);
      judge(attacked, result, row, { allowed, misclassified: predicted[row] !== truth[row] });
      attacked.digests.push(await valuesHash(values));
      if (attacked.kept.length < keep) attacked.kept.push(values);
    }
  } finally {
    classes.dispose();
    result.adversarial.dispose();
  }
}

function judge(attacked: Attacked, result: AttackResult, row: number, seen: { readonly allowed: boolean; readonly misclassified: boolean }): void {
  const claimed = result.success[row]!;
  if (!seen.allowed) attacked.violations++;
  if (claimed !== seen.misclassified) attacked.disagreements++;
  attacked.broken.push(seen.allowed && (claimed || seen.misclassified));
}
