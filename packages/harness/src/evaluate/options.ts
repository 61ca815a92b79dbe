import { catalogue } from '@robustjs/attacks';
import { type Attack, MAIN, type Model, one, parseEps, type Route, type Runtime, threatModel } from '@robustjs/core';
import { attackNamed } from './engine/attack-ref.ts';
import type { SubjectSource } from './engine/replica-setup.ts';
import type { EntryAbout } from './entry.ts';
import { wrong } from './errors.ts';
import type { EvaluationProgress } from './progress.ts';
import type { Evaluable } from './subject.ts';

/** An attack by the name that recipes use. */
export interface NamedAttack {
  readonly id: string;
  /** Options of the attack. */
  readonly options?: Readonly<Record<string, unknown>>;
}

/** Accuracy against eps: which budgets and attack, and on how many examples. */
export interface CurveOptions {
  readonly eps: readonly (number | string)[];
  /** Default: PGD with 20 steps. */
  readonly attack?: Attack | NamedAttack | undefined;
  /** Examples, counting those that are wrong from the start. Default 200. */
  readonly examples?: number | undefined;
}

/** What to evaluate, and how. */
export interface EvaluationOptions {
  /** Default `'Linf'`. */
  readonly norm?: 'Linf' | 'L2' | 'L1' | undefined;
  /** One budget or several, in the units of the model's bounds, such as 0.03 or `'8/255'`. The last one ranks. */
  readonly eps: number | string | readonly (number | string)[];
  /** The suite. Default: 100 random points, FGSM, and PGD with 50 steps, twice on the cross-entropy and once on the margin. */
  readonly attacks?: readonly (Attack | NamedAttack)[] | undefined;
  /**
   * `alone` (default): every attack on every example, so that each one's own strength is known. `cascade`: each attack sees only
   * what those before it left standing, which costs less and gives the same robust accuracy.
   */
  readonly mode?: 'alone' | 'cascade' | undefined;
  /** Name of the suite, for the record. */
  readonly suite?: string | undefined;
  /** `full` (default): all sanity checks. `quick`: without those that cost more than a tenth of the default suite. */
  readonly checks?: 'full' | 'quick' | undefined;
  /** The model draws random numbers by design: accuracies are means over ten draws, and that passes differ is no fault. */
  readonly randomized?: boolean | undefined;
  /** The gradient is a stand-in for one that does not exist (BPDA), so it need not agree with finite differences. */
  readonly approximateGradient?: boolean | undefined;
  /** Versions of packages by name that the measurement depends on besides ours, such as that of the suite; they go into the record. */
  readonly versions?: Readonly<Record<string, string>> | undefined;
  /** Forward passes that one prediction takes. Default 1. */
  readonly forwardPasses?: number | undefined;
  /** The network without its defense, for the checks S16 and S27. */
  readonly backbone?: Evaluable | undefined;
  /** Other networks by name, whose adversarial inputs the check S16 borrows. */
  readonly sources?: Readonly<Record<string, Evaluable>> | undefined;
  /** Default 0. */
  readonly seed?: number | undefined;
  /** Folder where results are kept as they come, so that the same call goes on after an interruption. Default: none are. */
  readonly folder?: string | undefined;
  /** Threads; it changes no number. More than one needs `source` and `runtime`, and attacks by name. Default 1: this thread. */
  readonly workers?: number | undefined;
  /** How other threads load the same model. */
  readonly source?: SubjectSource | undefined;
  /** Folder that packages of suites are looked for in first. Default: the working directory. */
  readonly from?: string | undefined;
  /** Told what is worth knowing, such as that a thread died and was replaced. */
  readonly onNote?: ((message: string) => void) | undefined;
  /** Examples at a time at most; it changes no number. Default 100. */
  readonly batchSize?: number | undefined;
  /** Examples for clean accuracy, chosen by id. Default: all. */
  readonly clean?: number | undefined;
  /** Examples to attack, a part of those for clean accuracy. Default: all of them. */
  readonly attacked?: number | undefined;
  /** Accuracy against eps. Default: PGD with 20 steps on 200 examples at 0 … 8 times the last budget. False: none. */
  readonly curve?: CurveOptions | false | undefined;
  /** Normalization branch that is deployed, `one(branch)`. Default: main. */
  readonly route?: Route | undefined;
  /** Clean accuracy that somebody claimed, as a fraction, to be checked. */
  readonly claim?: number | undefined;
  /** Name of the record. Default `'custom'`. */
  readonly id?: string | undefined;
  /** What the record says of method, paper, architecture and training. */
  readonly about?: Partial<EntryAbout> | undefined;
  /** What tensors live on. Default: TF.js's backend by name. */
  readonly runtime?: Pick<Runtime, 'id' | 'version' | 'variant'> | undefined;
  /** Called as batches are done. */
  readonly onProgress?: ((progress: EvaluationProgress) => void) | undefined;
  /** Stops between batches and between steps of an attack. */
  readonly signal?: AbortSignal | undefined;
}

