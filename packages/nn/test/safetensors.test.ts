import { randomStream } from '@robustjs/core';
import { describe, expect, it } from 'vitest';
import { decodeSafetensors, encodeSafetensors, type SafetensorsContent } from '../src/index.ts';
import { codeOf, normals } from './support.ts';

/** A file of the published format: 8 bytes of header length, JSON, data. */
function fileOf(header: string, data: Uint8Array, length: bigint = BigInt(new TextEncoder().encode(header).length)): Uint8Array {
  const text = new TextEncoder().encode(header);
  const bytes = new Uint8Array(8 + text.length + data.length);
  new DataView(bytes.buffer).setBigUint64(0, length, true);
  bytes.set(text, 8);
  bytes.set(data, 8 + text.length);
  return bytes;
}

// Little-endian IEEE 754: 1 = 3f800000, -2 = c0000000, -0 = 80000000.
const ONE_TWO_ZERO = Uint8Array.of(0, 0, 0x80, 0x3f, 0, 0, 0, 0xc0, 0, 0, 0, 0x80);
const bitsOf = (values: Float32Array): number[] => [...new Uint32Array(values.slice().buffer)];

const content: SafetensorsContent = {
  metadata: { recipe: '{"id":1}', name: 'ä' },
  tensors: new Map([
    ['stem/kernel', { shape: [2, 3], values: normals(6, 1) }],
    ['scalar', { shape: [], values: Float32Array.of(-0) }],
    ['empty', { shape: [0, 4], values: new Float32Array(0) }],
    ['__proto__', { shape: [1], values: Float32Array.of(NaN) }],
    ['7', { shape: [2], values: Float32Array.of(Infinity, 1e-45) }],
    ['constructor', { shape: [1, 1], values: Float32Array.of(3) }],
  ]),
};

function expectSame(actual: SafetensorsContent, expected: SafetensorsContent): void {
  expect(actual.metadata).toEqual(expected.metadata);
  expect([...actual.tensors.keys()].sort()).toEqual([...expected.tensors.keys()].sort());
  for (const [name, { shape, values }] of expected.tensors) {
    expect(actual.tensors.get(name)!.shape).toEqual(shape);
    expect(bitsOf(actual.tensors.get(name)!.values)).toEqual(bitsOf(values));
  }
}

it('gives back names, shapes, bits and metadata', () => {
  expectSame(decodeSafetensors(encodeSafetensors(content)), content);
});

it('writes the published format, byte by byte, data aligned to 8', () => {
  const tensors = new Map([
    ['a', { shape: [2], values: Float32Array.of(1, -2) }],
    ['b', { shape: [], values: Float32Array.of(-0) }],
  ]);
  const json = '{"__metadata__":{},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[],"data_offsets":[8,12]}}';
  const bytes = encodeSafetensors({ tensors, metadata: {} });
  expect((bytes.length - ONE_TWO_ZERO.length) % 8).toBe(0);
  expect(bytes).toEqual(fileOf(json.padEnd(Math.ceil(json.length / 8) * 8), ONE_TWO_ZERO));
});

it('reads the published format: any order, fields unknown, no metadata, no alignment', () => {
  const header = '{"b":{"data_offsets":[8,12],"shape":[],"dtype":"F32"},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8],"note":1}}';
  const { tensors, metadata } = decodeSafetensors(fileOf(header, ONE_TWO_ZERO));
  expect(metadata).toEqual({});
  expect(tensors.get('a')!.shape).toEqual([1, 2]);
  expect([...tensors.get('a')!.values]).toEqual([1, -2]);
  expect(bitsOf(tensors.get('b')!.values)).toEqual([0x80000000]);
  expect(decodeSafetensors(fileOf('{}', new Uint8Array(0))).tensors.size).toBe(0);
});

it('reads from the middle of a buffer and from a Buffer of Node, and shares no memory with them', () => {
  const bytes = encodeSafetensors(content);
  for (const holder of [new Uint8Array(bytes.length + 5), Buffer.alloc(bytes.length + 5)]) {
    holder.set(bytes, 3);
    const view = holder.subarray(3, 3 + bytes.length);
    const decoded = decodeSafetensors(view);
    holder.fill(0);
    expectSame(decoded, content);
  }
});

const entry = (shape: string, offsets: string, dtype = '"F32"'): string => `{"dtype":${dtype},"shape":${shape},"data_offsets":${offsets}}`;
const data = new Uint8Array(8);

