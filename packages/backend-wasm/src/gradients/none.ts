import { registerGradient } from '@tensorflow/tfjs-core';
import { withoutGradient } from '../kernels/refuse.ts';

/** Steps and choices that nothing is differentiated through: @robustjs composes them where a gradient is recorded. */
const NAMES = [
  'AdamStep', 'ClassLeadGrad', 'JudgeOutputs', 'JudgeRows', 'L2Distance', 'L2Step', 'LinfDistance', 'LinfStep', 'LogitMarginGrad', 'MomentumStep',
  'PlaneDisplacement', 'SelectRows',
];

/** A gradient through one of them is an error with a code. */
export function registerNoGradients(): void {
  for (const kernelName of NAMES)
    registerGradient({
      kernelName,
      gradFunc: () => {
        throw withoutGradient(kernelName, 'compose it of ordinary operations');
      },
    });
}
