import type { Entry } from '../evaluate/index.ts';
import type { CurvePoint } from '../train/index.ts';

/** An example before and after an attack, for people to look at. */
export interface Picture {
  /** Id of the example in its data set. */
  readonly id: number;
  /** The right class. */
  readonly label: number;
  /** Class that the model gives the clean image. */
  readonly cleanPrediction: number;
  /** Class that the model gives the adversarial image. */
  readonly adversarialPrediction: number;
  /** Name of the attack that made the adversarial image. */
  readonly attack: string;
  /** Its budget, in the units of the model's bounds. */
  readonly eps: number;
  /** `[height, width, channels]`, with one channel (grey) or three (red, green, blue). */
  readonly shape: readonly number[];
  /** `height * width * channels` values in the model's bounds, channels last. */
  readonly clean: Float32Array;
  /** As `clean`. */
  readonly adversarial: Float32Array;
}

/** How long the parts of a run took, and on what. Kept apart from entries, so that entries compare byte by byte. */
export interface Timing {
  /** Wall time by part, such as `{ train: 61.5, evaluate: 12 }`, in seconds. */
  readonly seconds: Readonly<Record<string, number>>;
  /** When the run began, ISO 8601. */
  readonly startedAt?: string | undefined;
  /** What the tensors lived on, such as `wasm simd`. */
  readonly device?: string | undefined;
  /** Name of the machine's processor. */
  readonly processor?: string | undefined;
}

/** What {@link renderReport} shows. Records are keyed by the id of the entry; whatever is absent is left out. */
export interface ReportInput {
  /** One entry an arm. */
  readonly entries: readonly Entry[];
  readonly timings?: Readonly<Record<string, Timing>>;
  /** Training curves. */
  readonly curves?: Readonly<Record<string, readonly CurvePoint[]>>;
  /** Adversarial examples. */
  readonly pictures?: Readonly<Record<string, readonly Picture[]>>;
  /** Names of the classes, in the order of the labels; absent: their numbers. */
  readonly classNames?: readonly string[];
}
