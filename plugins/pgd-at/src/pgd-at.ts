// Madry, Makelov, Schmidt, Tsipras, Vladu: "Towards Deep Learning Models Resistant to Adversarial Attacks", ICLR 2018.
// Implemented: the saddle point problem of equation 2.1, its inner maximum by PGD. Where paper and code differ: the
// paper trains with 7 steps and the released code with 10 (the default here); the attack sees running statistics, not
// the batch's.
import { type Defense, MAIN, mean, one, threatModel } from '@robustjs/core';
import { pgd } from '@robustjs/attacks';
import { crossEntropy } from '@robustjs/nn';

/** Options of {@link pgdAt}. */
export interface PgdAtOptions {
  /** `'Linf'`, `'L2'` or `'L1'`. */
  readonly norm: string;
  /** Budget in the units of the model's bounds. */
  readonly eps: number | string;
  /** Step length of the attack; absent: `2.5 * eps / steps`. */
  readonly alpha?: number | string | undefined;
  /** Steps of the attack. */
  readonly steps: number;
  /** Start at a random point of the ball. */
  readonly randomStart: boolean;
}

/**
 * PGD adversarial training: every step minimizes the loss on the adversarial rows that PGD finds for its batch.
 *
 * @throws RobustError `RJS_EPS`, `RJS_NORM`, `RJS_ATTACK_OPTION`.
 */
export function pgdAt({ norm, eps, alpha, steps, randomStart }: PgdAtOptions): Defense {
  const threat = threatModel(norm, eps);
  const attack = pgd({ steps, randomStart, ...(alpha !== undefined && { alpha }) });
  return {
    async objective(model, batch, tools) {
      const adversarial = await tools.attack({ attack, threat });
      return {
        loss: () => {
          const logits = model.forward(adversarial, { train: true, route: one(MAIN), updates: tools.updates });
          return mean(crossEntropy(logits, batch.labels));
        },
        dispose: () => adversarial.dispose(),
      };
    },
  };
}
