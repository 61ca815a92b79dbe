import {
  conv2d, conv2dTranspose, engine, getGradient, type GradConfig, type NamedAttrMap, type NamedTensorMap, registerGradient, type Tensor, type Tensor4D,
} from '@tensorflow/tfjs-core';

/** Second derivatives that TF.js lacks; both gradients of a convolution are linear, so they are convolutions again. */
export function registerSecondGradients(): void {
  const configs = [
    conv2dBackpropFilterGradient,
    ...linear('DepthwiseConv2dNative', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter', { dataFormat: 'NHWC' }),
    ...linear('Conv3D', 'Conv3DBackpropInputV2', 'Conv3DBackpropFilterV2', { dataFormat: 'NDHWC', dilations: [1, 1, 1] }),
  ];
  for (const config of configs) if ((getGradient(config.kernelName) as object | undefined) === undefined) registerGradient(config);
}

/** The gradients of a convolution's two gradients, in kernels of the same convolution. */
function linear(forward: string, ofInput: string, ofFilter: string, defaults: Record<string, unknown>): GradConfig[] {
  const run = (name: string, inputs: NamedTensorMap, attrs: Record<string, unknown>): Tensor =>
    engine().runKernel(name, inputs, { ...defaults, ...attrs } as unknown as NamedAttrMap);
  return [
    {
      kernelName: ofInput,
      inputsToSave: ['dy', 'filter'],
      gradFunc: (ddx, saved, attrs) => {
        const [x, dy, filter] = [ddx, ...saved] as [Tensor, Tensor, Tensor];
        return { dy: () => run(forward, { x, filter }, { ...attrs }), filter: () => run(ofFilter, { x, dy }, { ...attrs, filterShape: filter.shape }) };
      },
    },
    {
      kernelName: ofFilter,
      inputsToSave: ['x', 'dy'],
      gradFunc: (ddw, saved, attrs) => {
        const [filter, x, dy] = [ddw, ...saved] as [Tensor, Tensor, Tensor];
        return { x: () => run(ofInput, { dy, filter }, { ...attrs, inputShape: x.shape }), dy: () => run(forward, { x, filter }, { ...attrs }) };
      },
    },
  ];
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
