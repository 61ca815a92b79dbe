import type { Model, NamedVariable } from '@robustjs/core';

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
    const place = placeOf(name);
    if (place === undefined) continue;
    const { layer, branch, what } = place;
    const group = groups.get(`${layer}@${branch}`) ?? { layer, branch, values: {} };
    const values = Float32Array.from(await variable.data());
    group.values[what] = values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
    groups.set(`${layer}@${branch}`, group);
  }
  return [...groups.values()];
}

// Statistics of a norm as it is built.
const BUILT: Readonly<Record<string, number>> = { mean: 0, variance: 1 };

/** Branches that no row ever went through in training: all their running statistics are those that they were built with. */
export async function untrainedBranches({ buffers }: Pick<Model, 'buffers'>): Promise<string[]> {
  const moved = new Map<string, boolean>();
  for (const { name, variable } of buffers) {
    const { branch, what } = placeOf(name) ?? {};
    if (branch === undefined || what === undefined) continue;
    const values = await variable.data();
    moved.set(branch, (moved.get(branch) ?? false) || values.some((value) => value !== BUILT[what]));
  }
  return [...moved].flatMap(([branch, has]) => (has ? [] : [branch]));
}

/** Where a variable of a branch stands: that of branch b is named `<layer>@b/<what>`. Undefined: it is of no branch. */
function placeOf(name: NamedVariable['name']): { readonly layer: string; readonly branch: string; readonly what: string } | undefined {
  const [, layer, branch, what] = /^(.*)@([^/]+)\/(.+)$/.exec(name) ?? [];
  return layer === undefined || branch === undefined || what === undefined ? undefined : { layer, branch, what };
}
