import { homedir } from 'node:os';
import { join } from 'node:path';
import { env } from 'node:process';

/** Where Debian's packages put data sets. */
const SYSTEM = '/usr/share/datasets';

/** Where a data set may be. */
export interface PlaceOptions {
  /** Folder that holds the data set itself, or folders named after data sets. Default: the folders named so in `ROBUSTJS_DATA`. */
  readonly dataDir?: string;
  /** Folder of downloads. Default: `robustjs/datasets` in the user's cache folder. */
  readonly cacheDir?: string;
}

/** The folder of a data set's downloads. */
export function cacheFolder(id: string, { cacheDir }: PlaceOptions = {}): string {
  return join(cacheDir ?? join(env['XDG_CACHE_HOME'] || join(homedir(), '.cache'), 'robustjs', 'datasets'), id);
}

/** The folders to look for a data set in, best first: the one given, those of the system, the cache. */
export function placesOf(id: string, options: PlaceOptions = {}): string[] {
  const { dataDir } = options;
  const shared = env['ROBUSTJS_DATA'];
  // The variable serves all data sets, and MNIST's successors share its file names: only folders with a name count there.
  const given = dataDir !== undefined ? [join(dataDir, id), dataDir] : shared ? [join(shared, id)] : [];
  return [...given, join(SYSTEM, id), cacheFolder(id, options)];
}
