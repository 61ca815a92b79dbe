import { MAIN, type Model, RobustError } from '@robustjs/core';
import { addN, mul, type Tensor, tidy } from '@tensorflow/tfjs-core';

/**
 * One model of several: it gives the weighted mean of their logits, as ensembles for transfer attacks do (Dong et al., CVPR
 * 2018, section 3.3, which finds it stronger than the mean of probabilities or of losses). The members keep their owner.
 *
 * @param models of the same input shape, bounds and classes.
 * @param weights one a model, positive; scaled to add up to 1. Default: all alike.
 * @throws RobustError `RJS_ENSEMBLE` for models that do not fit together or weights that do not fit them.
 */
export function ensemble(models: readonly Model[], weights: readonly number[] = models.map(() => 1)): Model {
  const [first] = models;
  if (first === undefined) throw refused('at least one model', 'none');
  const other = models.find((model) => takes(model) !== takes(first));
  if (other !== undefined) throw refused(`models that take inputs of ${takes(first)}`, takes(other));
  if (weights.length !== models.length || !weights.every((weight) => weight > 0 && weight < Infinity)) {
    throw refused(`${models.length} positive weights`, JSON.stringify(weights));
  }
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  return {
    inputShape: first.inputShape,
    bounds: first.bounds,
    // What all have: a pass takes the same branch in each.
    branches: first.branches.filter((branch) => branch === MAIN || models.every((model) => model.branches.includes(branch))),
    parameters: [],
    buffers: [],
    differentiable: models.every((model) => model.differentiable !== false),
    forward: (inputs, pass) =>
      tidy(() => addN(models.map((model, i): Tensor => {
        const random = pass.random?.split('member', i);
        return mul(model.forward(inputs, { ...pass, ...(random && { random }) }), weights[i]! / total);
      }))),
    dispose: () => {},
  };
}

const takes = ({ inputShape, bounds }: Model): string => `shape [${inputShape.join(', ')}] in [${bounds.join(', ')}]`;

const refused = (expected: string, got: string): RobustError =>
  new RobustError('RJS_ENSEMBLE', { expected, got, fix: 'average models that are made for the same data' });
