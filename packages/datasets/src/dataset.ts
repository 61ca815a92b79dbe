/** Which part of a data set this is. Official parts have fixed names; own splits may have any. */
export type Split = 'all' | 'train' | 'validation' | 'test' | (string & {});

/** What a data set is, apart from its examples. */
export interface DatasetInfo {
  /** Name in recipes and results, such as `fashion-mnist`. */
  readonly id: string;
  /** Which part of it this is. */
  readonly split: Split;
  /** Shape of one example, without the batch axis; channels last. */
  readonly inputShape: readonly number[];
  /** How many classes there are, whether or not all of them occur here. */
  readonly classes: number;
  /** Names of the classes, in the order of the labels. */
  readonly classNames?: readonly string[];
  /** Who made the data, and where they come from. */
  readonly source?: string;
  /** Terms under which the data may be used. */
  readonly license?: string;
  /** What a reader of a result must know, such as that the images went through JPEG. */
  readonly note?: string;
}

/**
 * Labelled examples of one shape. Examples stay in the form in which they are stored (bytes, files); only the rows that
 * are read become floats. A data set never changes: splitting or shuffling gives new views of the same examples.
 */
export interface Dataset extends DatasetInfo {
  /** Number of examples. */
  readonly size: number;
  /** One id an example; an example keeps its id however the set is split or shuffled. Random draws are keyed by it. */
  readonly ids: Int32Array;
  /** One class index an example, in [0, classes). */
  readonly labels: Int32Array;
  /**
   * The values of some examples, row after row in the order asked for, in [0, 1], channels last.
   *
   * @param indices positions in this set, in [0, size); not ids.
   * @returns `indices.length * product(inputShape)` values.
   * @throws RobustError `RJS_DATA_INDEX` for a position outside, `RJS_DATA_FORMAT` for a file that turns out broken.
   */
  read(indices: ArrayLike<number>): Promise<Float32Array>;
  /** The bytes of one example as its source stores them: pixels, or an encoded image. */
  raw(index: number): Promise<Uint8Array>;
  /**
   * SHA-256 in hexadecimal over shape, classes, and every example's id, label and stored bytes, in the order of ids: the
   * same for the same examples in any order. Computed on the first call.
   */
  hash(): Promise<string>;
}

/** The parts that a data set comes in. Where it has no official parts, all of it is in `train`. */
export interface Pools {
  readonly train: Dataset;
  readonly validation?: Dataset;
  readonly test?: Dataset;
}
