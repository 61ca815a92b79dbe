import type { Model } from '@robustjs/core';

/** Running statistics and parameters of one norm in one branch, as means over its channels. */
export interface BranchStatistic {
  /** The norm's place in the network, such as `norm0`. */
  readonly layer: string;
  readonly branch: string;
  /** By the variable's name, such as `mean` or `gamma`. */
  readonly values: Readonly<Record<string, number>>;
}

/** Statistics of every norm that has branches: how far the distributions that they saw lie apart. */
export async function branchStatistics({ parameters, buffers }: Pick<Model, 'parameters' | 'buffers'>): Promise<BranchStatistic[]> {
  const groups = new Map<string, { layer: string; branch: string; values: Record<string, number> }>();
  for (const { name, variable } of [...parameters, ...buffers]) {
    // The copy of branch b stands under `<site>@b`.
    const [, layer, branch, what] = /^(.*)@([^/]+)\/(.+)$/.exec(name) ?? [];
    if (layer === undefined || branch === undefined || what === undefined) continue;
    const group = groups.get(`${layer}@${branch}`) ?? { layer, branch, values: {} };
    const values = Float32Array.from(await variable.data());
    group.values[what] = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    groups.set(`${layer}@${branch}`, group);
  }
  return [...groups.values()];
}
