import { pgd } from '@robustjs/attacks';
import { one, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { type Context, forBatches } from '../context.ts';
import { outputsOf } from '../outputs.ts';
import { attackHash, brokenRows, type SuiteOutcome } from '../suite.ts';
import { discordant, type Finding, skipped } from './check.ts';

const ATTACK = pgd({ steps: 20 });

/**
 * S16, for networks with several normalization branches: inputs made through a branch that is not deployed break hardly
 * anything that attacks on what is deployed do not.
 *
 * @param rows the leading rows of those that the suite attacked.
 */
export async function branchTransferWeaker(context: Context, rows: Int32Array, threat: ThreatModel, ranking: SuiteOutcome): Promise<Finding> {
  const { model, route } = context;
  const others = model.branches.filter((branch) => route.kind !== 'one' || branch !== route.branch);
  if (others.length === 0 || rows.length === 0) return skipped('S16', 'the model has one normalization branch, or no example is classified correctly');
  const transferred = Array.from(rows, () => false);
  for (const branch of others) {
    const broken = await transfer(context, rows, threat, branch);
    broken.forEach((is, row) => (transferred[row] ||= is));
  }
  const only = discordant(transferred, brokenRows(ranking).slice(0, rows.length)).onlyFirst;
  // One row is no trend, even where it is more than half a percent.
  const threshold = Math.max(0.005, 1 / rows.length);
  const value = only / rows.length;
  const note = `share of rows that inputs made through ${others.join(', ')} break and the suite does not`;
  return { id: 'S16', status: value > threshold ? 'fail' : 'pass', value, threshold, n: rows.length, attackConfigHash: await attackHash(ATTACK), note };
}

/** Which rows the last iterate of an attack through a branch breaks on what is deployed. */
async function transfer({ signal, ...context }: Context, rows: Int32Array, threat: ThreatModel, branch: string): Promise<boolean[]> {
  const { model, route, seed } = context;
  const random = randomStream(seed).split('S16', branch);
  const broken: boolean[] = [];
  await forBatches({ ...context, signal }, rows, { part: 'sanity', name: 'S16', eps: threat.eps }, async ({ inputs, labels, ids }) => {
    const { adversarial } = await runAttack(ATTACK, { model, inputs, labels, ids, threat, random, route: one(branch), keep: 'last', ...(signal && { signal }) });
    try {
      const { classes } = await outputsOf(model, route, adversarial);
      const truth = await labels.data();
      broken.push(...Array.from(classes, (predicted, row) => predicted !== truth[row]));
    } finally {
      adversarial.dispose();
    }
  });
  return broken;
}
