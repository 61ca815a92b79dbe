import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import { assertFloats } from '../kernels/refuse.ts';
import type { NativeFunctions } from './module.ts';
import { address, withScratch } from './scratch.ts';

/**
 * The objectives that @robustjs/attacks asks for by name: logits `[N, K]` and classes `[N]` int32 to `[N]`. Each has a gradient by the
 * logits, which takes dy `[N]` besides.
 *
 * - `LogitMargin`: the largest logit but the label's, minus the label's.
 * - `ClassLead`: the target's minus the label's; attribute ratio: over the largest minus the mean of the third and the fourth.
 */
export const objectiveKernels = (native: NativeFunctions): AddedKernel[] => [
  objective('LogitMargin', ({ rows, classes, logits, labels, to }) => native.logitMargin(rows, classes, logits, labels, to)),
  objective('LogitMarginGrad', ({ rows, classes, dy, logits, labels, to }) => native.logitMarginGradient(rows, classes, dy, logits, labels, to)),
  objective('ClassLead', ({ rows, classes, logits, labels, targets, ratio, held, to }) =>
    native.classLead(rows, classes, logits, labels, targets, ratio, held, to)),
  objective('ClassLeadGrad', ({ rows, classes, dy, logits, labels, targets, ratio, held, to }) =>
    native.classLeadGradient(rows, classes, dy, logits, labels, targets, ratio, held, to)),
];

/** Addresses, but for the numbers of rows and classes and the flag; 0 for an input that is not there. */
type Given = Readonly<Record<'rows' | 'classes' | 'dy' | 'logits' | 'labels' | 'targets' | 'ratio' | 'held' | 'to', number>>;

const objective = (kernelName: string, compute: (given: Given) => void): AddedKernel => ({
  kernelName,
  run: (args: KernelArgs): TensorInfo => {
    const { backend, inputs, attrs } = args;
    const logits = input(args, 'logits');
    assertFloats(kernelName, [logits, inputs['dy']]);
    const [rows, classes] = logits.shape as [number, number];
    const out = backend.makeOutput(inputs['dy'] === undefined ? [rows] : logits.shape, 'float32');
    const at = (name: string): number => (inputs[name] === undefined ? 0 : address(backend, inputs[name]));
    const ratio = attrs['ratio'] === true ? 1 : 0;
    const given = { rows, classes, dy: at('dy'), logits: at('logits'), labels: at('labels'), targets: at('targets'), ratio };
    withScratch(backend, (scratch) => compute({ ...given, held: scratch.floats(classes), to: address(backend, out) }));
    return out;
  },
});
