import { readFile } from 'node:fs/promises';
import { loadNetwork, type LoadedNetwork } from './network-file.ts';

/** Where a network of ours is stored. */
export interface NetworkPlace {
  readonly path: string;
  /** Folder that the method's package is looked for in first. */
  readonly from: string | undefined;
}

/** How the threads of an evaluation load a network of ours. */
export async function openSubject({ path, from }: NetworkPlace): Promise<{ readonly evaluable: LoadedNetwork['model'] }> {
  const { model } = await loadNetwork(await readFile(path), from);
  return { evaluable: model };
}
