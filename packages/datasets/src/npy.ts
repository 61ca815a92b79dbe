import { RobustError } from '@robustjs/core';
import { brokenFile } from './errors.ts';

/** Types of values that are read: bytes, 32- and 64-bit integers, and floats, as NumPy names them. */
export type NpyType = 'u1' | 'i4' | 'i8' | 'f4' | 'f8';

/** An array in a form that JavaScript holds; 64-bit integers become doubles, which are exact up to 2^53. */
export type NpyValues = Uint8Array | Int32Array | Float32Array | Float64Array;

/** What the head of an `.npy` file declares. */
export interface NpyHeader {
  readonly type: NpyType;
  readonly littleEndian: boolean;
  /** Lengths of the axes; empty for a single value. */
  readonly shape: readonly number[];
  /** Bytes before the values. */
  readonly offset: number;
  /** Bytes of the whole file. */
  readonly bytes: number;
}

/** An array read from an `.npy` file. */
export interface NpyArray {
  readonly shape: readonly number[];
  readonly values: NpyValues;
}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const SIZES: Readonly<Record<NpyType, number>> = { u1: 1, i4: 4, i8: 8, f4: 4, f8: 8 };
/** Longest head that is read; NumPy itself writes 128 bytes for plain arrays. */
export const NPY_HEADER_BYTES: number = 65_536;

/**
 * Reads the head of an `.npy` file, versions 1 to 3 of the format (numpy.lib.format).
 *
 * @param head the first `NPY_HEADER_BYTES` bytes, or the whole file.
 * @param file name for errors.
 * @throws RobustError `RJS_DATA_FORMAT` when it is no such head, `RJS_DATA_NPY` for arrays of other types or in column order.
 */
export function parseNpyHeader(head: Uint8Array, file: string): NpyHeader {
  const wrong = MAGIC.findIndex((byte, i) => head[i] !== byte);
  if (wrong >= 0) throw brokenFile(file, wrong, 'the bytes that .npy files start with', String(head[wrong] ?? 'the end'));
  const major = head[6] ?? 0;
  if (major < 1 || major > 3) throw brokenFile(file, 6, 'version 1, 2 or 3 of the .npy format', String(major));
  const start = major === 1 ? 10 : 12;
  if (head.length < start) throw brokenFile(file, head.length, 'the length of the header', 'the end');
  const view = new DataView(head.buffer, head.byteOffset, head.length);
  const length = major === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  const offset = start + length;
  if (offset > head.length) throw brokenFile(file, head.length, `a header of ${length} bytes`, 'the end');
  return describe(new TextDecoder().decode(head.subarray(start, offset)), offset, file);
}

function describe(text: string, offset: number, file: string): NpyHeader {
  const descr = /'descr'\s*:\s*'([<>|=])([a-zA-Z]\d+)'/.exec(text);
  const order = /'fortran_order'\s*:\s*(True|False)/.exec(text);
  const lengths = /'shape'\s*:\s*\(([\d\s,]*)\)/.exec(text);
  if (order === null || lengths === null || !/'descr'/.test(text)) {
    throw brokenFile(file, offset, "a header with 'descr', 'fortran_order' and 'shape'", JSON.stringify(text.slice(0, 80)));
  }
  const shape = lengths[1]!.split(',').filter((part) => part.trim() !== '').map(Number);
  const type = descr?.[2];
  if (!isNpyType(type)) throw unsupported(file, `values of type ${Object.keys(SIZES).join(', ')}`, type ?? 'another', 'convert it: array.astype("float32")');
  if (order[1] === 'True' && shape.length > 1) throw unsupported(file, 'values in row order', 'fortran_order', 'save numpy.ascontiguousarray(array)');
  const count = shape.reduce((size, axis) => size * axis, 1);
  if (!Number.isSafeInteger(count * 8)) throw brokenFile(file, offset, 'a shape that fits a file', `[${shape.join(', ')}]`);
  return { type, littleEndian: descr?.[1] !== '>', shape, offset, bytes: offset + count * SIZES[type] };
}

const isNpyType = (type: string | undefined): type is NpyType => type !== undefined && Object.hasOwn(SIZES, type);

