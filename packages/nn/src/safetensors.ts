import { RobustError } from '@robustjs/core';

/** One array of a safetensors file. */
export interface StoredTensor {
  readonly shape: readonly number[];
  readonly values: Float32Array;
}

/** What a safetensors file holds. */
export interface SafetensorsContent {
  readonly tensors: ReadonlyMap<string, StoredTensor>;
  readonly metadata: Readonly<Record<string, string>>;
}

interface Entry {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly data_offsets: readonly [number, number];
}

/** Writes the safetensors format: header length (8 bytes, little endian), JSON header, raw little-endian float32. */
export function encodeSafetensors({ tensors, metadata }: SafetensorsContent): Uint8Array {
  let end = 0;
  const entries = [...tensors].map(([name, { shape, values }]): [string, Entry] => {
    const start = end;
    end += values.byteLength;
    return [name, { dtype: 'F32', shape, data_offsets: [start, end] }];
  });
  const json = JSON.stringify({ __metadata__: metadata, ...Object.fromEntries(entries) });
  // The format wants the data aligned to 8 bytes; spaces are valid JSON.
  const header = new TextEncoder().encode(json + ' '.repeat((8 - (new TextEncoder().encode(json).length % 8)) % 8));
  const bytes = new Uint8Array(8 + header.length + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  let offset = 8 + header.length;
  for (const { values } of tensors.values()) {
    bytes.set(new Uint8Array(values.buffer, values.byteOffset, values.byteLength), offset);
    offset += values.byteLength;
  }
  return bytes;
}

/**
 * Reads the safetensors format; float32 arrays only.
 *
 * @throws RobustError `RJS_SAFETENSORS` naming the byte, for anything that is not a whole, consistent file.
 */
export function decodeSafetensors(bytes: Uint8Array): SafetensorsContent {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const length = bytes.length >= 8 ? Number(view.getBigUint64(0, true)) : Infinity;
  if (8 + length > bytes.length) throw broken('a header that fits into the file', `${length} bytes of header in ${bytes.length}`, 0);
  const { __metadata__: metadata = {}, ...entries } = parseHeader(bytes.subarray(8, 8 + length));
  const start = 8 + length;
  let end = 0;
  const tensors = new Map<string, StoredTensor>();
  for (const [name, entry] of Object.entries(entries)) {
    const { shape, data_offsets: [from, to] } = checkEntry(name, entry as Entry);
    if (start + to > bytes.length) throw broken(`'${name}' inside the file`, `it ends at byte ${start + to} of ${bytes.length}`, start + from);
    // A copy: the data need not be aligned in the given bytes.
    tensors.set(name, { shape, values: new Float32Array(bytes.slice(start + from, start + to).buffer) });
    end = Math.max(end, to);
  }
  if (start + end !== bytes.length) throw broken('a file that ends with its last array', `${bytes.length - start - end} bytes more`, start + end);
  return { tensors, metadata: metadata as Record<string, string> };
}

function parseHeader(bytes: Uint8Array): Record<string, unknown> {
  try {
    const header: unknown = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
    if (typeof header === 'object' && header !== null && !Array.isArray(header)) return header as Record<string, unknown>;
  } catch (cause) {
    throw broken('a JSON header', 'other text', 8, cause);
  }
  throw broken('a JSON object as header', 'another value', 8);
}

function checkEntry(name: string, entry: Partial<Entry> | null): Entry {
  const { dtype, shape, data_offsets: offsets } = entry ?? {};
  const whole = (list: unknown): list is number[] => Array.isArray(list) && list.every((n) => Number.isSafeInteger(n) && n >= 0);
  if (dtype !== 'F32' || !whole(shape) || !whole(offsets) || offsets.length !== 2) {
    throw broken(`'${name}' as a float32 array with shape and offsets`, JSON.stringify(entry) ?? 'nothing', 8);
  }
  const bytes = shape.reduce((size, n) => size * n, 4);
  if (offsets[1]! - offsets[0]! !== bytes) {
    throw broken(`${bytes} bytes for '${name}' of shape [${shape.join(', ')}]`, `${offsets[1]! - offsets[0]!}`, 8);
  }
  return { dtype, shape, data_offsets: [offsets[0]!, offsets[1]!] };
}

const broken = (expected: string, got: string, byte: number, cause?: unknown): RobustError =>
  new RobustError('RJS_SAFETENSORS', { expected, got: `${got}, at byte ${byte}`, fix: 'the file is damaged or of another format: save or download it again', cause });
