import type { NamedVariable } from '@robustjs/core';
import { namedVariable } from '@robustjs/nn';
import { clone } from '@tensorflow/tfjs-core';

/** The weights of the best epoch so far. */
export interface BestWeights {
  /** Copies, as variables to be stored; empty where the last epoch counts. */
  readonly copies: readonly NamedVariable[];
  /** Remembers the weights as they are. */
  take(): void;
  /** Puts the weights remembered back. */
  putBack(): void;
  dispose(): void;
}

/** Keeps a copy of these variables, where one is wanted. */
export function bestWeights(variables: readonly NamedVariable[], wanted: boolean): BestWeights {
  const copies = wanted ? variables.map(({ name, variable }) => namedVariable(name, clone(variable), false)) : [];
  return {
    copies,
    take: () => copies.forEach(({ variable }, i) => variable.assign(variables[i]!.variable)),
    putBack: () => copies.forEach(({ variable }, i) => variables[i]!.variable.assign(variable)),
    dispose: () => copies.forEach(({ variable }) => variable.dispose()),
  };
}
