// Panum, Wang, Kan, Fernandes, Jha: "Exploring Adversarial Robustness of Deep Metric Learning", arXiv 2102.07265 (2021). Implemented: the
// robust training of the released code; of the paper only the abstracts were read. Where we differ: batch norm is trained, clean and
// perturbed rows in one pass (the code freezes pretrained statistics); an L2 step follows the gradient (the code's takes its sign).
import { pgd } from '@robustjs/attacks';
import { type Batch, type Defense, evaluation, MAIN, one, threatModel, type TrainingTools } from '@robustjs/core';
import { contrastive, distanceWeighted, type EmbeddingLoss, triplet, type Triplets } from '@robustjs/metric-learning';
import { concat, dispose, type Tensor, type Tensor2D } from '@tensorflow/tfjs-core';
import { objectiveOf, redirected, referencesOf, type Role, rowsOf, some } from './roles.ts';

/** Options of {@link robustDml}. */
export interface RobustDmlOptions {
  /** `'Linf'`, `'L2'` or `'L1'`. */
  readonly norm: string;
  /** Budget in the units of the model's bounds. */
  readonly eps: number | string;
  /** Steps of the attack. */
  readonly steps: number;
  /** Step length; absent: `2 * eps / steps`. */
  readonly alpha?: number | undefined;
  /** What is minimized over the triplets. */
  readonly loss: 'contrastive' | 'triplet';
  /** Which member of a triplet is perturbed. */
  readonly role: Role;
  /** Share of triplets that are attacked. */
  readonly rate: number;
}

const LOSSES: Readonly<Record<'contrastive' | 'triplet', EmbeddingLoss>> = { contrastive: contrastive(), triplet: triplet({ margin: 0.2 }) };

/**
 * Robust metric learning: triplets are mined on clean embeddings; one member of each is perturbed against the clean embeddings of the others,
 * and put back into its own triplet only. That is the attack that a query meets: one image moves, the rest stays.
 *
 * @throws RobustError `RJS_EPS`, `RJS_NORM`, `RJS_ATTACK_OPTION`.
 */
export function robustDml({ norm, eps, steps, alpha, loss, role, rate }: RobustDmlOptions): Defense {
  const threat = threatModel(norm, eps);
  const attack = pgd({ steps, alpha: alpha ?? (2 * threat.eps) / steps });
  return {
    async objective(model, batch, tools) {
      const embeddings = model.forward(batch.inputs, evaluation()) as Tensor2D;
      const triplets = await mined(embeddings, batch, tools).catch(release(embeddings));
      const chosen = chosenOf(triplets, tools, rate);
      // No triplet: the step has nothing to compare, and nothing to attack.
      const perturbed = chosen.length === 0 ? undefined : await perturb(embeddings, some(triplets, chosen)).catch(release(embeddings));
      embeddings.dispose();
      const compared = redirected(triplets, chosen, role, batch.ids.length);
      return {
        loss() {
          const inputs = perturbed === undefined ? batch.inputs : concat([batch.inputs, perturbed]);
          const all = model.forward(inputs, { train: true, route: one(MAIN), updates: tools.updates }) as Tensor2D;
          return LOSSES[loss].compute({ embeddings: all, labels: batch.labels, triplets: compared });
        },
        dispose: () => perturbed?.dispose(),
      };

      async function perturb(clean: Tensor2D, attacked: Triplets): Promise<Tensor> {
        const references = referencesOf(clean, attacked, role);
        const rows = rowsOf(batch, attacked, role);
        return tools
          .attack({ attack, threat, batch: rows, objective: objectiveOf(references, role) })
          .finally(() => dispose([rows.inputs, rows.labels, ...references]));
      }
    },
  };
}

/** One triplet an anchor, on clean embeddings: mining anew after the attack would be another method. */
async function mined(embeddings: Tensor2D, { labels }: Batch, { random }: TrainingTools): Promise<Triplets> {
  const [values, classes] = await Promise.all([embeddings.data(), labels.data()]);
  const input = { embeddings: Float32Array.from(values), dimensions: embeddings.shape[1], labels: Int32Array.from(classes), random: random.split('miner') };
  return distanceWeighted({ cutoff: 0.5, farthest: 1.4 })(input);
}

/** Which triplets are attacked. */
function chosenOf({ anchors }: Triplets, { random }: TrainingTools, rate: number): Int32Array {
  const draws = random.split('rate').uniform(anchors.length);
  return anchors.map((_, i) => i).filter((i) => draws[i]! < rate);
}

/** Disposes a tensor and throws on. */
const release = (tensor: Tensor) => (error: unknown): never => {
  tensor.dispose();
  throw error;
};
