import type { CurvePoint } from '../train/index.ts';
import type { Entry } from '../evaluate/index.ts';
import { byRank, worth, type Worthy } from './rank.ts';
import type { Picture, ReportInput, Timing } from './types.ts';

/** An entry as the report shows it: with a name, a look, and what belongs to it. */
export interface Arm {
  readonly entry: Entry;
  /** Short name, unique in the report. */
  readonly name: string;
  /** Value of the id attribute of what is about this arm. */
  readonly anchor: string;
  /** CSS color that follows the theme. */
  readonly color: string;
  /** Dashes of its lines, so that color is not all that tells arms apart. */
  readonly dash: readonly number[];
  readonly timing: Timing | undefined;
  readonly curve: readonly CurvePoint[];
  readonly pictures: readonly Picture[];
}

/** How many colors the style sheet has besides that of undefended networks. */
const COLORS = 7;
const DASHES = [[], [7, 4], [2, 3], [8, 3, 2, 3]] as const;

/** The arms, best first. */
export function armsOf(input: ReportInput): Arm[] {
  const ranked = [...input.entries].sort(byRank);
  const names = armNames(ranked);
  const looks = looksOf(ranked.map(({ method }) => method.id === 'standard'));
  return ranked.map((entry, i) => {
    return {
      entry,
      name: names[i]!,
      anchor: `arm-${i + 1}`,
      ...looks[i]!,
      timing: own(input.timings, entry.id),
      curve: own(input.curves, entry.id) ?? [],
      pictures: own(input.pictures, entry.id) ?? [],
    };
  });
}

/** Colors and dashes of arms, one after another; undefended ones are grey. */
export function looksOf(undefended: readonly boolean[]): Pick<Arm, 'color' | 'dash'>[] {
  let [defended, grey] = [0, 0];
  return undefended.map((is) => (is ? { color: 'var(--arm-standard)', dash: DASHES[++grey % DASHES.length]! } : lookOf(defended++)));
}

/** What is drawn of an arm of any track. */
export interface DrawnArm extends Pick<Arm, 'name' | 'color' | 'dash'> {
  readonly entry: Worthy;
}

/** What an arm's line is called in plots. */
export function lineName({ name, entry }: Pick<DrawnArm, 'name' | 'entry'>): string {
  return worth(entry) === 1 ? `${name}, unreliable` : name;
}

/** Arms whose results count: neither refused nor unreliable. */
export function soundArms(arms: readonly Arm[]): Arm[] {
  return arms.filter(({ entry }) => worth(entry) === 0);
}

/** Arms that plots show: all but refused ones, whose numbers are no measurement. */
export function drawnArms<A extends Pick<DrawnArm, 'entry'>>(arms: readonly A[]): A[] {
  return arms.filter(({ entry }) => !entry.refused);
}

/** Names that tell the entries apart: the method, else the method and its seed, else the entry's id. */
export function armNames(entries: readonly Entry[]): string[] {
  const candidates = [
    entries.map(({ id, method }) => (method.id === 'standard' ? 'standard training' : method.id === 'unknown' ? id : method.id)),
    entries.map(({ method, training }) => `${method.id}, seed ${training?.seed ?? 'unknown'}`),
    entries.map(({ id }) => id),
  ];
  return candidates.find((names) => new Set(names).size === names.length) ?? entries.map(({ id }, i) => `${id} (${i + 1})`);
}

function lookOf(index: number): Pick<Arm, 'color' | 'dash'> {
  return { color: `var(--arm-${index % COLORS})`, dash: DASHES[Math.floor(index / COLORS) % DASHES.length]! };
}

function own<Value>(record: Readonly<Record<string, Value>> | undefined, key: string): Value | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}
