import { RobustError } from '@robustjs/core';
import type { ReplicaModule } from './types.ts';

/**
 * Loads a module of jobs.
 *
 * @throws RobustError `RJS_REPLICA` when it exports no `open`, and what loading it throws.
 */
export async function moduleOf<Setup, Job, Result>(url: URL): Promise<ReplicaModule<Setup, Job, Result>> {
  const module = (await import(url.href)) as Partial<ReplicaModule<Setup, Job, Result>>;
  if (typeof module.open === 'function') return module as ReplicaModule<Setup, Job, Result>;
  throw new RobustError('RJS_REPLICA', { expected: `${url.href} to export a function 'open'`, got: 'none', fix: 'export open(setup), which gives { run, close }' });
}
