import type { RandomStream } from '@robustjs/core';

/** One basis vector of the discrete cosine transform of an image or clip. */
export interface FrequencyPlace {
  /** Which plane: frame and channel. */
  readonly frame: number;
  readonly channel: number;
  /** Frequencies down and across. */
  readonly down: number;
  readonly across: number;
}

/** Lengths `[frames, height, width, channels]` of one input's shape. */
const lengthsOf = (shape: readonly number[]): [number, number, number, number] =>
  (shape.length === 3 ? [1, ...shape] : [...shape]) as [number, number, number, number];

/**
 * All basis vectors in random order, the low frequencies first: those below `first` in both directions, then ring after
 * ring of the same width.
 */
export function frequencyOrder(shape: readonly number[], first: number, random: RandomStream): FrequencyPlace[] {
  const [frames, height, width, channels] = lengthsOf(shape);
  const rings: FrequencyPlace[][] = [];
  for (let frame = 0; frame < frames; frame++) {
    for (let down = 0; down < height; down++) {
      for (let across = 0; across < width; across++) {
        const ring = (rings[Math.floor(Math.max(down, across) / first)] ??= []);
        for (let channel = 0; channel < channels; channel++) ring.push({ frame, channel, down, across });
      }
    }
  }
  return rings.flatMap((ring, i) => Array.from(random.split('ring', i).permutation(ring.length), (place) => ring[place]!));
}

/** A basis vector, of Euclidean length 1 and orthogonal to the others: the inverse transform (DCT-II) of one coefficient. */
export function frequencyVector(shape: readonly number[], { frame, channel, down, across }: FrequencyPlace): Float32Array {
  const [frames, height, width, channels] = lengthsOf(shape);
  const [vertical, horizontal] = [wave(height, down), wave(width, across)];
  const vector = new Float32Array(frames * height * width * channels);
  for (let i = 0; i < height; i++) {
    for (let j = 0; j < width; j++) vector[((frame * height + i) * width + j) * channels + channel] = vertical[i]! * horizontal[j]!;
  }
  return vector;
}

const wave = (size: number, frequency: number): Float64Array =>
  Float64Array.from({ length: size }, (_, i) => Math.sqrt((frequency === 0 ? 1 : 2) / size) * Math.cos((Math.PI * (2 * i + 1) * frequency) / (2 * size)));