/** Options with their defaults filled in. */
export interface Settings {
  readonly norm: string;
  readonly budgets: readonly number[];
  readonly attacks: readonly Attack[];
  /** Attacks asked for that need gradients, which the model does not have. */
  readonly leftOut: readonly string[];
  readonly mode: 'alone' | 'cascade';
  readonly checks: 'full' | 'quick';
  readonly randomized: boolean;
  readonly seed: number;
  readonly batchSize: number;
  readonly clean: number;
  readonly attacked: number;
  readonly curve: { readonly budgets: readonly number[]; readonly attack: Attack; readonly examples: number } | undefined;
  readonly route: Extract<Route, { kind: 'one' }>;
}

/**
 * Fills in defaults.
 *
 * @param size examples there are.
 * @throws RobustError `RJS_EVALUATE_OPTION`, `RJS_EPS`, `RJS_NORM`, `RJS_ATTACK_OPTION`.
 */
export function settingsOf(options: EvaluationOptions, size: number, { bounds: [low, high], differentiable = true, inputShape }: Pick<Model, 'bounds' | 'differentiable' | 'inputShape'>): Settings {
  const width = high - low;
  const { norm = 'Linf', eps, seed = 0, batchSize = 100, route = one(MAIN), claim } = options;
  const budgets = (Array.isArray(eps) ? eps : [eps]).map((budget: number | string) => threatModel(norm, readEps(budget)).eps);
  if (budgets.length === 0 || new Set(budgets).size !== budgets.length) {
    throw wrong('OPTION', 'one budget, or several different ones, as eps', JSON.stringify(eps), "pass, for example, eps: ['4/255', '8/255']");
  }
  const tooLarge = norm === 'Linf' ? budgets.find((budget) => budget > width) : undefined;
  if (tooLarge !== undefined) throw wrong('OPTION', `eps of at most ${width}, the width of the inputs' bounds`, String(tooLarge), epsFix(tooLarge / 255));
  if (route.kind !== 'one') throw wrong('OPTION', 'a route through one branch', route.kind, 'wrap the model where branches are mixed at test time');
  if (!Number.isSafeInteger(seed)) throw wrong('OPTION', 'a whole number as seed', String(seed), 'use 0, 1, 2, …');
  if (claim !== undefined && !(claim >= 0 && claim <= 1)) throw wrong('OPTION', 'claim as a fraction in [0, 1]', String(claim), 'divide percents by 100');
  const asked = (options.attacks ?? (differentiable ? defaultSuite() : blackBoxSuite(inputShape))).map(attackOf);
  if (asked.length === 0) throw wrong('OPTION', 'at least one attack', 'none', 'leave attacks out for the default suite');
  const attacks = asked.filter((attack) => differentiable || !needsGradients(attack));
  if (attacks.length === 0) throw wrong('OPTION', 'an attack without gradients, since the model only predicts', asked.map(({ id }) => id).join(', '), 'use noise or square, or give the model a differentiable stand-in');
  checkShapes(attacks, inputShape);
  const leftOut = asked.filter((attack) => !attacks.includes(attack)).map(({ id }) => id);
  const { mode = 'alone', checks = 'full', randomized = false } = options;
  const clean = Math.min(size, whole('clean', options.clean ?? size));
  const attacked = Math.min(clean, whole('attacked', options.attacked ?? clean));
  return {
    norm, budgets, attacks, leftOut, mode, checks, randomized, seed, batchSize: whole('batchSize', batchSize), clean, attacked, route,
    curve: differentiable || options.curve ? curveOf(options, budgets, attacked, width) : undefined,
  };
}

