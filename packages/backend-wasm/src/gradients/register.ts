import { conv2d, conv2dTranspose, getGradient, type GradConfig, registerGradient, type Tensor, type Tensor4D } from '@tensorflow/tfjs-core';

/** Second derivatives that TF.js lacks; both gradients of a convolution are linear, so they are convolutions again. */
export function registerSecondGradients(): void {
  if ((getGradient('Conv2DBackpropFilter') as object | undefined) === undefined) registerGradient(conv2dBackpropFilterGradient);
}

const conv2dBackpropFilterGradient: GradConfig = {
  kernelName: 'Conv2DBackpropFilter',
  inputsToSave: ['x', 'dy'],
  gradFunc: (ddw, saved, attrs) => {
    const [x, dy] = saved as [Tensor4D, Tensor4D];
    const filter = ddw as Tensor4D;
    const { strides, pad } = attrs as unknown as { strides: [number, number]; pad: 'same' | 'valid' | number };
    return {
      x: (): Tensor => conv2dTranspose(dy, filter, x.shape, strides, pad),
      dy: (): Tensor => conv2d(x, filter, strides, pad),
    };
  },
};
