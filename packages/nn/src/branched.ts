import { type Branch, checkRoute, type Kit, type Layer, type Pass, RobustError, type Site } from '@robustjs/core';
import { add, concat, mul, reshape, slice, type Tensor } from '@tensorflow/tfjs-core';
import { normalizeParts } from './batch-norm.ts';
import { applyWith, computedTogether, follow, type Following } from './following.ts';

/**
 * A kit whose norms come in several named copies, chosen by the route of the pass: each branch has its own parameters
 * and statistics. This is what AdvProp, MDProp and MultiBN share.
 *
 * @param where which norms are branched; the others stay single. Default: all, down-sampling shortcuts included.
 * @throws RobustError `RJS_BRANCHES`, when a network is built, for names that {@link branched} does not take.
 */
export function branchedNorms(kit: Kit, branches: readonly Branch[], where: (site: Site) => boolean = () => true): Kit {
  return { ...kit, norm: (site) => (where(site) ? branched(site, branches, (copy) => kit.norm(copy)) : kit.norm(site)) };
}

/**
 * Several copies of a layer, chosen by route. The copy of branch `b` has the path `<site>@b`. The route is checked in
 * `apply`, too late for TF.js's tape: whoever differentiates checks it before, with `checkRoute`.
 *
 * @param create makes one copy at the site it is given.
 * @throws RobustError `RJS_BRANCHES` for no names, a name twice, or one that holds a slash or an at sign.
 */
export function branched(site: Site, branches: readonly Branch[], create: (site: Site) => Layer): Layer {
  checkNames(branches);
  const copies = new Map(branches.map((branch) => [branch, create({ ...site, path: `${site.path}@${branch}` })]));
  const copy = (branch: Branch): Layer => copies.get(branch)!;
  const apply = (input: Tensor, pass: Pass, next: Following): Tensor => {
    checkRoute(pass.route, branches, input, pass.train);
    return applyRoute(input, pass, copy, next);
  };
  const layer: Layer = {
    parameters: [...copies.values()].flatMap((layer) => layer.parameters),
    buffers: [...copies.values()].flatMap((layer) => layer.buffers),
    branches,
    ...([...copies.values()].every((layer) => layer.plain !== undefined) && { plain: (branch: Branch) => copy(branch).plain!(branch) }),
    apply: (input, pass) => apply(input, pass, { relu: false }),
  };
  return computedTogether(layer, apply);
}

function checkNames(branches: readonly Branch[]): void {
  if (branches.length === 0 || new Set(branches).size < branches.length || branches.some((name) => /^$|[/@]/.test(name))) {
    throw new RobustError('RJS_BRANCHES', {
      expected: 'one or more branch names, each once',
      got: JSON.stringify(branches),
      fix: "name them like ['main', 'adversarial'], without slashes and at signs: names of variables are made of them",
    });
  }
}

function applyRoute(input: Tensor, pass: Pass, copy: (branch: Branch) => Layer, next: Following): Tensor {
  const { route } = pass;
  switch (route.kind) {
    case 'one':
      return applyWith(copy(route.branch), input, pass, next);
    case 'rows': {
      // A part without rows has no statistics to see.
      const parts = route.parts.filter(({ count }) => count > 0).map(({ branch, count }) => ({ layer: copy(branch), count }));
      if (parts.length === 0) return follow(input, next);
      return normalizeParts(parts, input, pass, next) ?? follow(partByPart(parts, input, pass), next);
    }
    case 'mix': {
      const [count] = route.weights.shape;
      const overRows = [count, ...Array<number>(input.rank - 1).fill(1)];
      const mixed = route.branches
        .map((branch, k) => mul(copy(branch).apply(input, pass), reshape(slice(route.weights, [0, k], [count, 1]), overRows)))
        .reduce((sum, term) => add(sum, term));
      return follow(mixed, next);
    }
  }
}

function partByPart(parts: readonly { layer: Layer; count: number }[], input: Tensor, pass: Pass): Tensor {
  let start = 0;
  const outputs = parts.map(({ layer, count }) => {
    const part = takeRows(input, start, count);
    start += count;
    return layer.apply(part, pass);
  });
  return outputs.length > 1 ? concat(outputs, 0) : outputs[0]!;
}

const takeRows = (x: Tensor, start: number, count: number): Tensor =>
  slice(x, [start, ...Array<number>(x.rank - 1).fill(0)], [count, ...x.shape.slice(1)]);
