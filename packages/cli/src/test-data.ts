import { resolve } from 'node:path';
import { RobustError } from '@robustjs/core';
import { type Dataset, parseNpy } from '@robustjs/datasets';
import { datasetOfImages, openData } from '@robustjs/harness';
import type { Subject } from './networks.ts';
import { readBytes } from './read.ts';
import { usage } from './usage.ts';

/** Which examples to test on, as the command line says it. */
export interface TestDataFlags {
  readonly data?: string;
  readonly dataDir?: string;
  readonly images?: string;
  readonly labels?: string;
}

/** The examples to test on: arrays from files, else the test part of the data asked for, else of what it was trained on. */
export async function testData(subject: Subject, flags: TestDataFlags, cwd: string, signal: AbortSignal): Promise<Dataset> {
  const { images, labels } = flags;
  if ((images === undefined) !== (labels === undefined)) throw usage('--images and --labels together', 'one of them', 'give both, or neither for a data set');
  if (images === undefined || labels === undefined) return scaledTo((await openData(dataOf(subject, flags, cwd), { signal })).test, subject.bounds);
  if (flags.data !== undefined) throw usage('--images or --data', 'both', 'give one of them');
  const x = parseNpy(await readBytes(resolve(cwd, images), 'images'), images);
  const y = parseNpy(await readBytes(resolve(cwd, labels), 'labels'), labels);
  checkShape(x.shape, subject.model.inputShape);
  const [low, high] = subject.bounds;
  // Bytes are images as files have them; floats are in the units of the model's inputs.
  const values = x.values instanceof Uint8Array ? Float32Array.from(x.values, (byte) => low + (byte / 255) * (high - low)) : Float32Array.from(x.values);
  return datasetOfImages(subject.evaluable, values, y.values, { inputShape: x.shape.slice(1), ...(subject.route && { route: subject.route }) });
}

/** Images of another shape with as many values would be read as noise. */
function checkShape([count = 0, ...shape]: readonly number[], wanted: readonly number[]): void {
  if (count > 0 && shape.join() === wanted.join()) return;
  throw new RobustError('RJS_DATA_MISMATCH', { expected: `inputs of shape [N, ${wanted.join(', ')}]`, got: `[${[count, ...shape].join(', ')}]`, fix: 'reshape or resize them, batch axis first, channels last' });
}

/** A data set, whose values lie in [0, 1], in the units of a network's inputs. */
function scaledTo(dataset: Dataset, [low, high]: Subject['bounds']): Dataset {
  if (low === 0 && high === 1) return dataset;
  return { ...dataset, read: async (rows) => (await dataset.read(rows)).map((value) => low + value * (high - low)) };
}

/** The data to test on: those asked for, else those it was trained on. */
export function dataOf({ recipe }: Pick<Subject, 'recipe'>, flags: { readonly data?: string; readonly dataDir?: string }, cwd: string): { id: string; dataDir?: string } {
  const dataDir = flags.dataDir === undefined ? recipe?.data.dataDir : resolve(cwd, flags.dataDir);
  return { id: flags.data ?? recipe?.data.id ?? 'mnist', ...(dataDir !== undefined && { dataDir }) };
}
