import type { TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import { assertFloats } from '../kernels/refuse.ts';
import type { NativeFunctions } from './module.ts';
import { address, withScratch } from './scratch.ts';

/**
 * The op of softmax cross-entropy that @robustjs/nn asks for by name.
 *
 * - `SoftmaxCrossEntropy`: logits `[N, K]` and target, class indices `[N]` int32 with the attribute `smoothing` or probabilities
 *   `[N, K]`, to `[N]`.
 * - `SoftmaxCrossEntropyGrad`: the gradient with respect to the logits, from dy `[N]` and the same.
 */
export const crossEntropyKernels = (native: NativeFunctions): AddedKernel[] => [
  {
    kernelName: 'SoftmaxCrossEntropy',
    run: (args) => {
      const { backend } = args;
      const logits = input(args, 'logits');
      assertFloats('SoftmaxCrossEntropy', [logits]);
      const [rows, classes] = logits.shape as [number, number];
      const loss = backend.makeOutput([rows], 'float32');
      const { labels, probabilities, smoothing } = targetOf(args);
      native.crossEntropy(rows, classes, address(backend, logits), labels, probabilities, smoothing, address(backend, loss));
      return loss;
    },
  },
  {
    kernelName: 'SoftmaxCrossEntropyGrad',
    run: (args) => {
      const { backend } = args;
      const [dy, logits] = [input(args, 'dy'), input(args, 'logits')];
      const [rows, classes] = logits.shape as [number, number];
      const dx = backend.makeOutput(logits.shape, 'float32');
      const { labels, probabilities, smoothing } = targetOf(args);
      withScratch(backend, (scratch) => {
        const held = scratch.floats(2 * classes);
        native.crossEntropyGradient(rows, classes, address(backend, dy), address(backend, logits), labels, probabilities, smoothing, held, address(backend, dx));
      });
      return dx;
    },
  },
];

function targetOf({ backend, inputs, attrs }: KernelArgs): { labels: number; probabilities: number; smoothing: number } {
  const target = inputs['target'] as TensorInfo;
  const at = address(backend, target);
  const hard = target.dtype === 'int32';
  return { labels: hard ? at : 0, probabilities: hard ? 0 : at, smoothing: attrs['smoothing'] as number };
}
