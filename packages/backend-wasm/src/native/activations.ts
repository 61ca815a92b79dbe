import { util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, runStock } from '../kernels/heap.ts';
import type { NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/** Activations of assembly/activations.ts by TF.js's names, with the number each takes. */
export const ACTIVATIONS = { Relu6: 0, LeakyRelu: 1, Elu: 2, Softplus: 3 } as const;

/**
 * ReLU's relatives and softplus; and their gradients, `Relu6Grad` and so on, with inputs dy and x (see gradients/activations.ts).
 * TF.js composes the gradients, and its gradient of ELU is silently wrong under double backprop.
 */
export const activationKernels = (native: NativeFunctions): AddedKernel[] =>
  Object.entries(ACTIVATIONS).flatMap(([kernelName, kind]): AddedKernel[] => [
    {
      kernelName,
      run: (args) => {
        const x = input(args, 'x');
        if (x.dtype !== 'float32') return runStock(args.backend, kernelName, { x }, args.attrs);
        const y = args.backend.makeOutput(x.shape, 'float32');
        native.activation(kind, util.sizeFromShape(x.shape), alphaOf(args.attrs), address(args.backend, x), address(args.backend, y));
        return y;
      },
    },
    {
      kernelName: gradientName(kernelName),
      floats: true,
      run: (args) => {
        const { backend, attrs } = args;
        const [dy, x] = [input(args, 'dy'), input(args, 'x')];
        const dx = backend.makeOutput(x.shape, 'float32');
        native.activationGradient(kind, util.sizeFromShape(x.shape), alphaOf(attrs), address(backend, dy), address(backend, x), address(backend, dx));
        return dx;
      },
    },
  ]);

/** TF.js has an `EluGrad` of its own, from the output. */
export const gradientName = (kernelName: string): string => `${kernelName}InputGrad`;

const alphaOf = (attrs: Readonly<Record<string, unknown>> | undefined): number => (attrs?.['alpha'] as number | undefined) ?? 1;
