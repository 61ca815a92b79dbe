import { io, type Tensor } from '@tensorflow/tfjs-core';
import { type LayersModel, loadLayersModel } from '@tensorflow/tfjs-layers';
import { chainOf } from './chain.ts';
import { messageOf, refused } from './errors.ts';
import type { Predictor } from './predictor.ts';

// More than any layer of a real model: TF.js would allocate it before it compares it with the weights.
const LARGEST_SIZE = 2 ** 24;

/**
 * Makes a `tf.LayersModel` of its artifacts. A softmax at its end is left out: it changes no prediction, and attacks need logits.
 *
 * @throws RobustError `RJS_MODEL_FORMAT` for a topology that TF.js does not take.
 */
export async function layersPredictor(artifacts: io.ModelArtifacts, place: string): Promise<Predictor> {
  const topology = structuredClone(artifacts.modelTopology) as object;
  const huge = hugeSize(topology);
  if (huge !== undefined) throw refused('FORMAT', `layers of at most ${LARGEST_SIZE} in ${place}`, String(huge), 'the file is damaged');
  const softmaxRemoved = leaveOutSoftmax(topology);
  const model = await build({ ...artifacts, modelTopology: topology }, place);
  const [input] = model.inputs;
  const chain = chainOf(model);
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    const got = `${model.inputs.length} inputs and ${model.outputs.length} outputs`;
    model.dispose();
    throw refused('SHAPE', `one input and one output in ${place}`, got, 'wrap it in a function of the images, in a module that exports predict');
  }
  return {
    architecture: 'tf.LayersModel',
    softmaxRemoved,
    inputShape: input!.shape.slice(1),
    weights: new Map(model.weights.map((weight) => [weight.originalName, weight.read()])),
    // Not predict, which cuts the batch into pieces and copies them.
    predict: chain ?? ((x) => model.apply(x, { training: false }) as Tensor),
    dispose: () => void model.dispose(),
  };
}

async function build(artifacts: io.ModelArtifacts, place: string): Promise<LayersModel> {
  try {
    return await loadLayersModel(io.fromMemory(artifacts));
  } catch (cause) {
    throw refused('FORMAT', `a tf.LayersModel in ${place}`, messageOf(cause), 'save it with model.save, with all its layers known to tfjs-layers', cause);
  }
}

// What layers make tensors or loops of; seeds, limits and constants may be any number.
const SIZE = /(shape|size|strides|padding|cropping|units|filters|dims?|length|multiplier|dilation_?rate|num_?tokens|height|width|^n)$/i;

/** A size in a topology that no layer can have: a number under the name of a size, at whatever depth of lists. */
function hugeSize(value: unknown, isSize = false): number | undefined {
  if (typeof value === 'number') return isSize && Math.abs(value) > LARGEST_SIZE && Number.isInteger(value) ? value : undefined;
  if (typeof value !== 'object' || value === null) return undefined;
  for (const [key, part] of Object.entries(value)) {
    const found = hugeSize(part, Array.isArray(value) ? isSize : SIZE.test(key));
    if (found !== undefined) return found;
  }
  return undefined;
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
  if (last?.config === undefined || last.config === null) return false;
  if (last.class_name === 'Softmax' && (last.config.axis ?? -1) === -1) last.class_name = 'Activation';
  else if (last.config.activation !== 'softmax') return false;
  last.config.activation = 'linear';
  return true;
}

/** The one layer that gives the output: the last of a sequence, the one named as output in a graph. */
function lastLayer({ layers, output_layers: outputs }: NetworkJson): LayerJson | undefined {
  if (!Array.isArray(layers)) return undefined;
  const all = layers as readonly (LayerJson | null)[];
  if (!Array.isArray(outputs)) return all.at(-1) ?? undefined;
  const [name] = outputs.flat() as unknown[];
  const single = outputs.length === 1 || typeof outputs[0] === 'string';
  return single ? (all.find((layer) => (layer?.name ?? layer?.config?.name) === name) ?? undefined) : undefined;
}
