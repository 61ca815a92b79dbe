import type { Rows } from '../rows.ts';

/** Encoded images by path. */
export interface ImageSource {
  readonly paths: readonly string[];
  read(path: string): Promise<Uint8Array>;
}

/** How images become rows. */
export interface ImageRowsOptions {
  readonly source: Pick<ImageSource, 'read'>;
  /** The pixels of the image at a path, `size` bytes. */
  readonly decode: (path: string) => Promise<Uint8Array>;
  readonly size: number;
  /** Decoded pixels are kept when all of them fit in this many bytes. */
  readonly keepDecoded: number;
}

// Enough to keep the decoder's threads busy, few enough to bound what is held.
const AT_ONCE = 16;

/** The images at these paths as rows, decoded when they are read. */
export function imageRows(paths: readonly string[], { source, decode, size, keepDecoded }: ImageRowsOptions): Rows {
  const kept = paths.length * size <= keepDecoded ? { pixels: undefined as Uint8Array | undefined, done: new Uint8Array(paths.length) } : undefined;
  const pixelsOf = async (row: number): Promise<Uint8Array> => {
    if (kept?.pixels !== undefined && kept.done[row] === 1) return kept.pixels.subarray(row * size, (row + 1) * size);
    const pixels = await decode(paths[row]!);
    if (kept !== undefined) {
      kept.pixels ??= new Uint8Array(paths.length * size);
      kept.pixels.set(pixels, row * size);
      kept.done[row] = 1;
    }
    return pixels;
  };
  return {
    async read(indices) {
      const values = new Float32Array(indices.length * size);
      for (let start = 0; start < indices.length; start += AT_ONCE) {
        const images = await Promise.all(Array.from(indices.subarray(start, start + AT_ONCE), pixelsOf));
        images.forEach((image, i) => {
          for (let k = 0; k < size; k++) values[(start + i) * size + k] = image[k]! / 255;
        });
      }
      return values;
    },
    raw: (row) => source.read(paths[row]!),
  };
}
