import type { Attack } from '@robustjs/core';
import { suiteMembers } from './engine/attack-ref.ts';
import { wrong } from './errors.ts';
import type { NamedAttack } from './options.ts';
import { installedVersion } from './versions.ts';

/** Attacks that belong together, and how they are run. */
export interface Suite {
  readonly attacks: readonly (Attack | NamedAttack)[] | undefined;
  readonly mode: 'alone' | 'cascade';
  readonly randomized: boolean;
  /** Versions of packages that it comes from, by name. */
  readonly versions?: Readonly<Record<string, string>>;
}

const AUTOATTACK = '@robustjs/autoattack';
const VERSIONS: readonly string[] = ['standard', 'plus', 'rand'];

/** Names of the suites: two of ours, and the versions of AutoAttack. */
export const SUITES: readonly string[] = ['smoke', 'default', ...VERSIONS];

/**
 * The suite with this name. `smoke`: random noise, FGSM and PGD with 10 steps; its figures mean little. `default`: noise, FGSM,
 * PGD with 50 steps on the cross-entropy and the margin, every attack on every example. `standard`, `plus` and `rand` are AutoAttack's
 * versions (Croce and Hein, ICML 2020), in a cascade.
 *
 * @param norm `Linf`, `L2` or `L1`.
 * @param from folder that the package of AutoAttack is looked for in first. Default: the working directory.
 * @throws RobustError `RJS_EVALUATE_OPTION` for another name, or where AutoAttack is not installed.
 */
export async function suiteNamed(name: string, norm: string, from?: string): Promise<Suite> {
  if (name === 'default') return { attacks: undefined, mode: 'alone', randomized: false };
  if (name === 'smoke') return { attacks: [{ id: 'noise', options: { draws: 100 } }, { id: 'fgsm' }, { id: 'pgd', options: { steps: 10 } }], mode: 'alone', randomized: false };
  if (VERSIONS.includes(name)) {
    const attacks = await suiteMembers(AUTOATTACK, name, norm, from);
    return { attacks, mode: 'cascade', randomized: name === 'rand', versions: { autoattack: installedVersion(AUTOATTACK, from ?? process.cwd()) } };
  }
  throw wrong('OPTION', `a suite among ${SUITES.join(', ')}`, JSON.stringify(name), 'name one of these, or the attacks themselves');
}
