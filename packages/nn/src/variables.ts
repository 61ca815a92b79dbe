import type { NamedVariable } from '@robustjs/core';
import { type Tensor, variable } from '@tensorflow/tfjs-core';

/**
 * A variable with a path for a name. TF.js's own variable names are global, so a second model would collide with the
 * first: the variable itself stays anonymous. Takes over the initial value.
 *
 * @param name unique in the network: the site's path, a slash, and what it is, such as `stem/conv/kernel`.
 * @param trainable false for running statistics. Default true.
 */
export function namedVariable(name: string, initial: Tensor, trainable = true): NamedVariable {
  const created = variable(initial, trainable);
  initial.dispose();
  return { name, variable: created };
}
