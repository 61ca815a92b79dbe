import { type Objective, parseEps, RobustError, type Search, type ThreatModel } from '@robustjs/core';
import type { Norm } from './catalogue.ts';
import { crossEntropyObjective, dlrObjective, marginObjective } from './objectives.ts';

/** The named objectives that attack options take. */
export type ObjectiveName = 'cross-entropy' | 'margin' | 'dlr';

const objectives: Readonly<Record<ObjectiveName, Objective>> = {
  'cross-entropy': crossEntropyObjective,
  margin: marginObjective,
  dlr: dlrObjective,
};

/**
 * The objective with this name.
 *
 * @throws RobustError `RJS_ATTACK_OPTION`.
 */
export function objectiveNamed(name: ObjectiveName): Objective {
  const objective = Object.hasOwn(objectives, name) ? objectives[name] : undefined;
  if (objective === undefined) {
    throw badOption('objective', Object.keys(objectives).map((known) => `'${known}'`).join(' or '), name);
  }
  return objective;
}

/** Refuses options that an attack does not know, such as a misspelt `step`. */
export function checkKnown(options: object, known: readonly string[]): void {
  const unknown = Object.keys(options).find((key) => !known.includes(key));
  if (unknown !== undefined) throw badOption('options', `only ${known.join(', ')}`, unknown);
}

/** A whole number of at least `least`. */
export function checkWhole(name: string, value: number, least: number): number {
  if (!Number.isSafeInteger(value) || value < least) throw badOption(name, `a whole number of at least ${least}`, value);
  return value;
}

/** A finite number of zero or more. */
export function checkNonNegative(name: string, value: number): number {
  if (!(value >= 0 && value < Infinity)) throw badOption(name, 'a finite number of zero or more', value);
  return value;
}

/** A share strictly between 0 and 1. */
export function checkShare(name: string, value: number): number {
  if (!(value > 0 && value < 1)) throw badOption(name, 'a number between 0 and 1, both excluded', value);
  return value;
}

/** A number from 0 to 1. */
export function checkProbability(name: string, value: number): number {
  if (!(value >= 0 && value <= 1)) throw badOption(name, 'a number from 0 to 1', value);
  return value;
}

/** A finite number above zero. */
export function checkPositive(name: string, value: number): number {
  if (!(value > 0 && value < Infinity)) throw badOption(name, 'a finite number above zero', value);
  return value;
}

/** One of some names. */
export function checkOneOf<Name extends string>(name: string, value: Name, known: readonly Name[]): Name {
  if (!known.includes(value)) throw badOption(name, known.map((one) => `'${one}'`).join(' or '), value);
  return value;
}

/** A number from -1 to 1 that is not 0. */
export function checkSigned(name: string, value: number): number {
  if (!(Math.abs(value) <= 1 && value !== 0)) throw badOption(name, 'a number from -1 to 1, not 0', value);
  return value;
}

/** True or false. */
export function checkFlag(name: string, value: boolean): boolean {
  if (typeof value !== 'boolean') throw badOption(name, 'true or false', value);
  return value;
}

/** An even whole number above zero, such as a number of pairs' members. */
export function checkEven(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 2 || value % 2 !== 0) throw badOption(name, 'an even whole number above zero', value);
  return value;
}

/** Points by example id, flat and of this many values. */
export function checkPoints(name: string, points: ReadonlyMap<number, Float32Array> | undefined, size?: number): void {
  const fits = (point: Float32Array): boolean => point instanceof Float32Array && (size === undefined || point.length === size);
  if (points === undefined || (points instanceof Map && [...points.values()].every(fits))) return;
  throw badOption(name, `a Map of example ids to Float32Arrays${size === undefined ? '' : ` of ${size} values`}`, points);
}

/** One value and no other. */
export function checkEqual(name: string, value: number, expected: number): void {
  if (value !== expected) throw badOption(name, String(expected), value);
}

/** A smallest and a largest share, above 0 and at most 1. */
export function checkScales(name: string, value: readonly number[]): void {
  const [least = NaN, most = NaN] = value;
  if (!(least > 0 && least <= most && most <= 1)) throw badOption(name, 'two numbers above 0 and at most 1, the smaller one first', value);
}

/** An odd whole number, such as the size of a kernel with a middle. */
export function checkOdd(name: string, value: number): number {
  if (!Number.isSafeInteger(value) || value < 1 || value % 2 === 0) throw badOption(name, 'an odd whole number', value);
  return value;
}

/**
 * A step length: a finite number in the units of the bounds, or a fraction.
 *
 * @throws RobustError `RJS_EPS`.
 */
export function checkLength(name: string, value: number | string): number {
  const length = parseEps(value);
  if (length === Infinity) throw badOption(name, 'finite', value);
  return length;
}

/**
 * The budget of an attack that spends all of it.
 *
 * @throws RobustError `RJS_ATTACK_BUDGET` where there is none.
 */
export function finiteBudget({ norm, eps }: ThreatModel): number {
  if (eps < Infinity) return eps;
  throw new RobustError('RJS_ATTACK_BUDGET', {
    expected: 'a finite budget, which this attack spends in steps',
    got: `${norm} without one`,
    fix: 'give it an eps, or look for the nearest adversarial input with an attack such as ddn or fmn',
  });
}

/**
 * The threat model's norm, where the attack is made for it.
 *
 * @throws RobustError `RJS_ATTACK_NORM` where it is not.
 */
export function checkNorm<Known extends Norm>({ norm }: ThreatModel, known: readonly Known[]): Known {
  const found = known.find((name) => name === norm);
  if (found !== undefined) return found;
  throw new RobustError('RJS_ATTACK_NORM', {
    expected: `a threat model among ${known.join(', ')}, which this attack is made for`,
    got: norm,
    fix: '`robustjs list attacks` says which attacks take it',
  });
}

/**
 * Refuses targets, for attacks that only move away from the label.
 *
 * @throws RobustError `RJS_ATTACK_TARGETS`.
 */
export function checkUntargeted({ targeted }: Search): void {
  if (!targeted) return;
  throw new RobustError('RJS_ATTACK_TARGETS', {
    expected: 'no targets, which this attack cannot move towards',
    got: 'targets',
    fix: '`robustjs list attacks` says which attacks take them',
  });
}

const badOption = (name: string, expected: string, got: unknown): RobustError =>
  new RobustError('RJS_ATTACK_OPTION', { expected: `${name} to be ${expected}`, got: JSON.stringify(got) ?? String(got), fix: 'see the attack\'s options in the documentation' });