describe('refuses', () => {
  it.each([
    ['no bytes', new Uint8Array(0)],
    ['less than a header length', new Uint8Array(7)],
    ['a header longer than the file', fileOf('{}', data, 2n ** 64n - 1n)],
    ['a header a byte too long', fileOf('{}', new Uint8Array(0), 3n)],
    ['an empty header', fileOf('', data)],
    ['no JSON', fileOf('{"a"', data)],
    ['bytes that are not UTF-8', Uint8Array.of(2, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0xff)],
    ['a header that is a list', fileOf('[]', new Uint8Array(0))],
    ['a header that is null', fileOf('null', new Uint8Array(0))],
    ['space before the header', fileOf(' {}', new Uint8Array(0))],
    ['metadata of numbers', fileOf('{"__metadata__":{"a":1}}', new Uint8Array(0))],
    ['metadata that is a list', fileOf('{"__metadata__":[]}', new Uint8Array(0))],
    ['metadata that is null', fileOf('{"__metadata__":null}', new Uint8Array(0))],
    ['an entry that is null', fileOf('{"a":null}', new Uint8Array(0))],
    ['an entry that is a number', fileOf('{"a":3}', new Uint8Array(0))],
    ['another data type', fileOf(`{"a":${entry('[2]', '[0,8]', '"I32"')}}`, data)],
    ['a negative size', fileOf(`{"a":${entry('[-2]', '[0,8]')}}`, data)],
    ['a size of -0', fileOf(`{"a":${entry('[-0]', '[0,0]')}}`, new Uint8Array(0))],
    ['a size that is no whole number', fileOf(`{"a":${entry('[0.5,4]', '[0,8]')}}`, data)],
    ['a size as text', fileOf(`{"a":${entry('["2"]', '[0,8]')}}`, data)],
    ['sizes whose product overflows', fileOf(`{"a":${entry('[9007199254740991,9007199254740991]', '[0,8]')}}`, data)],
    ['sizes whose product overflows to infinity', fileOf(`{"a":${entry(`[${Array(30).fill(9007199254740991).join()},0]`, '[0,8]')}}`, data)],
    ['three offsets', fileOf(`{"a":${entry('[2]', '[0,8,8]')}}`, data)],
    ['offsets backwards', fileOf(`{"a":${entry('[2]', '[8,0]')}}`, data)],
    ['offsets beyond the file', fileOf(`{"a":${entry('[2]', '[8,16]')}}`, data)],
    ['bytes that no array holds, before', fileOf(`{"a":${entry('[1]', '[4,8]')}}`, data)],
    ['bytes that no array holds, after', fileOf(`{"a":${entry('[1]', '[0,4]')}}`, data)],
    ['arrays that overlap', fileOf(`{"a":${entry('[2]', '[0,8]')},"b":${entry('[1]', '[4,8]')}}`, data)],
    ['arrays in the same place', fileOf(`{"a":${entry('[2]', '[0,8]')},"b":${entry('[2]', '[0,8]')}}`, data)],
    ['a name twice, in different places', fileOf(`{"a":${entry('[1]', '[0,4]')},"a":${entry('[1]', '[4,8]')}}`, data)],
    ['fewer bytes than the shape needs', fileOf(`{"a":${entry('[3]', '[0,8]')}}`, data)],
  ])('%s', (_name, bytes) => {
    expect(codeOf(() => decodeSafetensors(bytes))).toBe('RJS_SAFETENSORS');
  });

  it('to write an array that does not fill its shape, or a reserved name', () => {
    const one = (name: string, shape: number[]): SafetensorsContent => ({ metadata: {}, tensors: new Map([[name, { shape, values: Float32Array.of(1) }]]) });
    expect(codeOf(() => encodeSafetensors(one('a', [2])))).toBe('RJS_SAFETENSORS');
    expect(codeOf(() => encodeSafetensors(one('__metadata__', [1])))).toBe('RJS_SAFETENSORS');
  });
});

it('says where a file is damaged', () => {
  expect(() => decodeSafetensors(fileOf(`{"a":${entry('[1]', '[4,8]')}}`, data))).toThrow(/Expected 'a' right after .* got offset 4, at byte \d+ \(the file is damaged/);
});

it('200 damaged files are refused with a code or read as a whole, valid file', () => {
  const whole = encodeSafetensors(content);
  const outcomes = { refused: 0, read: 0 };
  for (let seed = 0; seed < 200; seed++) {
    const [kind, place, bit] = randomStream(seed).split('damage').uniform(3) as unknown as [number, number, number];
    const at = Math.floor(place * whole.length);
    const damaged = kind < 0.4 ? whole.slice(0, at) : whole.slice();
    if (kind >= 0.4) damaged[at]! ^= 1 << Math.floor(bit * 8);
    const code = codeOf(() => {
      for (const { shape, values } of decodeSafetensors(damaged).tensors.values()) {
        expect(values.length).toBe(shape.reduce((size, n) => size * n, 1));
      }
    });
    expect(['none', 'RJS_SAFETENSORS']).toContain(code);
    // A file that lost its end is never whole.
    if (kind < 0.4) expect(code).toBe('RJS_SAFETENSORS');
    outcomes[code === 'none' ? 'read' : 'refused'] += 1;
  }
  expect(outcomes.refused).toBeGreaterThan(80);
  expect(outcomes.read).toBeGreaterThan(10);
});
