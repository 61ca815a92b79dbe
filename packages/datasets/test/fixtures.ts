import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { Readable } from 'node:stream';
import { RobustError } from '@robustjs/core';
import sharp from 'sharp';
import { type Header, pack } from 'tar-stream';
import { afterAll, expect } from 'vitest';

/** A folder that is removed when the file's tests are over. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'robustjs-datasets-'));
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** Writes files and returns their folder. */
export async function writeFiles(folder: string, files: Readonly<Record<string, Uint8Array | string>>): Promise<string> {
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(folder, name)), { recursive: true });
    await writeFile(join(folder, name), content);
  }
  return folder;
}

/** An IDX file of unsigned bytes, put together by the format's description. */
export function idx(shape: readonly number[], values: ArrayLike<number>): Uint8Array {
  const bytes = new Uint8Array(4 + 4 * shape.length + values.length);
  bytes.set([0, 0, 8, shape.length]);
  const view = new DataView(bytes.buffer);
  shape.forEach((length, axis) => view.setUint32(4 + 4 * axis, length));
  bytes.set(Array.from(values), 4 + 4 * shape.length);
  return bytes;
}

export type Entry = Partial<Header> & { readonly name: string; readonly content?: Uint8Array | string };

/** A tar archive. */
export async function tar(entries: readonly Entry[]): Promise<Uint8Array> {
  const archive = pack();
  for (const { content, ...header } of entries) {
    if (content === undefined) archive.entry(header);
    else archive.entry(header, content);
  }
  archive.finalize();
  return new Uint8Array(await buffer(Readable.from(archive as AsyncIterable<Uint8Array>)));
}

/** A PNG with these pixels; PNG is lossless, so they are what a reader must give back. */
export async function png(pixels: Uint8Array, height: number, width: number, channels: 1 | 3): Promise<Uint8Array> {
  const image = sharp(pixels, { raw: { height, width, channels } }).toColourspace(channels === 1 ? 'b-w' : 'srgb');
  return new Uint8Array(await image.png().toBuffer());
}

/** A JPEG of one colour. */
export async function jpeg(size: number, [r, g, b]: readonly [number, number, number]): Promise<Uint8Array> {
  const image = sharp({ create: { width: size, height: size, channels: 3, background: { r, g, b } } });
  return new Uint8Array(await image.jpeg({ quality: 100 }).toBuffer());
}

/** Expects a coded error and returns its message. */
export async function expectCode(code: string, run: () => unknown): Promise<string> {
  let thrown: unknown;
  try {
    await run();
  } catch (error) {
    thrown = error;
  }
  expect(thrown).toBeInstanceOf(RobustError);
  expect((thrown as RobustError).code).toBe(code);
  return (thrown as RobustError).message;
}

/** Whole numbers from 0. */
export const range = (length: number): number[] => Array.from({ length }, (_, i) => i);