function unsupported(file: string, expected: string, got: string, fix: string): RobustError {
  return new RobustError('RJS_DATA_NPY', { expected: `${expected} in ${file}`, got, fix });
}

/**
 * Reads a whole `.npy` file: bytes, int32, int64, float32 or float64, either byte order, in row order.
 *
 * @param file name for errors.
 * @throws RobustError `RJS_DATA_FORMAT` when it is not one, is cut off or goes on too long, `RJS_DATA_NPY` for other types.
 */
export function parseNpy(bytes: Uint8Array, file: string): NpyArray {
  const header = parseNpyHeader(bytes, file);
  if (bytes.length !== header.bytes) {
    throw brokenFile(file, Math.min(bytes.length, header.bytes), `${header.bytes} bytes for shape [${header.shape.join(', ')}]`, `${bytes.length} bytes; they part`);
  }
  return { shape: header.shape, values: npyValues(bytes.subarray(header.offset), header, file) };
}

/**
 * The values in some bytes of an `.npy` file.
 *
 * @throws RobustError `RJS_DATA_NPY` for a 64-bit integer beyond 2^53.
 */
export function npyValues(bytes: Uint8Array, { type, littleEndian }: Pick<NpyHeader, 'type' | 'littleEndian'>, file: string): NpyValues {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const size = SIZES[type];
  const length = bytes.length / size;
  switch (type) {
    case 'u1':
      return bytes;
    case 'i4':
      return Int32Array.from({ length }, (_, i) => view.getInt32(i * size, littleEndian));
    case 'i8':
      return Float64Array.from({ length }, (_, i) => exact(view.getBigInt64(i * size, littleEndian), file));
    case 'f4':
      return Float32Array.from({ length }, (_, i) => view.getFloat32(i * size, littleEndian));
    case 'f8':
      return Float64Array.from({ length }, (_, i) => view.getFloat64(i * size, littleEndian));
  }
}

function exact(value: bigint, file: string): number {
  const number = Number(value);
  if (!Number.isSafeInteger(number)) throw unsupported(file, 'integers within 2^53', String(value), 'store labels as int32');
  return number;
}

/**
 * The bytes of an `.npy` file (version 1, little-endian, row order).
 *
 * @throws RobustError `RJS_DATA_MISMATCH` when the shape does not hold as many values.
 */
export function writeNpy(values: Uint8Array | Int32Array | Float32Array | Float64Array, shape: readonly number[]): Uint8Array {
  const count = shape.reduce((size, axis) => size * axis, 1);
  if (count !== values.length) {
    throw new RobustError('RJS_DATA_MISMATCH', { expected: `${count} values for shape [${shape.join(', ')}]`, got: String(values.length), fix: 'check the shape' });
  }
  const [type, set] = writerOf(values);
  const tuple = shape.length === 1 ? `${shape[0]!},` : shape.join(', ');
  const text = `{'descr': '${type}', 'fortran_order': False, 'shape': (${tuple}), }`;
  // The values start at a multiple of 64 bytes, and the header ends in a newline.
  const offset = Math.ceil((10 + text.length + 1) / 64) * 64;
  const bytes = new Uint8Array(offset + values.byteLength).fill(0x20, 10, offset);
  bytes.set([...MAGIC, 1, 0, (offset - 10) & 255, (offset - 10) >> 8]);
  bytes.set(new TextEncoder().encode(text), 10);
  bytes[offset - 1] = 0x0a;
  const view = new DataView(bytes.buffer, offset);
  for (let i = 0; i < values.length; i++) set(view, i * values.BYTES_PER_ELEMENT, values[i]!);
  return bytes;
}

type Setter = (view: DataView, offset: number, value: number) => void;

function writerOf(values: NpyValues): [descr: string, set: Setter] {
  if (values instanceof Uint8Array) return ['|u1', (view, offset, value) => view.setUint8(offset, value)];
  if (values instanceof Int32Array) return ['<i4', (view, offset, value) => view.setInt32(offset, value, true)];
  if (values instanceof Float32Array) return ['<f4', (view, offset, value) => view.setFloat32(offset, value, true)];
  return ['<f8', (view, offset, value) => view.setFloat64(offset, value, true)];
}
