import type { NamedVariable } from '@robustjs/core';
import { adamStep, momentumStep, namedVariable } from '@robustjs/nn';
import { type Tensor, zeros } from '@tensorflow/tfjs-core';
import type { OptimizerRecipe } from '../recipe.ts';

/** Moves parameters along gradients. Its whole state is in `slots`, so that a run can be taken up again to the bit. */
export interface Optimizer {
  /** State by parameter, as variables to be stored; empty where there is none. */
  readonly slots: readonly NamedVariable[];
  /**
   * One step.
   *
   * @param gradients one a parameter, in the order of the parameters; a parameter without one stays as it is.
   * @param step steps done before.
   */
  apply(gradients: readonly (Tensor | undefined)[], learningRate: number, step: number): void;
  /** Releases the slots. */
  dispose(): void;
}

/** Parameters of the loss itself. */
export interface Besides {
  /** They stand among those of the optimizer. */
  readonly parameters: readonly NamedVariable[];
  /** Their learning rate, as a factor on the network's. */
  readonly rateFactor: number;
}

/** One step of one parameter, whose values decay by the share `decay`. */
type Rule = (parameter: NamedVariable, gradient: Tensor, slots: readonly NamedVariable[], learningRate: number, step: number, decay: number) => void;

/**
 * The optimizer of a recipe over these parameters. Weight decay is added to the gradient. Biases and normalization
 * parameters (of rank 1) are not decayed unless `decayNorm` says so.
 *
 * @param besides what is trained beside a network, such as class vectors: never decayed, at a learning rate of their own.
 */
export function optimizerOf(recipe: OptimizerRecipe, parameters: readonly NamedVariable[], besides: Besides = { parameters: [], rateFactor: 1 }): Optimizer {
  const { names, rule } = recipe.id === 'sgd' ? sgd(recipe) : adam(recipe);
  const slots = parameters.map(({ name, variable }) => names.map((slot) => namedVariable(`${slot}/${name}`, zeros(variable.shape), false)));
  const isBeside = (parameter: NamedVariable): boolean => besides.parameters.includes(parameter);
  const decayOf = (parameter: NamedVariable): number => (!isBeside(parameter) && (recipe.decayNorm || parameter.variable.rank > 1) ? recipe.weightDecay : 0);
  return {
    slots: slots.flat(),
    apply(gradients, learningRate, step) {
      parameters.forEach((parameter, i) => {
        const gradient = gradients[i];
        if (gradient === undefined) return;
        rule(parameter, gradient, slots[i]!, isBeside(parameter) ? learningRate * besides.rateFactor : learningRate, step, decayOf(parameter));
      });
    },
    dispose: () => slots.flat().forEach(({ variable }) => variable.dispose()),
  };
}

function sgd({ momentum, nesterov }: OptimizerRecipe & { id: 'sgd' }): { names: string[]; rule: Rule } {
  return {
    names: momentum > 0 ? ['momentum'] : [],
    rule: ({ variable }, gradient, [slot], rate, _step, decay) => momentumStep(variable, gradient, slot?.variable, { rate, momentum, nesterov, decay }),
  };
}

/** Kingma and Ba, ICLR 2015, algorithm 1, with both bias corrections moved into the step length and epsilon (section 2). */
function adam({ beta1, beta2, epsilon }: OptimizerRecipe & { id: 'adam' }): { names: string[]; rule: Rule } {
  return {
    names: ['mean', 'square'],
    rule({ variable }, gradient, [mean, uncentered], learningRate, step, decay) {
      const correction = Math.sqrt(1 - beta2 ** (step + 1));
      const length = (learningRate * correction) / (1 - beta1 ** (step + 1));
      adamStep(variable, gradient, mean!.variable, uncentered!.variable, { length, beta1, beta2, epsilon: epsilon * correction, decay });
    },
  };
}
