// Zhang, Yu, Jiao, Xing, El Ghaoui, Jordan: "Theoretically Principled Trade-off between Robustness and Accuracy",
// ICML 2019. Implemented: equation 5 by algorithm 1, with beta = 1 / lambda. Where paper and code differ: the released
// code starts the attack from Gaussian noise of deviation 0.001, and runs it on running statistics; so do we. Unlike the
// code we project that start, take steps of 2.5 eps / steps (0.00775 by default, 0.007 there) and pass the clean rows once
// instead of twice in training, so that they move the statistics once.
import { type Defense, evaluation, MAIN, mean, one, type Pass, threatModel } from '@robustjs/core';
import { pgd } from '@robustjs/attacks';
import { crossEntropy, klDivergence } from '@robustjs/nn';
import { add, mul } from '@tensorflow/tfjs-core';

/** Options of {@link trades}. */
export interface TradesOptions {
  /** Weight of the robust term; larger is more robust and less accurate. */
  readonly beta: number;
  /** `'Linf'`, `'L2'` or `'L1'`. */
  readonly norm: string;
  /** Budget in the units of the model's bounds. */
  readonly eps: number | string;
  /** Step length of the attack; absent: `2.5 * eps / steps`. */
  readonly alpha?: number | string | undefined;
  /** Steps of the attack. */
  readonly steps: number;
}

/**
 * TRADES: cross-entropy on the clean rows, plus beta times the divergence between the predictions on clean rows and on
 * rows that maximize that divergence. The gradient reaches both predictions.
 *
 * @throws RobustError `RJS_EPS`, `RJS_NORM`, `RJS_ATTACK_OPTION`.
 */
export function trades({ beta, norm, eps, alpha, steps }: TradesOptions): Defense {
  const threat = threatModel(norm, eps);
  const attack = pgd({ steps, randomStart: 'gaussian', ...(alpha !== undefined && { alpha }) });
  return {
    async objective(model, batch, tools) {
      const fixed = model.forward(batch.inputs, evaluation());
      const adversarial = await tools
        .attack({ attack, threat, objective: (logits) => klDivergence(fixed, logits) })
        .finally(() => fixed.dispose());
      const pass: Pass = { train: true, route: one(MAIN), updates: tools.updates };
      return {
        loss: (log) => {
          const clean = model.forward(batch.inputs, pass);
          const natural = mean(crossEntropy(clean, batch.labels));
          const robust = mean(klDivergence(clean, model.forward(adversarial, pass)));
          log('natural', natural);
          log('robust', robust);
          return add(natural, mul(robust, beta));
        },
        dispose: () => adversarial.dispose(),
      };
    },
  };
}
