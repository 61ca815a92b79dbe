import { existsSync, readFileSync } from 'node:fs';
import type { Model } from '@robustjs/core';
import { openModel } from '@robustjs/interop';
import { type Tensor1D, tensor1d, type Tensor4D, tensor4d } from '@tensorflow/tfjs-core';

/** What a public library's attack did on the reference images. */
export interface ReferenceRecord {
  readonly library: string;
  readonly attack: string;
  readonly params: Readonly<Record<string, number | string | boolean>>;
  /** Norm that the attack is bound by, or that it makes small: `Linf`, `L2` or `L1`. */
  readonly norm: string;
  /** Budget; absent for attacks that look for the nearest adversarial input. */
  readonly eps?: number;
  /** Right before and after the attack, image by image. */
  readonly stillCorrect: readonly boolean[];
  /** Length of the perturbation in `norm`, image by image, where the record has it. */
  readonly norms?: readonly number[];
}

/** A reference network with the images that libraries attacked it on, and what they found. */
export interface Reference {
  readonly model: Model;
  /** `[count, 28, 28, 1]` in [0, 1]. */
  readonly inputs: Tensor4D;
  readonly labels: Tensor1D;
  readonly ids: Int32Array;
  /** Logits of another implementation, `[count][10]`. */
  readonly logits: readonly (readonly number[])[];
  /** Gradient of the summed cross-entropy at the inputs by another implementation, one image after the other. */
  readonly inputGradient: Float32Array;
  readonly records: readonly ReferenceRecord[];
  /** Releases model, inputs and labels. */
  dispose(): void;
}

/** A reference network that may or may not be on this machine. */
export interface ReferenceNetwork {
  readonly name: string;
  /** False: tests that need it skip themselves by name, with `describe.skipIf(!network.present)`. */
  readonly present: boolean;
  /** The network and its first `count` images, all 200 by default; everything in it is cut to these. */
  load(count?: number): Promise<Reference>;
}

/** Values in one image, and images there are. */
const [SIZE, IMAGES] = [28 * 28, 200];

// Norms that the records leave unsaid.
const norms: Readonly<Record<string, string>> = { PGDL2: 'L2', DeepFool: 'L2', DDN: 'L2', L2CarliniWagner: 'L2', EAD: 'L1', L1FMN: 'L1' };

/**
 * The networks that public attack libraries were run on, `standard` and `adversarial`. They lie beside the repository, in
 * `../shared/reference`, or under `ROBUSTJS_SHARED`.
 */
export function referenceNetworks(): readonly ReferenceNetwork[] {
  const shared = process.env['ROBUSTJS_SHARED'] ?? new URL('../../../../shared', import.meta.url).pathname;
  const folder = `${shared}/reference/fmnist`;
  return ['standard', 'adversarial'].map((name) => ({
    name,
    present: existsSync(`${folder}/${name}/reference.json`),
    load: (count = IMAGES) => load(folder, name, count),
  }));
}

async function load(folder: string, name: string, count: number): Promise<Reference> {
  const { model } = await openModel(`${folder}/${name}/model.json`);
  const pixels = readFileSync(`${folder}/images.u8`).subarray(0, count * SIZE);
  const inputs = tensor4d(Float32Array.from(pixels, (byte) => byte / 255), [count, 28, 28, 1]);
  const labels = tensor1d(Int32Array.from(readFileSync(`${folder}/labels.u8`).subarray(0, count)), 'int32');
  const gradient = readFileSync(`${folder}/${name}/input_gradient.f32`);
  const { logits, attacks } = JSON.parse(readFileSync(`${folder}/${name}/reference.json`, 'utf8')) as StoredReference;
  return {
    model,
    inputs,
    labels,
    ids: Int32Array.from({ length: count }, (_, i) => i),
    logits: logits.slice(0, count),
    inputGradient: new Float32Array(gradient.buffer, gradient.byteOffset, count * SIZE).slice(),
    records: attacks.map((stored) => recordOf(stored, count)),
    dispose: () => [model, inputs, labels].forEach((x) => x.dispose()),
  };
}

interface StoredReference {
  readonly logits: readonly (readonly number[])[];
  readonly attacks: readonly StoredRecord[];
}

interface StoredRecord extends Pick<ReferenceRecord, 'library' | 'attack' | 'params' | 'norms'> {
  readonly still_correct: string;
}

function recordOf({ still_correct: flags, norms: lengths, ...record }: StoredRecord, count: number): ReferenceRecord {
  const { norm, eps } = record.params;
  return {
    ...record,
    norm: typeof norm === 'string' ? norm : (norms[record.attack] ?? 'Linf'),
    ...(typeof eps === 'number' && { eps }),
    stillCorrect: Array.from(flags.slice(0, count), (flag) => flag === '1'),
    ...(lengths !== undefined && { norms: lengths.slice(0, count) }),
  };
}
