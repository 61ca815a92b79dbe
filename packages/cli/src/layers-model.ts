import { dirname, join, relative } from 'node:path';
import { RobustError } from '@robustjs/core';
import { io } from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { readBytes, readJsonFile } from './read.ts';

/**
 * Loads a `tf.LayersModel` from its `model.json` and the weight files beside it.
 *
 * @throws RobustError `RJS_FILE` for a file that is missing, `RJS_LAYERS_MODEL` for one that is no such model.
 */
export async function loadModelFile(path: string): Promise<LayersModel> {
  const json = (await readJsonFile(path, 'a tf.LayersModel')) as io.ModelJSON | null;
  if (json?.modelTopology === undefined) throw notAModel(path, 'no modelTopology in it');
  const artifacts = await io.getModelArtifactsForJSON(json, async (manifest) => {
    const files = await Promise.all(manifest.flatMap(({ paths }) => paths).map((file) => readBytes(beside(path, file), 'weights')));
    return [manifest.flatMap(({ weights }) => weights), Uint8Array.from(Buffer.concat(files)).buffer];
  });
  try {
    return await loadLayersModel(io.fromMemory(artifacts));
  } catch (cause) {
    throw notAModel(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
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
