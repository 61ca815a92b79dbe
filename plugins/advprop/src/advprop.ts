// Xie, Tan, Gong, Wang, Yuille, Le: "Adversarial Examples Improve Image Recognition", CVPR 2020. Implemented: joint
// training on clean and adversarial rows, each through its own normalization branch (algorithm 1); only the main branch
// is deployed. Where paper and public code differ: the loss is the mean over both halves (code), not their sum (paper);
// a random target is never the true class; the start of the attack is uniform unless `randomStart` is false.
import { type Defense, MAIN, mean, one, rows, threatModel, type TrainingTools, type Batch } from '@robustjs/core';
import { pgd } from '@robustjs/attacks';
import { branchedNorms, crossEntropy } from '@robustjs/nn';
import { add, cast, concat, floor, minimum, mod, mul, type Tensor1D, tidy } from '@tensorflow/tfjs-core';

/** The auxiliary branch, which sees adversarial rows only and is thrown away after training. */
export const ADVERSARIAL = 'adversarial';

/** Options of {@link advprop}. */
export interface AdvpropOptions {
  /** `'Linf'`, `'L2'` or `'L1'`. */
  readonly norm: string;
  /** Budget in the units of the model's bounds; a weak one helps clean accuracy. */
  readonly eps: number | string;
  /** Step length of the attack; absent: `eps / steps`, the shortest that can reach the ball's edge. */
  readonly alpha?: number | string | undefined;
  /** Steps of the attack. */
  readonly steps: number;
  /** Attack towards a random other class instead of away from the true one. */
  readonly targeted: boolean;
  /** Start at a random point of the ball. */
  readonly randomStart: boolean;
  /** Share of the label moved to the uniform distribution. */
  readonly labelSmoothing: number;
}

/**
 * AdvProp: half of every stacked batch is clean and takes the main branch, half is adversarial and takes its own, so that
 * neither distribution disturbs the other's statistics.
 *
 * @throws RobustError `RJS_EPS`, `RJS_NORM`, `RJS_ATTACK_OPTION`.
 */
export function advprop({ norm, eps, alpha, steps, targeted, randomStart, labelSmoothing }: AdvpropOptions): Defense {
  const threat = threatModel(norm, eps);
  const attack = pgd({ steps, randomStart, alpha: alpha ?? threat.eps / steps });
  return {
    kit: (kit) => branchedNorms(kit, [MAIN, ADVERSARIAL]),
    async objective(model, batch, tools) {
      const targets = targeted ? otherClasses(batch, tools) : undefined;
      const adversarial = await tools
        .attack({ attack, threat, route: one(ADVERSARIAL), ...(targets && { targets }) })
        .finally(() => targets?.dispose());
      const count = batch.ids.length;
      const route = rows([{ branch: MAIN, count }, { branch: ADVERSARIAL, count }]);
      return {
        loss: () => {
          const logits = model.forward(concat([batch.inputs, adversarial]), { train: true, route, updates: tools.updates });
          return mean(crossEntropy(logits, concat([batch.labels, batch.labels]), labelSmoothing));
        },
        dispose: () => adversarial.dispose(),
      };
    },
  };
}

/** A class other than its own for every row, uniformly: label + 1 … label + C - 1, modulo C. */
const otherClasses = ({ labels, ids }: Batch, { random, classes }: TrainingTools): Tensor1D =>
  tidy(() => {
    const draws = random.split('target').uniformRows(ids, []);
    // Float32 rounds the largest draws up to classes - 1, which would be the row's own class.
    const shift = add(minimum(floor(mul(draws, classes - 1)), classes - 2), 1);
    return cast(mod<Tensor1D>(add(cast(labels, 'float32'), shift), classes), 'int32');
  });
