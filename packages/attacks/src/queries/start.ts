import type { Asking, Row } from './by-row.ts';
import { between } from './vectors.ts';

/** Starting points of decision attacks, by the id of the example: inputs that are adversarial, flat. */
export type Starts = ReadonlyMap<number, Float32Array>;

/** Blends with noise that are tried, from the clean input on. */
const BLENDS = 50;

/**
 * An adversarial point to start from: the clean input where it is one, the given one where it is one, else the first
 * adversarial blend of the clean input with uniform noise that is adversarial by itself (Foolbox's linear search). Draws noise
 * for as long as there are queries, so a model that never changes its mind costs the budget and no more.
 */
export function* adversarialStart(row: Row, starts: Starts | undefined): Asking<Float32Array> {
  if ((yield row.clean).adversarial) return row.clean;
  const given = starts?.get(row.id);
  if (given !== undefined && (yield given).adversarial) return keep(row, given);
  const noise = yield* adversarialNoise(row);
  keep(row, noise);
  for (let blend = 1; blend < BLENDS; blend++) {
    const point = between(row.clean, noise, blend / BLENDS);
    if ((yield point).adversarial) return keep(row, point);
  }
  return noise;
}

function* adversarialNoise({ clean, random, bounds: [low, high] }: Row): Asking<Float32Array> {
  for (let draw = 0; ; draw++) {
    const noise = random.split('start', draw).uniform(clean.length).map((u) => low + u * (high - low));
    if ((yield noise).adversarial) return noise;
  }
}

function keep(row: Row, point: Float32Array): Float32Array {
  row.best = point;
  return point;
}

/** What records tell starting points apart by: how many there are, and a checksum (FNV-1a) of ids and values. */
export function startsRecord(starts: Starts | undefined): string {
  if (starts === undefined) return 'noise';
  let sum = 0x811c9dc5;
  for (const [id, values] of [...starts].sort(([a], [b]) => a - b)) {
    for (const word of [id, ...new Uint32Array(Float32Array.from(values).buffer)]) sum = Math.imul(sum ^ word, 0x01000193);
  }
  return `${starts.size} given, ${(sum >>> 0).toString(16).padStart(8, '0')}`;
}
