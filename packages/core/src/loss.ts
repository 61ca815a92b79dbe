import { argMax, equal, mean as meanOf, notEqual, type Scalar, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';

/**
 * A loss: one value for every row, pair or triplet of a batch, not yet reduced. Gradients flow through outputs only.
 * A reducer turns the values into the number to minimize.
 */
export type Loss = (outputs: Tensor, targets: Tensor) => Tensor1D;

/** Turns the values of a loss into one number. */
export type Reducer = (values: Tensor1D) => Scalar;

/** The mean over values, the reducer that papers mean when they say nothing. */
export const mean: Reducer = (values) => meanOf<Scalar>(values);

/** What an attack maximizes: one value a row, `[N]`, of the outputs and the rows' targets. */
export type Objective = (outputs: Tensor, targets: Tensor) => Tensor1D;

/** What counts as adversarial: true a row, `[N]`, of the outputs and the rows' targets. */
export type Criterion = (outputs: Tensor, targets: Tensor) => Tensor1D;

/** Adversarial when the predicted class is not the label. */
export const misclassified: Criterion = (outputs, labels) => tidy(() => notEqual<Tensor1D>(argMax(outputs, 1), labels));

/** Adversarial when the predicted class is the target. */
export const targetReached: Criterion = (outputs, targets) => tidy(() => equal<Tensor1D>(argMax(outputs, 1), targets));
