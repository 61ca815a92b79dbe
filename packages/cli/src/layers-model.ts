import { dirname, join, relative } from 'node:path';
import { RobustError } from '@robustjs/core';
import { io } from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { readBytes, readJsonFile } from './read.ts';

/** A model, and whether its file has a softmax at the end that was left out. */
export interface LoadedFile {
  readonly model: LayersModel;
  readonly withoutSoftmax: boolean;
}

/**
 * Loads a `tf.LayersModel` from its `model.json` and the weight files beside it. A softmax at its end is left out: it changes
 * no prediction, and attacks need logits.
 *
 * @throws RobustError `RJS_FILE` for a file that is missing, `RJS_LAYERS_MODEL` for one that is no such model.
 */
export async function loadModelFile(path: string): Promise<LoadedFile> {
  const json = (await readJsonFile(path, 'a tf.LayersModel')) as io.ModelJSON | null;
  if (json?.modelTopology === undefined) throw notAModel(path, 'no modelTopology in it');
  const withoutSoftmax = leaveOutSoftmax(json.modelTopology);
  const artifacts = await io.getModelArtifactsForJSON(json, async (manifest) => {
    const files = await Promise.all(manifest.flatMap(({ paths }) => paths).map((file) => readBytes(beside(path, file), 'weights')));
    return [manifest.flatMap(({ weights }) => weights), Uint8Array.from(Buffer.concat(files)).buffer];
  });
  try {
    return { model: await loadLayersModel(io.fromMemory(artifacts)), withoutSoftmax };
  } catch (cause) {
    throw notAModel(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
}

interface LayerJson {
  class_name?: string;
  readonly name?: string;
  readonly config?: { readonly name?: string; activation?: unknown; axis?: unknown };
}

interface NetworkJson {
  readonly layers?: readonly LayerJson[];
  readonly output_layers?: readonly unknown[];
}

/** Makes the last layer linear where it is, or ends in, a softmax over classes. The topology is changed in place. */
function leaveOutSoftmax(topology: object): boolean {
  const root = topology as { model_config?: { config?: unknown }; config?: unknown };
  const config = (root.model_config ?? root).config as NetworkJson | readonly LayerJson[] | undefined;
  const last = lastLayer(Array.isArray(config) ? { layers: config as readonly LayerJson[] } : ((config ?? {}) as NetworkJson));
  if (last?.config === undefined) return false;
  if (last.class_name === 'Softmax' && (last.config.axis ?? -1) === -1) last.class_name = 'Activation';
  else if (last.config.activation !== 'softmax') return false;
  last.config.activation = 'linear';
  return true;
}

/** The one layer that gives the output: the last of a sequence, the one named as output in a graph. */
function lastLayer({ layers = [], output_layers: outputs }: NetworkJson): LayerJson | undefined {
  if (outputs === undefined) return layers.at(-1);
  const [name] = outputs.flat();
  const single = outputs.length === 1 || typeof outputs[0] === 'string';
  return single ? layers.find((layer) => (layer.name ?? layer.config?.name) === name) : undefined;
}

/** A weight file, which must lie in the model's folder. */
function beside(model: string, file: string): string {
  const path = join(dirname(model), file);
  if (relative(dirname(model), path).startsWith('..')) throw notAModel(model, `weights outside its folder, ${file}`);
  return path;
}

function notAModel(path: string, got: string, cause?: unknown): RobustError {
  return new RobustError('RJS_LAYERS_MODEL', { expected: `a tf.LayersModel in ${path}`, got, fix: 'save it with model.save, with all its layers known to tfjs-layers', cause });
}
