import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { loadNpyFolder, parseNpy, writeNpy } from '../src/index.ts';
import { expectCode, range, temporaryFolder, writeFiles } from './fixtures.ts';

const folder = await temporaryFolder();
const shared = process.env['ROBUSTJS_SHARED'] ?? new URL('../../../../shared', import.meta.url).pathname;

/** A file put together by the description of the format in NumPy's documentation. */
function npy(header: string, data: Uint8Array, version: 1 | 2 | 3 = 1): Uint8Array {
  const start = version === 1 ? 10 : 12;
  const text = header.padEnd(Math.ceil((start + header.length + 1) / 64) * 64 - start - 1) + '\n';
  const head = Buffer.alloc(start);
  head.write('\x93NUMPY', 'latin1');
  head[6] = version;
  if (version === 1) head.writeUInt16LE(text.length, 8);
  else head.writeUInt32LE(text.length, 8);
  return new Uint8Array(Buffer.concat([head, Buffer.from(text), data]));
}

const header = (descr: string, shape: string, fortran = 'False'): string => `{'descr': '${descr}', 'fortran_order': ${fortran}, 'shape': (${shape}), }`;
const numbers = (count: number, size: number, write: (buffer: Buffer, offset: number, i: number) => void): Uint8Array => {
  const buffer = Buffer.alloc(count * size);
  for (let i = 0; i < count; i++) write(buffer, i * size, i);
  return buffer;
};

describe('parseNpy', () => {
  test.each([
    ['|u1', numbers(6, 1, (b, o, i) => b.writeUInt8(i * 40, o)), range(6).map((i) => i * 40)],
    ['<i4', numbers(6, 4, (b, o, i) => b.writeInt32LE(i - 3, o)), range(6).map((i) => i - 3)],
    ['>i4', numbers(6, 4, (b, o, i) => b.writeInt32BE(i - 3, o)), range(6).map((i) => i - 3)],
    ['<i8', numbers(6, 8, (b, o, i) => b.writeBigInt64LE(BigInt(i) - 3n, o)), range(6).map((i) => i - 3)],
    ['>i8', numbers(6, 8, (b, o, i) => b.writeBigInt64BE(BigInt(i) * 2n ** 40n, o)), range(6).map((i) => i * 2 ** 40)],
    ['<f4', numbers(6, 4, (b, o, i) => b.writeFloatLE(i / 4, o)), range(6).map((i) => i / 4)],
    ['>f4', numbers(6, 4, (b, o, i) => b.writeFloatBE(i / 4, o)), range(6).map((i) => i / 4)],
    ['<f8', numbers(6, 8, (b, o, i) => b.writeDoubleLE(i / 10, o)), range(6).map((i) => i / 10)],
  ])('reads %s', (descr, data, expected) => {
    for (const version of [1, 2, 3] as const) {
      const { shape, values } = parseNpy(npy(header(descr, '2, 3'), data, version), 'a.npy');
      expect(shape).toEqual([2, 3]);
      expect([...values]).toEqual(expected);
    }
  });

  test('reads vectors, single values and empty arrays', () => {
    expect(parseNpy(npy(header('|u1', '2,', 'True'), Uint8Array.of(1, 2)), 'a').shape).toEqual([2]);
    expect(parseNpy(npy(header('|u1', ''), Uint8Array.of(1)), 'a').shape).toEqual([]);
    expect(parseNpy(npy(header('|u1', '0, 4'), new Uint8Array(0)), 'a').values.length).toBe(0);
  });

  test.each([
    ['column order', npy(header('|u1', '2, 3', 'True'), new Uint8Array(6)), 'RJS_DATA_NPY'],
    ['another type', npy(header('<c8', '1,'), new Uint8Array(8)), 'RJS_DATA_NPY'],
    ['records', npy("{'descr': [('a', '<i4')], 'fortran_order': False, 'shape': (1,), }", new Uint8Array(4)), 'RJS_DATA_NPY'],
    ['integers beyond 2^53', npy(header('<i8', '1,'), new Uint8Array(8).fill(127)), 'RJS_DATA_NPY'],
    ['another magic', Uint8Array.from(Buffer.from('PK\x03\x04')), 'RJS_DATA_FORMAT'],
    ['version 4', npy(header('|u1', '1,'), Uint8Array.of(1)).map((byte, i) => (i === 6 ? 4 : byte)), 'RJS_DATA_FORMAT'],
    ['a missing value', npy(header('|u1', '3,'), new Uint8Array(2)), 'RJS_DATA_FORMAT'],
    ['a value too many', npy(header('|u1', '3,'), new Uint8Array(4)), 'RJS_DATA_FORMAT'],
    ['a cut header', npy(header('|u1', '3,'), new Uint8Array(3)).subarray(0, 40), 'RJS_DATA_FORMAT'],
    ['a huge shape', npy(header('|u1', '99999999999, 99999999999'), new Uint8Array(3)), 'RJS_DATA_FORMAT'],
    ['no shape', npy("{'descr': '|u1', 'fortran_order': False}", new Uint8Array(3)), 'RJS_DATA_FORMAT'],
    ['nothing', new Uint8Array(0), 'RJS_DATA_FORMAT'],
  ])('refuses %s, naming the file', async (_name, bytes, code) => {
    expect(await expectCode(code, () => parseNpy(bytes, 'some.npy'))).toContain('some.npy');
  });
});