// The margin besides: where logits are small, cross-entropy pulls toward all other classes alike and finds less.
const defaultSuite = (): NamedAttack[] => [
  { id: 'noise', options: { draws: 100 } },
  { id: 'fgsm' },
  { id: 'pgd', options: { steps: 50, restarts: 2 } },
  { id: 'pgd', options: { steps: 50, objective: 'margin' } },
];

const blackBoxSuite = (inputShape: readonly number[]): NamedAttack[] => [{ id: 'noise', options: { draws: 1000 } }, { id: areImages(inputShape) ? 'square' : 'nes' }];

const areImages = (inputShape: readonly number[]): boolean => inputShape.length === 3;

/** Square itself would say so when all attacks before it are done, hours later. */
function checkShapes(attacks: readonly Attack[], inputShape: readonly number[]): void {
  if (areImages(inputShape) || !attacks.some(({ id }) => id === 'square' || id.startsWith('square-'))) return;
  const fix = "give the model inputs [H, W, C] and reshape inside, or name a suite's other attacks one by one";
  throw wrong('OPTION', 'images [H, W, C] for Square, which moves squares in them', `inputs of shape [${inputShape.join(', ')}]`, fix);
}

/** Whether an attack follows gradients; one that is not known is taken to. Presets carry the objective in their names. */
export const needsGradients = ({ id }: Attack): boolean => {
  const known = Object.keys(catalogue).find((name) => id === name || id === `${name}-margin` || id === `${name}-dlr`);
  return known === undefined || catalogue[known]!.needs === 'gradients';
};

// A budget written in gray levels is the usual reason for one that allows everything.
const epsFix = (share: number): string =>
  `eps is in the units of the inputs${share < 1 ? `: for gray levels of 255 write ${Math.round(share * 255)}/255, which is ${Number(share.toPrecision(3))}` : ''}`;

const MULTIPLES = [0, 0.25, 0.5, 1, 2, 4, 8];
const CURVE_EXAMPLES = 200;

function curveOf({ curve, norm = 'Linf' }: EvaluationOptions, budgets: readonly number[], attacked: number, width: number): Settings['curve'] {
  if (curve === false) return undefined;
  const largest = budgets.at(-1)!;
  // Beyond the width of the box an Linf budget allows nothing new.
  const multiples = [...new Set(MULTIPLES.map((multiple) => (norm === 'Linf' ? Math.min(width, multiple * largest) : multiple * largest)))];
  const examples = Math.min(attacked, whole('curve.examples', curve?.examples ?? CURVE_EXAMPLES));
  return { budgets: curve?.eps.map(readEps) ?? multiples, attack: attackOf(curve?.attack ?? { id: 'pgd', options: { steps: 20 } }), examples };
}

function readEps(eps: number | string): number {
  if (typeof eps !== 'number' && typeof eps !== 'string') throw wrong('OPTION', "eps, such as 0.03 or '8/255'", typeof eps, 'say how far an attacker may go');
  return parseEps(eps);
}

/**
 * An attack given as such or by name.
 *
 * @throws RobustError `RJS_EVALUATE_OPTION` for a name that is not known.
 */
export const attackOf = (attack: Attack | NamedAttack): Attack => ('search' in attack ? attack : attackNamed(attack.id, attack.options));

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong('OPTION', `${name} as a whole number of at least 1`, String(value), 'count examples in whole numbers');
}
