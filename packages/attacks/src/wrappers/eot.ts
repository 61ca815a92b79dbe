import type { Attack, Search, Seen } from '@robustjs/core';
import { addN, cast, dispose, div, greater, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { checkKnown, checkWhole } from '../options.ts';
import { watched } from './watched.ts';

/** Options of {@link eot}. */
export interface EotOptions {
  /** Passes that each gradient and each answer is the mean of. Default 20. */
  readonly samples?: number;
}

/**
 * Expectation over transformation: any attack, on the mean of a stochastic model's passes. Gradients, outputs and objectives are means
 * over `samples` passes, each with random draws of its own; an input counts as adversarial to the attack where more than half of
 * them say so. The first pass of each is also judged by the framework, as ever. Every sample is counted.
 *
 * Source: Athalye et al., ICML 2018, section 3.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`.
 */
export function eot(attack: Attack, options: EotOptions = {}): Attack {
  checkKnown(options, ['samples']);
  const samples = checkWhole('samples', options.samples ?? 20, 1);
  return {
    ...attack,
    id: `${attack.id}-eot`,
    config: { ...attack.config, samples },
    search: (search) => attack.search(averaged(search, samples)),
  };
}

function averaged(search: Search, samples: number): Search {
  // The first pass is the proposal, the others ask about the same input once more.
  const each = <Pass>(pass: (probe: boolean) => Pass, probe = false): Pass[] => Array.from({ length: samples }, (_, i) => pass(probe || i > 0));
  return watched(search, {
    look: (inputs, options) => meanOf(each((probe) => search.look(inputs, { ...options, probe }), options.probe)),
    differentiate: (inputs, options) => {
      const passes = each((probe) => search.differentiate(inputs, { ...options, probe }), options.probe);
      const gradient = mean(passes.map((pass) => pass.gradient));
      dispose(passes.map((pass) => pass.gradient));
      return { ...meanOf(passes), gradient };
    },
  });
}

/** One pass of several: takes them over. */
function meanOf(passes: readonly Seen[]): Seen {
  const all = (name: keyof Seen): Tensor[] => passes.map((pass) => pass[name]);
  const seen = {
    outputs: mean(all('outputs')),
    values: mean(all('values')) as Tensor1D,
    adversarial: tidy(() => greater<Tensor1D>(mean(all('adversarial').map((x) => cast(x, 'float32'))), 0.5)),
  };
  for (const { outputs, values, adversarial } of passes) dispose([outputs, values, adversarial]);
  return seen;
}

const mean = (parts: Tensor[]): Tensor => tidy(() => div(addN(parts), parts.length));
