import { cast, equal, expandDims, eye, mul, notEqual, range as steps, sub, type Tensor1D, type Tensor2D, tidy } from '@tensorflow/tfjs-core';

/** Which pairs `[N, N]` share a class, an example with itself left out: 1 or 0. */
export const positivePairs = (labels: Tensor1D): Tensor2D =>
  tidy(() => mul(cast(equal(expandDims(labels, 1), expandDims(labels, 0)), 'float32'), sub(1, eye(labels.shape[0]))));

/** Which pairs `[N, N]` are of two classes: 1 or 0. */
export const negativePairs = (labels: Tensor1D): Tensor2D =>
  tidy(() => cast<Tensor2D>(notEqual(expandDims(labels, 1), expandDims(labels, 0)), 'float32'));

/** Which examples belong to which class, `[N, C]`: 1 or 0. */
export const classMask = (labels: Tensor1D, classes: number): Tensor2D =>
  tidy(() => cast<Tensor2D>(equal(expandDims(labels, 1), expandDims(steps(0, classes, 1, 'int32'), 0)), 'float32'));
