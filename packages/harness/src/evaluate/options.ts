import { attacks as named, fgsm, noise, pgd } from '@robustjs/attacks';
import { type Attack, MAIN, one, parseEps, type Route, type Runtime, threatModel } from '@robustjs/core';
import type { EntryAbout } from './entry.ts';
import { wrong } from './errors.ts';
import type { EvaluationProgress } from './progress.ts';

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
  /** Default 0. */
  readonly seed?: number | undefined;
  /** Examples at a time; it changes no number. Default 100. */
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
 * @param width largest value of an input minus the smallest.
 * @throws RobustError `RJS_EVALUATE_OPTION`, `RJS_EPS`, `RJS_NORM`, `RJS_ATTACK_OPTION`.
 */
export function settingsOf(options: EvaluationOptions, size: number, width: number): Settings {
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
  const attacks = (options.attacks ?? defaultSuite()).map(attackOf);
  if (attacks.length === 0) throw wrong('OPTION', 'at least one attack', 'none', 'leave attacks out for the default suite');
  const clean = Math.min(size, whole('clean', options.clean ?? size));
  const attacked = Math.min(clean, whole('attacked', options.attacked ?? clean));
  return { norm, budgets, attacks, seed, batchSize: whole('batchSize', batchSize), clean, attacked, route, curve: curveOf(options, budgets, attacked, width) };
}

// The margin besides: where logits are small, cross-entropy pulls toward all other classes alike and finds less.
const defaultSuite = (): Attack[] => [noise({ draws: 100 }), fgsm(), pgd({ steps: 50, restarts: 2 }), pgd({ steps: 50, objective: 'margin' })];

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
  return { budgets: curve?.eps.map(readEps) ?? multiples, attack: attackOf(curve?.attack ?? pgd({ steps: 20 })), examples };
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
export function attackOf(attack: Attack | NamedAttack): Attack {
  if ('search' in attack) return attack;
  const create = Object.hasOwn(named, attack.id) ? named[attack.id] : undefined;
  if (create === undefined) throw wrong('OPTION', `an attack among ${Object.keys(named).join(', ')}`, JSON.stringify(attack.id), 'use one of these, or pass the attack itself');
  return create(attack.options);
}

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw wrong('OPTION', `${name} as a whole number of at least 1`, String(value), 'count examples in whole numbers');
}
