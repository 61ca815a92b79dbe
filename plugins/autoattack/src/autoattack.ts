// Croce, Hein: "Reliable evaluation of adversarial robustness with an ensemble of diverse parameter-free attacks", ICML 2020,
// with "Mind the box: l1-APGD for sparse adversarial attacks", ICML 2021. Implemented: the compositions of the authors' code,
// whose `standard` has been the targeted one since August 2020. The paper's own five restarts of untargeted attacks are `plus`
// without its targeted members.
import { attacks, marginObjective } from '@robustjs/attacks';
import { type Attack, type LookOptions, type Objective, RobustError, type Search } from '@robustjs/core';
import { mul, tidy } from '@tensorflow/tfjs-core';
import { autoAttackMembers, type Version } from './members.ts';

/** A member of a composition of one's own. */
export interface Member {
  /** Name in the registry of @robustjs/attacks, such as `apgd-ce`. */
  readonly id: string;
  /** Options of that attack. Default: its own. */
  readonly options?: Readonly<Record<string, unknown>> | undefined;
}

/** Options of {@link autoAttack}. */
export interface AutoAttackOptions {
  /** Default `'standard'`. */
  readonly version?: Version | 'custom';
  /** Queries of Square. Default 5000; fewer are not AutoAttack. */
  readonly queries?: number;
  /** For `'custom'`: what to run, in order. */
  readonly members?: readonly Member[] | undefined;
}

/**
 * AutoAttack as one attack: its members run one after the other, each on the rows that still stand, from the clean inputs. An
 * evaluation that wants to know which member broke a row takes {@link autoAttackMembers} instead. Each member maximizes its own
 * objective, whatever the problem's; of rows that nothing breaks the point of the largest margin is kept.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`, and in the search `RJS_ATTACK_INPUT`, before anything else, where Square is a member and
 * inputs are no images, and what its members throw: `RJS_ATTACK_BUDGET` without a budget, `RJS_ATTACK_NORM` under a norm other than
 * Linf, L2 and L1.
 */
export function autoAttack({ version = 'standard', queries = 5000, members }: AutoAttackOptions = {}): Attack {
  const custom = version === 'custom' ? customMembers(members) : undefined;
  if (version !== 'custom' && members !== undefined) throw badOption(`no members, which ${version} has of its own`, 'members');
  // Made once, so that options out of range are refused now.
  const composition = (norm: string): Attack[] => custom ?? autoAttackMembers(version as Version, norm, { queries });
  composition('Linf');
  return {
    id: version === 'standard' ? 'autoattack' : `autoattack-${version}`,
    config: custom === undefined ? { version, queries } : { version, members: custom.map(({ id, config }) => ({ id, config })) },
    objective: marginObjective,
    async search(search) {
      const parts = composition(search.threat.norm);
      checkImages(parts, search.clean.shape);
      for (const member of parts) {
        if (search.rows > 0) await member.search(partOf(search, member));
      }
    },
  };
}

/** Square itself would say so when all members before it are done. */
function checkImages(members: readonly Attack[], shape: readonly number[]): void {
  if (shape.length === 4 || !members.some(({ id }) => id === 'square' || id.startsWith('square-'))) return;
  throw new RobustError('RJS_ATTACK_INPUT', {
    expected: 'images [H, W, C] for Square, which moves squares in them', got: `inputs of shape [${shape.slice(1).join(', ')}]`,
    fix: 'reshape inside the model, or leave Square out with the version custom',
  });
}

function customMembers(members: readonly Member[] | undefined): Attack[] {
  if (members === undefined || members.length === 0) throw badOption('members for the version custom', 'none');
  return members.map(({ id, options = {} }) => {
    const create = Object.hasOwn(attacks, id) ? attacks[id] : undefined;
    if (create === undefined) throw badOption(`members among ${Object.keys(attacks).join(', ')}`, id);
    return create(options);
  });
}

/** The same search for one member: with random numbers of its own, and its own objective where it names none. */
function partOf(search: Search, { id, objective }: Attack): Search {
  const own: Objective = search.targeted ? (outputs, targets) => tidy(() => mul(objective(outputs, targets), -1)) : objective;
  const withOwn = (look: LookOptions = {}): LookOptions => ({ objective: own, ...look });
  const part: Pick<Search, 'random' | 'gradient' | 'query' | 'differentiate' | 'look'> = {
    random: search.random.split(id),
    gradient: (inputs, look) => search.gradient(inputs, withOwn(look)),
    query: (inputs, look) => search.query(inputs, withOwn(look)),
    differentiate: (inputs, look) => search.differentiate(inputs, withOwn(look)),
    look: (inputs, look) => search.look(inputs, withOwn(look)),
  };
  // What shrinks with the batch is read through the prototype, anew every time.
  return Object.create(search, Object.getOwnPropertyDescriptors(part)) as Search;
}

const badOption = (expected: string, got: string): RobustError =>
  new RobustError('RJS_ATTACK_OPTION', { expected, got, fix: "see the options in the plugin's README" });
