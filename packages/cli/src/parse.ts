import { InvalidArgumentError } from 'commander';

/** A whole number of at least `least`. */
export const whole = (least: number) => (text: string): number => {
  const value = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(value) || value < least) throw new InvalidArgumentError(`Expected a whole number of at least ${least}.`);
  return value;
};

/** A number above zero. */
export function positive(text: string): number {
  const value = Number(text);
  if (text.trim() === '' || !Number.isFinite(value) || value <= 0) throw new InvalidArgumentError('Expected a number above 0.');
  return value;
}

/** Words parted by commas. */
export function list(text: string): string[] {
  const parts = text.split(',').map((part) => part.trim());
  if (parts.some((part) => part === '')) throw new InvalidArgumentError('Expected words parted by commas.');
  return parts;
}

/** A number, or a fraction such as 1/255. */
export function number(text: string): number {
  const [top = NaN, bottom = 1] = text.split('/').map((part) => (part.trim() === '' ? NaN : Number(part)));
  const value = top / bottom;
  if (!Number.isFinite(value) || text.split('/').length > 2) throw new InvalidArgumentError('Expected a number such as 0.5 or 1/255.');
  return value;
}

/** Numbers parted by commas. */
export const numbers = (text: string): number[] => list(text).map(number);

/** Budgets parted by commas: numbers or fractions. */
export const budgets = (text: string): string[] =>
  list(text).map((part) => {
    if (!/^\d*\.?\d+(e-?\d+)?(\/\d*\.?\d+)?$/i.test(part)) throw new InvalidArgumentError("Expected budgets such as 0.03 or 8/255, parted by commas.");
    return part;
  });

/** A value as JSON where it is some, else the text itself. */
function jsonOrText(text: string): JsonValue {
  try {
    return JSON.parse(text) as JsonValue;
  } catch {
    return text;
  }
}

/** What JSON can say. */
export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };

/** Collects `key=value` options. */
export function keyValue(text: string, before: Record<string, JsonValue> = {}): Record<string, JsonValue> {
  const split = text.indexOf('=');
  if (split < 1) throw new InvalidArgumentError('Expected key=value.');
  return { ...before, [text.slice(0, split)]: jsonOrText(text.slice(split + 1)) };
}

/** An attack and its options, as in `pgd:steps=50:restarts=2`. */
export interface AttackWord {
  id: string;
  options: Record<string, JsonValue>;
}

/** Attacks parted by commas, each with options after colons. */
export const attackList = (text: string): AttackWord[] =>
  list(text).map((part) => {
    const [id = '', ...options] = part.split(':');
    return { id, options: options.reduce<Record<string, JsonValue>>((all, option) => keyValue(option, all), {}) };
  });
