// NoFrost's network from outside: no norms, standardized weights in every convolution, a gain where blocks join.
import type { Join, Kit, Site } from '@robustjs/core';
import { identity, namedVariable } from '@robustjs/nn';
import { add, fill, mul, scalar, type Tensor, tidy } from '@tensorflow/tfjs-core';
import { standardizedConv } from './standardized-conv.ts';

const ALPHA = 0.2;

export function normFreeKit(kit: Kit): Kit {
  return {
    ...kit,
    conv: (site, options) => standardizedConv(site, options, kit.conv(site, options)),
    norm: () => ({ ...identity(), plain: () => [] }),
    join: (site) => gainedJoin(site),
  };
}

function gainedJoin(site: Site): Join {
  const gain = namedVariable(`${site.path}/gain`, scalar(1));
  const everywhere = (value: Tensor | number): Tensor => tidy(() => mul(fill([site.channels], 1), value));
  const weights = () => [
    { name: 'gamma', value: tidy(() => everywhere(mul(gain.variable, ALPHA))) },
    { name: 'moving_mean', value: everywhere(0) },
    { name: 'moving_variance', value: everywhere(1) },
  ];
  return {
    parameters: [gain],
    buffers: [],
    apply: (shortcut, block) => add(shortcut, mul(block, mul(gain.variable, ALPHA))),
    // A batch norm of mean 0 and variance 1 is a multiplication, which tf.layers has no layer for.
    plain: () => ({ shortcut: [], block: [{ className: 'BatchNormalization', config: { axis: -1, epsilon: 0, center: false }, weights: weights() }] }),
  };
}
