import type { Dataset } from '@robustjs/datasets';
import { attackHash } from './attack-ref.ts';
import { jsonHash } from '../hashes.ts';
import type { EvaluationOptions, Settings } from '../options.ts';
import type { Subject } from '../subject.ts';
import { packageVersions } from '../versions.ts';

/** A model and what else determines an evaluation. */
export interface IdentityParts {
  readonly subject: Subject;
  readonly dataset: Dataset;
  readonly settings: Settings;
  readonly options: EvaluationOptions;
  readonly weightsSha256: string | null;
  /** Networks that checks borrow from, by name. */
  readonly others: Readonly<Record<string, Subject>>;
}

/** Everything that determines an evaluation's record, by name: what a folder's results are known by. */
export async function identityOf({ subject, dataset, settings, options, weightsSha256, others }: IdentityParts): Promise<Readonly<Record<string, unknown>>> {
  const { model } = subject;
  const { norm, budgets, attacks, mode, checks, randomized, seed, batchSize, clean, attacked, curve, route } = settings;
  const { runtime, claim, id, about, suite, approximateGradient, forwardPasses, source } = options;
  const files = subject.sha256 ?? null;
  return {
    format: 1,
    weights: weightsSha256,
    inputShape: [...model.inputShape],
    bounds: [...model.bounds],
    branch: route.branch,
    model: { files, identity: source?.identity ?? null },
    // Where neither weights nor files can be seen, the way the model is loaded stands for them.
    ...(weightsSha256 === null && files === null && { source: source?.setup ?? null }),
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
    declared: { approximateGradient, forwardPasses },
    others: Object.fromEntries(await Promise.all(Object.entries(others).map(async ([name, other]) => [name, other.sha256 ?? (await other.weightsHash())]))) as object,
    record: await jsonHash({ id, suite, about }),
    runtime: runtime === undefined ? null : { id: runtime.id, version: runtime.version, variant: runtime.variant },
    versions: packageVersions(undefined, options.versions),
  };
}
