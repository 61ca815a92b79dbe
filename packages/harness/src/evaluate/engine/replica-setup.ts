import type { Route } from '@robustjs/core';
import type { Dataset } from '@robustjs/datasets';

/** How other threads come to the model under evaluation. */
export interface SubjectSource {
  /** Address of a module that exports {@link SubjectModule}. */
  readonly module: string;
  /** Handed to it; structured-cloneable. */
  readonly setup: unknown;
  /** What makes it the model that it is besides its files, such as preprocessing; as JSON a part of what results are known by. */
  readonly identity?: unknown;
}

/** What such a module exports. */
export interface SubjectModule {
  /** Loads the model. The thread's runtime has been started. */
  readonly openSubject: (setup: never) => Promise<{ readonly evaluable: unknown }>;
}

/** Examples in memory that threads share. */
export interface SharedExamples {
  readonly info: Pick<Dataset, 'id' | 'split' | 'inputShape' | 'classes'>;
  readonly images: SharedArrayBuffer;
  readonly labels: SharedArrayBuffer;
  readonly ids: SharedArrayBuffer;
}

/** What a thread needs to do jobs. */
export interface ReplicaSetup {
  readonly source: SubjectSource;
  readonly examples: SharedExamples;
  readonly runtime: { readonly id: string; readonly variant: string };
  readonly inputShape: readonly number[];
  readonly bounds: readonly [low: number, high: number];
  readonly route: Extract<Route, { kind: 'one' }>;
  readonly seed: number;
  readonly weightsSha256: string | null;
  /** Folder that packages of suites are looked for in first. */
  readonly from: string | undefined;
}

/** Examples of a data set, copied to where all threads see them. */
export async function shareExamples(dataset: Dataset): Promise<SharedExamples> {
  const { id, split, inputShape, classes, size } = dataset;
  const row = inputShape.reduce((product, length) => product * length, 1);
  const images = new SharedArrayBuffer(4 * row * size);
  const labels = new SharedArrayBuffer(4 * size);
  const ids = new SharedArrayBuffer(4 * size);
  for (let position = 0; position < size; position++) new Float32Array(images).set(await dataset.read([position]), position * row);
  new Int32Array(labels).set(dataset.labels);
  new Int32Array(ids).set(dataset.ids);
  return { info: { id, split, inputShape: [...inputShape], classes }, images, labels, ids };
}
