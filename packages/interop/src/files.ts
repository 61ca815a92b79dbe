import { joined } from './bytes.ts';
import { messageOf, refused } from './errors.ts';

/** Reads one file, of at most `limit` bytes, from a disk or a server. */
export interface Files {
  /** How messages call it. */
  readonly place: string;
  /** The file that was named. */
  readonly main: (limit: number) => Promise<Uint8Array>;
  /** A file beside it, or in a folder below. */
  readonly beside: (path: string, limit: number) => Promise<Uint8Array>;
}

/** The files around a model: a path, or an address that starts with http:, https: or file:. */
export function filesAt(source: string | URL): Files {
  const text = String(source);
  const onServer = /^https?:/i.test(text);
  const open = onServer ? fetchBytes : readBytes;
  const beside = onServer ? urlBeside : pathBeside;
  return {
    place: text,
    main: (limit) => open(text, limit),
    beside: async (path, limit) => {
      if (leavesFolder(path)) throw refused('FILE', `weights beside ${text}`, JSON.stringify(path), 'keep weight files in the folder of the model');
      return open(await beside(text, path), limit);
    },
  };
}

// Whatever a path could mean on any system: absolute, with a drive or a scheme, encoded, or one that climbs.
const leavesFolder = (path: string): boolean =>
  path === '' || /^[\\/]|^[a-z][a-z0-9+.-]*:|%|\0/i.test(path) || path.split(/[\\/]/).includes('..');

const urlBeside = (source: string, path: string): string => new URL(path, source).href;

async function pathBeside(source: string, path: string): Promise<string> {
  const paths = await import('node:path');
  return paths.join(paths.dirname(await pathOf(source)), path);
}

async function pathOf(source: string): Promise<string> {
  return source.startsWith('file:') ? (await import('node:url')).fileURLToPath(source) : source;
}

async function readBytes(source: string, limit: number): Promise<Uint8Array> {
  const { readFile, stat } = await import('node:fs/promises');
  const path = await pathOf(source);
  try {
    const found = await stat(path);
    // A pipe or a device would never end.
    if (!found.isFile()) throw refused('FILE', `a file at ${path}`, found.isDirectory() ? 'a folder' : 'something else', 'name the model.json itself');
    if (found.size > limit) throw tooLarge(path, limit, found.size);
    return await readFile(path);
  } catch (cause) {
    if ((cause as { code?: string }).code?.startsWith('RJS_')) throw cause;
    const missing = (cause as { code?: string }).code === 'ENOENT';
    throw refused('FILE', `a file at ${path}`, missing ? 'no such file' : messageOf(cause), 'check the path', cause);
  }
}

async function fetchBytes(url: string, limit: number): Promise<Uint8Array> {
  const response = await fetch(url).catch((cause: unknown) => {
    throw refused('FILE', `an answer from ${url}`, messageOf((cause as Error).cause ?? cause), 'check the address and the connection', cause);
  });
  if (!response.ok || response.body === null) throw refused('FILE', `the file at ${url}`, `status ${response.status}`, 'check the address');
  const parts: Uint8Array[] = [];
  let size = 0;
  try {
    for await (const part of response.body as unknown as AsyncIterable<Uint8Array>) {
      size += part.length;
      if (size > limit) throw tooLarge(url, limit, size);
      parts.push(part);
    }
  } catch (cause) {
    if ((cause as { code?: string }).code?.startsWith('RJS_')) throw cause;
    throw refused('FILE', `all of ${url}`, `${size} bytes before the connection broke`, 'try again', cause);
  }
  return joined(parts);
}

const tooLarge = (place: string, limit: number, size: number): Error =>
  refused('FILE', `at most ${limit} bytes in ${place}`, `${size} or more`, 'the file does not belong to this model, or is damaged');