describe('writeNpy', () => {
  test('writes the bytes that NumPy writes', () => {
    // numpy.save of numpy.array([[1, 2]], dtype=numpy.uint8): a header padded with spaces to 128 bytes.
    const expected = npy(header('|u1', '1, 2'), Uint8Array.of(1, 2));
    expect(writeNpy(Uint8Array.of(1, 2), [1, 2])).toEqual(expected);
  });

  test.each([Uint8Array.of(1, 2, 3), Int32Array.of(-1, 2, 3), Float32Array.of(0.5, 1, -2), Float64Array.of(0.1, 0.2, 0.3)])('gives back what it wrote', (values) => {
    const read = parseNpy(writeNpy(values, [3]), 'a.npy');
    expect(read.shape).toEqual([3]);
    expect(read.values).toEqual(values);
  });

  test('refuses a shape that holds another number of values', async () => {
    await expectCode('RJS_DATA_MISMATCH', () => writeNpy(Uint8Array.of(1, 2), [3]));
  });
});

test.skipIf(!existsSync(join(shared, 'data/laat-anchors')))('an array that NumPy wrote: text features in shared data', () => {
  const bytes = readFileSync(join(shared, 'data/laat-anchors/cifarfs_expanded.npy'));
  const { shape, values } = parseNpy(new Uint8Array(bytes), 'anchors');
  expect(shape).toEqual([100, 512]);
  expect(values).toBeInstanceOf(Float32Array);
  // 51,200 floats end the file.
  expect(values.every((value, i) => value === bytes.readFloatLE(bytes.length - 4 * (51_200 - i)))).toBe(true);
});

describe('a folder of arrays', () => {
  const images = Uint8Array.from(range(24), (i) => i * 10);
  const train = { 'train-images.npy': writeNpy(images, [2, 2, 2, 3]), 'train-labels.npy': writeNpy(Int32Array.of(3, 1), [2]) };

  test('is read in both namings, row by row', async () => {
    const dataDir = await writeFiles(join(folder, 'both'), {
      ...train,
      'x_test.npy': writeNpy(Uint8Array.from(images.subarray(12)), [1, 2, 2, 3]),
      'y_test.npy': npy(header('<i8', '1,'), numbers(1, 8, (b, o) => b.writeBigInt64LE(2n, o))),
    });
    const pools = await loadNpyFolder({ dataDir });
    expect(pools.validation).toBeUndefined();
    expect([pools.train.classes, pools.train.inputShape, [...pools.train.labels]]).toEqual([4, [2, 2, 3], [3, 1]]);
    expect([[...pools.train.ids], [...pools.test!.ids], [...pools.test!.labels]]).toEqual([[0, 1], [2], [2]]);
    expect([...(await pools.train.read([1]))]).toEqual(range(12).map((i) => Math.fround((120 + i * 10) / 255)));
    expect(await pools.test!.read([0])).toEqual(await pools.train.read([1]));
  });

  test('may hold floats in [0, 1], and is refused when a row leaves that range', async () => {
    const dataDir = await writeFiles(join(folder, 'floats'), { ...train, 'train-images.npy': writeNpy(Float32Array.of(0, 0.5, 1, 2), [2, 2]) });
    const { train: pool } = await loadNpyFolder({ dataDir });
    expect([...(await pool.read([0]))]).toEqual([0, 0.5]);
    expect(await expectCode('RJS_DATA_RANGE', () => pool.read([0, 1]))).toContain('row 1');
  });

  test.each([
    ['too few labels', { 'train-labels.npy': writeNpy(Int32Array.of(3), [1]) }, 'RJS_DATA_MISMATCH'],
    ['one-hot labels', { 'train-labels.npy': writeNpy(Int32Array.of(0, 1, 1, 0), [2, 2]) }, 'RJS_DATA_MISMATCH'],
    ['fractional labels', { 'train-labels.npy': writeNpy(Float32Array.of(0.5, 1), [2]) }, 'RJS_DATA_MISMATCH'],
    ['negative labels', { 'train-labels.npy': writeNpy(Int32Array.of(-1, 1), [2]) }, 'RJS_DATA_MISMATCH'],
    ['integers as images', { 'train-images.npy': writeNpy(Int32Array.of(1, 2), [2, 1]) }, 'RJS_DATA_NPY'],
    ['cut images', { 'train-images.npy': writeNpy(images, [2, 2, 2, 3]).subarray(0, 140) }, 'RJS_DATA_FORMAT'],
  ])('with %s is refused', async (name, changed, code) => {
    const dataDir = await writeFiles(join(folder, name), { ...train, ...changed });
    expect(await expectCode(code, () => loadNpyFolder({ dataDir }))).toMatch(/npy|labels/);
  });

  test('without arrays is refused', async () => {
    await expectCode('RJS_DATA_MISSING', () => loadNpyFolder({ dataDir: join(folder, 'nowhere') }));
  });
});
