// DuBIN from outside: at the first norm of a block half of the channels get one shared instance norm, the other half a
// batch norm a branch; every other norm has a copy a branch.
import type { Branch, Kit, Layer, Site } from '@robustjs/core';
import { branched, namedVariable } from '@robustjs/nn';
import { add, concat, mean, mul, ones, rsqrt, split, square, sub, type Tensor, zeros } from '@tensorflow/tfjs-core';

export function halfInstanceKit(kit: Kit, branches: readonly Branch[]): Kit {
  const norm = (site: Site): Layer => branched(site, branches, (copy) => kit.norm(copy));
  return { ...kit, norm: (site) => (site.role === 'block' && site.index === 0 ? halved(site, norm) : norm(site)) };
}

function halved(site: Site, norm: (site: Site) => Layer): Layer {
  const first = Math.floor(site.channels / 2);
  const instance = instanceNorm({ ...site, path: `${site.path}/instance`, channels: first });
  const batch = norm({ ...site, path: `${site.path}/batch`, channels: site.channels - first });
  return {
    parameters: [...instance.parameters, ...batch.parameters],
    buffers: batch.buffers,
    branches: batch.branches!,
    apply(input, pass) {
      const [left, right] = split(input, [first, site.channels - first], -1) as [Tensor, Tensor];
      return concat([instance.apply(left, pass), batch.apply(right, pass)], -1);
    },
  };
}

function instanceNorm(site: Site): Layer {
  const scale = namedVariable(`${site.path}/scale`, ones([site.channels]));
  const offset = namedVariable(`${site.path}/offset`, zeros([site.channels]));
  return {
    parameters: [scale, offset],
    buffers: [],
    apply(input) {
      const centered = sub(input, mean(input, [1, 2], true));
      const normal = mul(centered, rsqrt(add(mean(square(centered), [1, 2], true), 1e-5)));
      return add(mul(normal, scale.variable), offset.variable);
    },
  };
}
