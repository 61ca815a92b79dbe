import { io } from '@tensorflow/tfjs-core';
import { z } from 'zod';
import { joined } from './bytes.ts';
import { messageOf, refused } from './errors.ts';
import { type Files } from './files.ts';

const JSON_BYTES = 256 * 2 ** 20;
const BYTES: Readonly<Record<string, number>> = { float32: 4, int32: 4, bool: 1, complex64: 8, uint8: 1, uint16: 2, float16: 2 };

const size = z.int().nonnegative();
const weight = z.object({
  name: z.string(),
  shape: z.array(size),
  dtype: z.enum(['float32', 'int32', 'bool', 'complex64', 'string']),
  quantization: z.object({ dtype: z.enum(['uint8', 'uint16', 'float16']), scale: z.number().optional(), min: z.number().optional() }).optional(),
});
const group = z.object({ paths: z.array(z.string()).min(1), weights: z.array(weight) });
const modelJson = z.looseObject({ format: z.string().optional(), modelTopology: z.looseObject({}), weightsManifest: z.array(group) });

/** A model as files hold it. */
export interface Artifacts {
  readonly kind: 'layers-model' | 'graph-model';
  readonly artifacts: io.ModelArtifacts;
  /** SHA-256 of the topology and the weights. */
  readonly sha256: string;
}

/**
 * Reads a model.json and its weight files, and checks that they belong together before TF.js makes anything of them.
 *
 * @throws RobustError `RJS_MODEL_FILE`, `RJS_MODEL_FORMAT`, `RJS_MODEL_WEIGHTS`.
 */
export async function readArtifacts(files: Files): Promise<Artifacts> {
  const json = parsed(await files.main(JSON_BYTES), files.place);
  const buffers = [];
  for (const { paths, weights } of json.weightsManifest) buffers.push(await groupBytes(files, paths, weights));
  const weightSpecs = json.weightsManifest.flatMap(({ weights }) => weights) as io.WeightsManifestEntry[];
  const names = weightSpecs.map(({ name }) => name);
  const twice = names.find((name, i) => names.indexOf(name) !== i);
  if (twice !== undefined) throw refused('WEIGHTS', `each weight once in ${files.place}`, `${JSON.stringify(twice)} twice`, 'save the model again');
  const weightData = joined(buffers).buffer as ArrayBuffer;
  const artifacts = await io.getModelArtifactsForJSON(json as unknown as io.ModelJSON, () => Promise.resolve([weightSpecs, weightData]));
  return { kind: kindOf(json.format, json.modelTopology), artifacts, sha256: await digest(new TextEncoder().encode(JSON.stringify(json.modelTopology)), new Uint8Array(weightData)) };
}

function parsed(bytes: Uint8Array, place: string): z.infer<typeof modelJson> {
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw refused('FORMAT', `a model.json in ${place}`, messageOf(cause), 'the file is cut off, damaged or of another kind', cause);
  }
  const result = modelJson.safeParse(value);
  if (result.success) return result.data;
  const [issue] = result.error.issues;
  const where = issue?.path.join('.');
  throw refused('FORMAT', `a model.json of TensorFlow.js in ${place}`, where ? `a fault at '${where}': ${issue!.message}` : 'another kind of file', 'save it with model.save, or convert it with tensorflowjs_converter', result.error);
}

/** The bytes of one group of weight files, exactly as many as its weights take. */
async function groupBytes(files: Files, paths: readonly string[], weights: z.infer<typeof group>['weights']): Promise<Uint8Array> {
  // Strings hold their own lengths: TF.js reads them.
  const known = weights.every(({ dtype }) => dtype !== 'string');
  const expected = weights.reduce((sum, entry) => sum + bytesOf(entry), 0);
  const parts = [];
  let left = known ? expected : JSON_BYTES;
  for (const path of paths) {
    const part = await files.beside(path, left);
    parts.push(part);
    left -= part.length;
  }
  if (known && left !== 0) throw refused('WEIGHTS', `${expected} bytes of weights in ${paths.join(', ')}`, `${expected - left}`, 'the file is cut off, or belongs to another model');
  return joined(parts);
}

function bytesOf({ name, shape, dtype, quantization }: z.infer<typeof weight>): number {
  const count = shape.reduce((product, length) => product * length, 1);
  if (count > 2 ** 31) throw refused('WEIGHTS', `a weight ${name} that memory can hold`, `shape [${shape.join(', ')}]`, 'the file is damaged');
  return count * (BYTES[quantization?.dtype ?? dtype] ?? 0);
}

function kindOf(format: string | undefined, topology: object): Artifacts['kind'] {
  if (format === 'layers-model' || format === 'graph-model') return format;
  // Files of old converters do not say.
  return 'node' in topology ? 'graph-model' : 'layers-model';
}

/** SHA-256 of bytes, one part after the other, in hexadecimal. */
export async function digest(...parts: readonly Uint8Array[]): Promise<string> {
  const hash = await crypto.subtle.digest('SHA-256', joined(parts).buffer as ArrayBuffer);
  return Array.from(new Uint8Array(hash), (byte) => byte.toString(16).padStart(2, '0')).join('');
}
