// Singh, Kakizaki, Araki: "Advancing Deep Metric Learning With Adversarial Robustness", ACML 2023 (PMLR 222). Implemented: three
// normalization branches, single- and multi-targeted examples in feature space, one joint metric loss (the released code; the
// paper's full text was not available). Where we differ from the code: eps is in the units of the model's bounds and steps are clipped to
// them, not to a batch's extremes; the loss is the track's.
import { type Batch, type Defense, linf, MAIN, one, rows } from '@robustjs/core';
import { branchedNorms } from '@robustjs/nn';
import { concat } from '@tensorflow/tfjs-core';
import { featureAttack } from './feature-attack.ts';

/** The branch that sees examples drawn towards one other input each. */
export const SINGLE = 'single-target';
/** The branch that sees examples drawn towards several other inputs each. */
export const MULTI = 'multi-target';

/** Options of {@link mdprop}. */
export interface MdpropOptions {
  /** Linf budget in the units of the model's bounds. */
  readonly eps: number | string;
  /** Steps of the attack. */
  readonly steps: number;
  /** Step length; absent: `eps / steps`. */
  readonly alpha?: number | undefined;
  /** Uniform noise of the attack's start. */
  readonly startNoise: number;
  /** Targets of an example of the single-target branch, K1. */
  readonly singleTargets: number;
  /** Targets of an example of the multi-target branch, K2. */
  readonly multiTargets: number;
  /**
   * `'separate'`: a branch a distribution, as MDProp has it; `'shared'`: all rows through one, which is adversarial training with the same
   * examples, the ablation that isolates the branches.
   */
  readonly norms: 'separate' | 'shared';
}

/**
 * MDProp: each clean input gives one adversarial one, the first half of a batch single-targeted, the second multi-targeted. Clean rows and both
 * kinds pass through norms of their own, and one metric loss compares all embeddings. The clean branch is deployed.
 *
 * @throws RobustError `RJS_EPS`.
 */
export function mdprop(options: MdpropOptions): Defense {
  const { eps, steps, alpha, startNoise, singleTargets, multiTargets, norms } = options;
  const threat = linf(eps);
  const separate = norms === 'separate';
  return {
    ...(separate && { kit: (kit) => branchedNorms(kit, [MAIN, SINGLE, MULTI]) }),
    async objective(model, batch, tools) {
      const [first, second] = halves(batch);
      const parts = [{ count: first, targets: singleTargets }, { count: second, targets: multiTargets }];
      const auxiliary = [{ branch: SINGLE, count: first }, { branch: MULTI, count: second }];
      const attack = featureAttack({ parts, steps, alpha, startNoise });
      const adversarial = await tools.attack({ attack, threat, route: separate ? rows(auxiliary) : one(MAIN) });
      const route = separate ? rows([{ branch: MAIN, count: first + second }, ...auxiliary]) : one(MAIN);
      return {
        loss: () => {
          const embeddings = model.forward(concat([batch.inputs, adversarial]), { train: true, route, updates: tools.updates });
          return tools.loss(embeddings, concat([batch.labels, batch.labels]));
        },
        dispose: () => adversarial.dispose(),
      };
    },
  };
}

/** An odd batch has one more multi-targeted example. */
function halves({ ids }: Batch): [number, number] {
  const first = Math.floor(ids.length / 2);
  return [first, ids.length - first];
}
