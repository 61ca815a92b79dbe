import { createHash } from 'node:crypto';
import { mkdir, open, readFile, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { type NamedVariable, RobustError } from '@robustjs/core';
import { decodeSafetensors, encodeSafetensors, type StoredTensor } from '@robustjs/nn';
import { tensor, tidy } from '@tensorflow/tfjs-core';

const LATEST = 'checkpoint.safetensors';
const PREVIOUS = 'checkpoint.previous.safetensors';
const WRITING = 'checkpoint.safetensors.tmp';

/** A training run at the end of a step. */
export interface Checkpoint {
  /** Hash of the recipe that the run follows. */
  readonly recipeHash: string;
  /** What is not a tensor, as JSON. */
  readonly state: string;
  readonly tensors: ReadonlyMap<string, StoredTensor>;
}

/** The values of variables, by name. */
export async function readVariables(variables: readonly NamedVariable[]): Promise<Map<string, StoredTensor>> {
  const values = await Promise.all(variables.map(async ({ variable }) => Float32Array.from(await variable.data())));
  return new Map(variables.map(({ name, variable }, i) => [name, { shape: variable.shape, values: values[i]! }]));
}

/**
 * Sets variables from a checkpoint.
 *
 * @throws RobustError `RJS_CHECKPOINT` when one is missing or of another shape; then none was set.
 */
export function writeVariables(variables: readonly NamedVariable[], { tensors }: Checkpoint): void {
  for (const { name, variable } of variables) {
    const stored = tensors.get(name);
    if (stored?.shape.join() !== variable.shape.join()) {
      throw refused(`'${name}' of shape [${variable.shape.join(', ')}]`, stored === undefined ? 'none' : `[${stored.shape.join(', ')}]`);
    }
  }
  for (const { name, variable } of variables) tidy(() => variable.assign(tensor(tensors.get(name)!.values, variable.shape)));
}

/**
 * Stores a checkpoint. At every moment the folder holds a whole one: the new file takes its place only when all of it is
 * on the disk, and the one before stays beside it.
 */
export async function saveCheckpoint(folder: string, checkpoint: Checkpoint): Promise<void> {
  await mkdir(folder, { recursive: true });
  const [writing, latest] = [join(folder, WRITING), join(folder, LATEST)];
  const file = await open(writing, 'w');
  try {
    await file.writeFile(encode(checkpoint));
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(latest, join(folder, PREVIOUS)).catch(ignoreMissing);
  await rename(writing, latest);
  await syncFolder(folder);
}

/**
 * The last whole checkpoint of a folder; absent where there is none. Damaged files are passed over.
 *
 * @throws RobustError `RJS_CHECKPOINT` when it belongs to another recipe.
 */
export async function loadCheckpoint(folder: string, recipeHash: string): Promise<Checkpoint | undefined> {
  await rm(join(folder, WRITING), { force: true });
  for (const name of [LATEST, PREVIOUS]) {
    const checkpoint = decode(await readFile(join(folder, name)).catch(ignoreMissing));
    if (checkpoint === undefined) continue;
    if (checkpoint.recipeHash !== recipeHash) {
      throw refused(`a checkpoint of recipe ${recipeHash.slice(0, 12)} in ${folder}`, `one of recipe ${checkpoint.recipeHash.slice(0, 12)}`);
    }
    return checkpoint;
  }
  return undefined;
}

function encode({ recipeHash, state, tensors }: Checkpoint): Uint8Array {
  return encodeSafetensors({ tensors, metadata: { recipeHash, state, sha256: digest(recipeHash, state, tensors) } });
}

/** Nothing for a file that is missing, cut off or altered. */
function decode(bytes: Uint8Array | undefined): Checkpoint | undefined {
  if (bytes === undefined) return undefined;
  try {
    const { tensors, metadata } = decodeSafetensors(new Uint8Array(bytes));
    const { recipeHash = '', state = '', sha256 } = metadata;
    return sha256 === digest(recipeHash, state, tensors) ? { recipeHash, state, tensors } : undefined;
  } catch (error) {
    if (error instanceof RobustError) return undefined;
    throw error;
  }
}

// The format itself notices only that a file was cut off.
function digest(recipeHash: string, state: string, tensors: Checkpoint['tensors']): string {
  const hash = createHash('sha256').update(JSON.stringify([recipeHash, state]));
  for (const [name, { shape, values }] of tensors) {
    hash.update(JSON.stringify([name, shape])).update(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
  }
  return hash.digest('hex');
}

/** Makes the renames last through a power cut; not every system lets a folder be opened. */
async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r').catch(() => undefined);
  await handle?.sync().catch(() => undefined);
  await handle?.close();
}

function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
  return undefined;
}

const refused = (expected: string, got: string): RobustError =>
  new RobustError('RJS_CHECKPOINT', { expected, got, fix: 'choose another folder, or delete this one to start anew' });
