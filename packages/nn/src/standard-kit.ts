import type { Kit, RandomStream } from '@robustjs/core';
import { batchNorm } from './batch-norm.ts';
import { conv } from './conv.ts';
import { dense } from './dense.ts';
import { addJoin, concatJoin, flattenLayer, pool, reluLayer } from './shaping.ts';

/**
 * The kit of an ordinary network: convolutions (He initialization), batch norm, ReLU, addition. Initial values are keyed by site path, so a
 * defense that adds or removes layers leaves the others' as they are.
 */
export function standardKit(random: RandomStream): Kit {
  return {
    conv: (site, options) => conv(site, options, random),
    norm: (site) => batchNorm(site),
    act: () => reluLayer,
    pool: (_site, options) => pool(options),
    dense: (site, options) => dense(site, options, random),
    flatten: () => flattenLayer,
    join: () => addJoin,
    concat: () => concatJoin,
  };
}
