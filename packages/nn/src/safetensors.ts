import { RobustError } from '@robustjs/core';

/** One array of a safetensors file. */
export interface StoredTensor {
  /** Sizes of the axes; empty for a scalar. */
  readonly shape: readonly number[];
  /** Its values, last axis fastest. */
  readonly values: Float32Array;
}

/** What a safetensors file holds. */
export interface SafetensorsContent {
  /** Arrays by name, in the order of their data. */
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  /** Strings of the header. */
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly name: string;
  readonly shape: readonly number[];
  readonly from: number;
  readonly to: number;
}

const METADATA = '__metadata__';

/**
 * Writes the safetensors format: header length (8 bytes, little endian), JSON header, raw little-endian float32.
 *
 * @throws RobustError `RJS_SAFETENSORS` for an array whose values do not fill its shape, or named `__metadata__`.
 */
export function encodeSafetensors({ tensors, metadata }: SafetensorsContent): Uint8Array {
  let end = 0;
  const entries = [...tensors].map(([name, { shape, values }]) => {
    if (name === METADATA || sizeOf(shape) !== values.length) {
      throw new RobustError('RJS_SAFETENSORS', {
        expected: `arrays that fill their shapes, under names other than ${METADATA}`,
        got: `'${name}' of shape [${shape.join(', ')}] with ${values.length} values`,
        fix: 'rename or reshape it',
      });
    }
    const start = end;
    end += values.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }] as const;
  });
  const header = new TextEncoder().encode(JSON.stringify({ [METADATA]: metadata, ...Object.fromEntries(entries) }));
  // The data is aligned to 8 bytes; spaces after the header are part of the format.
  const length = Math.ceil(header.length / 8) * 8;
  const bytes = new Uint8Array(8 + length + end).fill(0x20, 8, 8 + length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(length), true);
  bytes.set(header, 8);
  let offset = 8 + length;
  for (const { values } of tensors.values()) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return bytes;
}

/**
 * Reads the safetensors format; float32 arrays only. The values are copies.
 *
 * @throws RobustError `RJS_SAFETENSORS` naming the byte, for anything that is not a whole, consistent file.
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : Infinity;
  if (8 + length > bytes.length) throw broken('a header that fits into the file', `${length} bytes of header in ${bytes.length}`, 0);
  const { [METADATA]: metadata = {}, ...rest } = parseHeader(bytes.subarray(8, 8 + length));
  const start = 8 + length;
  const entries = Object.entries(rest).map(([name, entry]) => checkEntry(name, entry)).sort((a, b) => a.from - b.from || a.to - b.to);
  checkCover(entries, start, bytes.length);
  return { metadata: checkMetadata(metadata), tensors: new Map(entries.map(({ name, shape, from, to }) => [name, { shape, values: copyValues(bytes, start + from, start + to) }])) };
}

// A copy, for the data need not be aligned. Made by a constructor: a Buffer of Node shares memory when it is sliced.
const copyValues = (bytes: Uint8Array, from: number, to: number): Float32Array =>
  new Float32Array(new Uint8Array(bytes.subarray(from, to)).buffer);

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  if (bytes[0] !== 0x7b) throw broken('a header that begins with {', bytes.length === 0 ? 'none' : `byte ${bytes[0]}`, 8);
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>;
  } catch (cause) {
    throw broken('a JSON header', 'other text', 8, cause);
  }
}

function checkMetadata(metadata: unknown): Record<string, string> {
  const isObject = typeof metadata === 'object' && metadata !== null && !Array.isArray(metadata);
  if (!isObject || !Object.values(metadata).every((value) => typeof value === 'string')) {
    throw broken(`${METADATA} as an object of strings`, shown(metadata), 8);
  }
  return metadata as Record<string, string>;
}

function checkEntry(name: string, entry: unknown): Entry {
  const { dtype, shape, data_offsets: offsets } = (entry ?? {}) as Record<string, unknown>;
  if (dtype !== 'F32' || !isWhole(shape) || !isWhole(offsets) || offsets.length !== 2) {
    throw broken(`'${name}' as a float32 array with shape and offsets`, shown(entry), 8);
  }
  const [from, to] = offsets as [number, number];
  if (to - from !== 4 * sizeOf(shape)) {
    throw broken(`${4 * sizeOf(shape)} bytes for '${name}' of shape [${shape.join(', ')}]`, `${to - from}`, 8);
  }
  return { name, shape, from, to };
}

/** The format wants every byte after the header to belong to one array. */
function checkCover(sorted: readonly Entry[], start: number, size: number): void {
  let end = 0;
  for (const { name, from, to } of sorted) {
    if (from !== end) throw broken(`'${name}' right after the array before it, at ${end}`, `offset ${from}`, start + from);
    end = to;
  }
  if (start + end !== size) throw broken(`a file of ${start + end} bytes`, `${size}`, Math.min(start + end, size));
}

// -0 counts as no whole number: it would come back from the file as another shape than was written.
const isWhole = (list: unknown): list is number[] =>
  Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0 && !Object.is(n, -0));

const sizeOf = (shape: readonly number[]): number => shape.reduce((size, n) => size * n, 1);

const shown = (value: unknown): string => (JSON.stringify(value) ?? 'nothing').slice(0, 200);

const broken = (expected: string, got: string, byte: number, cause?: unknown): RobustError =>
  new RobustError('RJS_SAFETENSORS', { expected, got: `${got}, at byte ${byte}`, fix: 'the file is damaged or of another format: save or download it again', cause });
