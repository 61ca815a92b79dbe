import type { Dataset } from './dataset.ts';

const CHUNK_ROWS = 256;

/** The hash of {@link Dataset.hash}: SHA-256 over the SHA-256 of chunks of rows, so that no more than a chunk is held. */
export async function contentHash(dataset: Dataset): Promise<string> {
  const order = dataset.ids.map((_, row) => row).sort((a, b) => dataset.ids[a]! - dataset.ids[b]!);
  const { inputShape, classes, size } = dataset;
  const digests: Uint8Array[] = [new TextEncoder().encode(JSON.stringify({ inputShape, classes, size }))];
  for (let start = 0; start < order.length; start += CHUNK_ROWS) {
    digests.push(await sha256(await chunkOf(dataset, order.subarray(start, start + CHUNK_ROWS))));
  }
  return hex(await sha256(join(digests)));
}

async function chunkOf(dataset: Dataset, rows: Int32Array): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for (const row of rows) {
    const bytes = await dataset.raw(row);
    const head = new DataView(new ArrayBuffer(12));
    head.setInt32(0, dataset.ids[row]!);
    head.setInt32(4, dataset.labels[row]!);
    head.setUint32(8, bytes.length);
    parts.push(new Uint8Array(head.buffer), bytes);
  }
  return join(parts);
}

async function sha256(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes));
}

function join(parts: readonly Uint8Array[]): Uint8Array {
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let offset = 0;
  for (const part of parts) {
    joined.set(part, offset);
    offset += part.length;
  }
  return joined;
}

const hex = (bytes: Uint8Array): string => Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
