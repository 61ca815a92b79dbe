import { createHash } from 'node:crypto';
import { describe, expect, test } from 'vitest';
import { memoryDataset, subset } from '../src/index.ts';
import { expectCode, range } from './fixtures.ts';

const info = { id: 'toy', split: 'all', inputShape: [1, 2, 1], classes: 2 };
const images = Uint8Array.of(0, 51, 102, 153, 204, 255);

describe('memoryDataset', () => {
  test('scales bytes to [0, 1] and gives floats as they are', async () => {
    const bytes = memoryDataset({ ...info, images, labels: [0, 1, 0] });
    // 255 = 5 * 51.
    expect([...(await bytes.read([2, 0]))]).toEqual([0.8, 1, 0, 0.2].map(Math.fround));
    const floats = memoryDataset({ ...info, images: Float32Array.of(0, 0.25, 0.5, 1), labels: [0, 1] });
    expect([...(await floats.read([1]))]).toEqual([0.5, 1]);
  });

  test('refuses arrays that do not fit each other', async () => {
    await expectCode('RJS_DATA_MISMATCH', () => memoryDataset({ ...info, images, labels: [0, 1] }));
    await expectCode('RJS_DATA_MISMATCH', () => memoryDataset({ ...info, images, labels: [0, 1, 2] }));
    await expectCode('RJS_DATA_MISMATCH', () => memoryDataset({ ...info, images, labels: [0, 1, 1], ids: Int32Array.of(1, 2, 1) }));
    await expectCode('RJS_DATA_MISMATCH', () => memoryDataset({ ...info, images, labels: [0, 1, 1], classNames: ['one'] }));
    const message = await expectCode('RJS_DATA_RANGE', () => memoryDataset({ ...info, images: Float32Array.of(0, 1.5), labels: [0] }));
    expect(message).toContain('1.5 at position 1');
    await expectCode('RJS_DATA_RANGE', () => memoryDataset({ ...info, images: Float32Array.of(0, NaN), labels: [0] }));
  });

  test('refuses positions outside', async () => {
    const set = memoryDataset({ ...info, images, labels: [0, 1, 0] });
    for (const index of [-1, 3, 0.5, NaN]) await expectCode('RJS_DATA_INDEX', () => set.read([0, index]));
    await expectCode('RJS_DATA_INDEX', () => subset(set, [3]));
  });
});

describe('hash', () => {
  const set = memoryDataset({ ...info, images, labels: [0, 1, 0], firstId: 7 });

  test('is SHA-256 over the head and the digests of chunks of id, label, length and bytes', async () => {
    const head = Buffer.from('{"inputShape":[1,2,1],"classes":2,"size":3}');
    const row = (id: number, label: number, bytes: Uint8Array): Buffer => {
      const numbers = Buffer.alloc(12);
      numbers.writeInt32BE(id, 0);
      numbers.writeInt32BE(label, 4);
      numbers.writeUInt32BE(bytes.length, 8);
      return Buffer.concat([numbers, bytes]);
    };
    const chunk = Buffer.concat([row(7, 0, images.subarray(0, 2)), row(8, 1, images.subarray(2, 4)), row(9, 0, images.subarray(4, 6))]);
    const digest = createHash('sha256').update(chunk).digest();
    expect(await set.hash()).toBe(createHash('sha256').update(head).update(digest).digest('hex'));
  });

  test('does not depend on the order, but on every byte, label and id', async () => {
    expect(await subset(set, [2, 0, 1]).hash()).toBe(await set.hash());
    const others = [
      memoryDataset({ ...info, images: images.map((byte, i) => (i === 5 ? 254 : byte)), labels: [0, 1, 0], firstId: 7 }),
      memoryDataset({ ...info, images, labels: [0, 1, 1], firstId: 7 }),
      memoryDataset({ ...info, images, labels: [0, 1, 0], firstId: 8 }),
      memoryDataset({ ...info, inputShape: [2, 1, 1], images, labels: [0, 1, 0], firstId: 7 }),
      subset(set, [0, 1]),
    ];
    const hashes = await Promise.all([set, ...others].map((other) => other.hash()));
    expect(new Set(hashes).size).toBe(hashes.length);
  });

  test('covers sets of more than one chunk', async () => {
    const large = (last: number) =>
      memoryDataset({ id: 'l', split: 'all', inputShape: [1], classes: 1, images: Uint8Array.from(range(600).map((i) => (i === 599 ? last : i % 256))), labels: Array<number>(600).fill(0) });
    expect(await large(1).hash()).not.toBe(await large(2).hash());
  });
});
