import type { Dataset } from '@robustjs/datasets';
import { attackHash } from './attack-ref.ts';
import { jsonHash } from '../hashes.ts';
import type { EvaluationOptions, Settings } from '../options.ts';
import type { Subject } from '../subject.ts';
import { packageVersions } from '../versions.ts';

/** Everything that determines an evaluation's record, by name: what a folder's results are known by. */
export async function identityOf(subject: Subject, dataset: Dataset, settings: Settings, options: EvaluationOptions, weightsSha256: string | null): Promise<Readonly<Record<string, unknown>>> {
  const { model } = subject;
  const { norm, budgets, attacks, mode, checks, randomized, seed, batchSize, clean, attacked, curve, route } = settings;
  const { runtime, claim, id, about, suite, approximateGradient, forwardPasses, sources, backbone } = options;
  return {
    format: 1,
    weights: weightsSha256,
    inputShape: [...model.inputShape],
    bounds: [...model.bounds],
    branch: route.branch,
    // Where weights cannot be seen, the way the model is loaded stands for them.
    ...(weightsSha256 === null && { source: options.source?.setup ?? null }),
    data: await dataset.hash(),
    threat: norm,
    eps: budgets,
    attacks: await Promise.all(attacks.map(async (attack) => `${attack.id} ${await attackHash(attack)}`)),
    mode,
    checks,
    randomized,
    seed,
    examples: [clean, attacked],
    batchSize,
    curve: curve === undefined ? null : { budgets: curve.budgets, examples: curve.examples, attack: await attackHash(curve.attack) },
    claim: claim ?? null,
    declared: { approximateGradient, forwardPasses, backbone: backbone !== undefined, sources: Object.keys(sources ?? {}) },
    record: await jsonHash({ id, suite, about }),
    runtime: runtime === undefined ? null : { id: runtime.id, version: runtime.version, variant: runtime.variant },
    versions: packageVersions(undefined),
  };
}
