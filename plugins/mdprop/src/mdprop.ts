// Singh, Kakizaki, Araki: "Advancing Deep Metric Learning With Adversarial Robustness", ACML 2023 (PMLR 222). Implemented: named
// normalization branches, single- and multi-targeted examples in feature space, one joint metric loss (the released code; the paper's
// full text was not available). Where we differ from the code: eps is in the units of the model's bounds, and the loss is the track's.
import { type Defense, linf, MAIN, one, rows } from '@robustjs/core';
import { branchedNorms } from '@robustjs/nn';
import { concat } from '@tensorflow/tfjs-core';
import { featureAttack, type TargetedPart } from './feature-attack.ts';

/** The branch that sees examples drawn towards one other input each. */
export const SINGLE = 'single-target';
/** The branch that sees examples drawn towards several other inputs each. */
export const MULTI = 'multi-target';
/** The branch that sees examples drawn towards their own class. */
export const UNADVERSARIAL = 'unadversarial';

/** What the presets differ in. */
interface Preset {
  readonly eps: number;
  readonly clip: 'bounds' | 'batch';
}

/**
 * `paper`: the method in the units of the model's bounds. `official`: the released code, whose 0.01 counts pixels divided by ImageNet's
 * deviation (0.226 on average), and which clips to the extremes of the attacked images.
 */
export const presets: Readonly<Record<'paper' | 'official', Preset>> = {
  paper: { eps: 0.01, clip: 'bounds' },
  official: { eps: 0.01 * 0.226, clip: 'batch' },
};

/** Options of {@link mdprop}. */
export interface MdpropOptions {
  /** Where `eps` and `clip` come from if they are absent. */
  readonly preset: keyof typeof presets;
  /** Linf budget in the units of the model's bounds. */
  readonly eps?: number | string | undefined;
  /** Steps of the attack. */
  readonly steps: number;
  /** Step length; absent: `eps / steps`. */
  readonly alpha?: number | undefined;
  /** Uniform noise of the attack's start. */
  readonly startNoise: number;
  /** `'batch'`: iterates also stay between the extremes of the attacked images. */
  readonly clip?: 'bounds' | 'batch' | undefined;
  /** Targets of an example of the single-target branch, K1. */
  readonly singleTargets: number;
  /** Targets of an example of the multi-target branch, K2. */
  readonly multiTargets: number;
  /** A third kind of examples, drawn towards another image of their own class, with a branch of its own. */
  readonly unadversarial: boolean;
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
  const { preset, steps, alpha, startNoise, norms } = options;
  const { eps = presets[preset].eps, clip = presets[preset].clip } = options;
  const threat = linf(eps);
  const separate = norms === 'separate';
  const kinds = kindsOf(options);
  return {
    ...(separate && { kit: (kit) => branchedNorms(kit, [MAIN, ...kinds.map(({ branch }) => branch)]) }),
    async objective(model, batch, tools) {
      const total = batch.ids.length;
      const parts = kinds.map((kind, i) => ({ ...kind, count: share(total, i, kinds.length) }));
      const auxiliary = parts.map(({ branch, count }) => ({ branch, count }));
      const attack = featureAttack({ parts: parts.map(({ branch: _, ...part }) => part), steps, alpha, startNoise, clip });
      const adversarial = await tools.attack({ attack, threat, route: separate ? rows(auxiliary) : one(MAIN) });
      const route = separate ? rows([{ branch: MAIN, count: total }, ...auxiliary]) : one(MAIN);
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

/** The kinds of examples that a batch is cut into, each with its branch. */
function kindsOf({ singleTargets, multiTargets, unadversarial }: MdpropOptions): (Omit<TargetedPart, 'count'> & { readonly branch: string })[] {
  return [
    { branch: SINGLE, targets: singleTargets },
    { branch: MULTI, targets: multiTargets },
    ...(unadversarial ? [{ branch: UNADVERSARIAL, targets: 1, among: 'own-class' } as const] : []),
  ];
}

/** How many of `total` rows the i-th of several equal parts has; later ones have what is left over. */
const share = (total: number, i: number, parts: number): number => Math.floor((total * (i + 1)) / parts) - Math.floor((total * i) / parts);
