import { brokenFile } from './errors.ts';

// Type code of unsigned bytes, the only one that image sets use (IDX format, yann.lecun.com/exdb/mnist).
const UNSIGNED_BYTE = 0x08;
const MAX_RANK = 4;

/** The longest header that {@link parseIdxHeader} reads. */
export const IDX_HEADER_BYTES: number = 4 + 4 * MAX_RANK;

/** What the head of an IDX file declares. */
export interface IdxHeader {
  /** Lengths of the axes; examples first. */
  readonly shape: readonly number[];
  /** Bytes before the values. */
  readonly offset: number;
  /** Bytes of the whole file. */
  readonly bytes: number;
}

/**
 * Reads the head of an IDX file of unsigned bytes.
 *
 * @param head the first {@link IDX_HEADER_BYTES} bytes, or the whole file.
 * @param file name for errors.
 * @throws RobustError `RJS_DATA_FORMAT` when it is no such head.
 */
export function parseIdxHeader(head: Uint8Array, file: string): IdxHeader {
  if (head.length < 4) throw brokenFile(file, head.length, 'an IDX header of 4 bytes or more', `the end`);
  if (head[0] !== 0 || head[1] !== 0) throw brokenFile(file, 0, 'two zero bytes, as IDX files start', `${head[0]!} ${head[1]!}`);
  if (head[2] !== UNSIGNED_BYTE) throw brokenFile(file, 2, 'type code 8 (unsigned bytes)', String(head[2]));
  const rank = head[3]!;
  if (rank < 1 || rank > MAX_RANK) throw brokenFile(file, 3, `1 … ${MAX_RANK} axes`, String(rank));
  const offset = 4 + 4 * rank;
  if (head.length < offset) throw brokenFile(file, head.length, `${rank} lengths of axes`, 'the end');
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  return { shape, offset, bytes: shape.reduce((size, length) => size * length, 1) + offset };
}

/**
 * Reads a whole IDX file of unsigned bytes, uncompressed.
 *
 * @param file name for errors.
 * @returns its shape and values; the values are a view of `bytes`.
 * @throws RobustError `RJS_DATA_FORMAT` when it is not one, is cut off or goes on too long.
 */
export function parseIdx(bytes: Uint8Array, file: string): { readonly shape: readonly number[]; readonly values: Uint8Array } {
  const header = parseIdxHeader(bytes, file);
  if (bytes.length !== header.bytes) {
    throw brokenFile(file, Math.min(bytes.length, header.bytes), `${header.bytes} bytes for shape [${header.shape.join(', ')}]`, `${bytes.length} bytes; they part`);
  }
  return { shape: header.shape, values: bytes.subarray(header.offset) };
}
