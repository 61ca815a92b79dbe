import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';

/** A folder that is gone after the tests of this file. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'robustjs-interop-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** A weight of a model file. */
export interface Weight {
  readonly name: string;
  readonly shape: readonly number[];
  readonly values: readonly number[];
  readonly dtype?: 'float32' | 'int32';
}

/** A model.json as an object, and the bytes of its weights. */
export interface ModelFile {
  readonly json: Record<string, unknown>;
  readonly weights: Uint8Array;
}

function modelFile(format: string, modelTopology: object, weights: readonly Weight[]): ModelFile {
  const parts = weights.map(({ values, dtype }) => new Uint8Array((dtype === 'int32' ? Int32Array : Float32Array).from(values).buffer));
  const specs = weights.map(({ name, shape, dtype = 'float32' }) => ({ name, shape, dtype }));
  return { json: { format, modelTopology, weightsManifest: [{ paths: ['weights.bin'], weights: specs }] }, weights: Uint8Array.from(Buffer.concat(parts)) };
}

/** Writes a model's files and returns the path of its model.json. */
export function written(folder: string, { json, weights }: ModelFile): string {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, 'weights.bin'), weights);
  writeFileSync(join(folder, 'model.json'), JSON.stringify(json));
  return join(folder, 'model.json');
}

/** A dense layers model on inputs [2, 2, 1]: logits are x W + b. */
export function layersFile(W: readonly (readonly number[])[], b: readonly number[], activation = 'linear'): ModelFile {
  const layers = [
    { class_name: 'Flatten', config: { name: 'flatten', batch_input_shape: [null, 2, 2, 1], dtype: 'float32' } },
    { class_name: 'Dense', config: { name: 'dense', units: b.length, activation, use_bias: true } },
  ];
  return modelFile('layers-model', { class_name: 'Sequential', config: { name: 'tiny', layers } }, [
    { name: 'dense/kernel', shape: [4, b.length], values: W.flat() },
    { name: 'dense/bias', shape: [b.length], values: b },
  ]);
}

const FLOAT = { type: 'DT_FLOAT' };

/** A node of a graph. */
export const node = (name: string, op: string, input: readonly string[] = [], attr: object = {}): object => ({ name, op, input, attr: { T: FLOAT, ...attr } });

/** The graph of x W + b on inputs [?, 2, 2, 1], with these nodes after `logits`; the last is the output. */
export function graphFile(W: readonly (readonly number[])[], b: readonly number[], after: readonly object[] = [], before: readonly object[] = []): ModelFile {
  const dim = [{ size: '-1' }, { size: '2' }, { size: '2' }, { size: '1' }];
  const from = (before.at(-1) as { name: string } | undefined)?.name ?? 'x';
  const nodes = [
    { name: 'x', op: 'Placeholder', attr: { dtype: FLOAT, shape: { shape: { dim } } } },
    ...before,
    node('W', 'Const', [], { dtype: FLOAT }),
    node('b', 'Const', [], { dtype: FLOAT }),
    node('size', 'Const', [], { dtype: { type: 'DT_INT32' } }),
    node('flat', 'Reshape', [from, 'size']),
    node('product', 'MatMul', ['flat', 'W'], { transpose_a: { b: false }, transpose_b: { b: false } }),
    node('logits', 'BiasAdd', ['product', 'b']),
    ...after,
  ];
  const output = (after.at(-1) as { name: string } | undefined)?.name ?? 'logits';
  const modelTopology = { node: nodes, library: {}, versions: { producer: 1 } };
  const file = modelFile('graph-model', modelTopology, [
    { name: 'W', shape: [4, b.length], values: W.flat() },
    { name: 'b', shape: [b.length], values: b },
    { name: 'size', shape: [2], values: [-1, 4], dtype: 'int32' },
  ]);
  const signature = { inputs: { x: { name: 'x:0', dtype: 'DT_FLOAT', tensorShape: { dim } } }, outputs: { [output]: { name: `${output}:0` } } };
  return { ...file, json: { ...file.json, signature } };
}
