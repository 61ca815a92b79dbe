import type { LookOptions, Search, Seen } from '@robustjs/core';
import { dispose, type Tensor } from '@tensorflow/tfjs-core';

/** What a watcher may do at each pass of a search. */
export interface Passes {
  /** In place of {@link Search.differentiate}. */
  readonly differentiate: (inputs: Tensor, options: LookOptions) => Seen & { readonly gradient: Tensor };
  /** In place of {@link Search.look}. */
  readonly look: (inputs: Tensor, options: LookOptions) => Seen;
  /** In place of {@link Search.compact}. */
  readonly compact?: Search['compact'];
}

/**
 * The same search with other passes: gradients and queries all go through the two functions given. Getters stay those of the
 * search, from which rows leave as it goes on. Where offers are judged, the search judges them through {@link Passes.look}.
 */
export function watched(search: Search, { differentiate, look, compact }: Passes): Search {
  const keeping = (seen: Seen & { gradient?: Tensor }, kept: 'values' | 'gradient'): Tensor => {
    dispose(Object.entries(seen).flatMap(([name, tensor]) => (name === kept ? [] : [tensor as Tensor])));
    return seen[kept]!;
  };
  const passes: Partial<Search> = {
    differentiate: (inputs, options = {}) => differentiate(inputs, options),
    look: (inputs, options = {}) => look(inputs, options),
    gradient: (inputs, options = {}) => keeping(differentiate(inputs, options), 'gradient'),
    query: (inputs, options = {}) => keeping(look(inputs, options), 'values') as Seen['values'],
    ...(compact && { compact }),
  };
  return Object.assign(Object.create(search) as Search, passes);
}
