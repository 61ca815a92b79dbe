import type { GraphModel} from '@tensorflow/tfjs-converter';
import { loadGraphModel } from '@tensorflow/tfjs-converter';
import { io, type Tensor } from '@tensorflow/tfjs-core';
import { messageOf, refused } from './errors.ts';
import type { Predictor } from './predictor.ts';

interface GraphNode {
  readonly name: string;
  readonly op: string;
  readonly input?: readonly string[];
}

/**
 * Makes a `tf.GraphModel` of its artifacts. A softmax at its end is left out: it changes no prediction, and attacks need logits.
 *
 * @throws RobustError `RJS_MODEL_FORMAT` for a graph that TF.js does not take, `RJS_MODEL_SHAPE` for several inputs or outputs.
 */
export async function graphPredictor(artifacts: io.ModelArtifacts, place: string): Promise<Predictor> {
  const model = await build(artifacts, place);
  const [input] = model.inputs;
  const [output] = model.outputs;
  if (model.inputs.length !== 1 || model.outputs.length !== 1) {
    const got = `${model.inputs.length} inputs and ${model.outputs.length} outputs`;
    model.dispose();
    throw refused('SHAPE', `one input and one output in ${place}`, got, 'wrap it in a function of the images, in a module that exports predict');
  }
  const logits = beforeSoftmax(nodesOf(artifacts), output!.name);
  return {
    architecture: 'tf.GraphModel',
    softmaxRemoved: logits !== undefined,
    ...(input!.shape && { inputShape: input!.shape.slice(1).map((size) => (size > 0 ? size : null)) }),
    weights: new Map(Object.entries(model.weights).flatMap(([name, parts]) => parts.map((part, i) => [`${name}:${i}`, part]))),
    predict: (x) => run(model, x, logits ?? output!.name),
    dispose: () => void model.dispose(),
  };
}

async function build(artifacts: io.ModelArtifacts, place: string): Promise<GraphModel> {
  try {
    return await loadGraphModel(io.fromMemory(artifacts));
  } catch (cause) {
    throw refused('FORMAT', `a tf.GraphModel in ${place}`, messageOf(cause), 'convert it with tensorflowjs_converter to operations that TensorFlow.js has', cause);
  }
}

const run = (model: GraphModel, x: Tensor, output: string): Tensor => model.execute({ [model.inputs[0]!.name]: x }, output) as Tensor;

function nodesOf({ modelTopology }: io.ModelArtifacts): ReadonlyMap<string, GraphNode> {
  const { node = [] } = modelTopology as { node?: readonly GraphNode[] };
  return new Map(node.map((one) => [one.name, one]));
}

/** The node whose value goes into a softmax that the output comes from, with nothing but copies in between. */
function beforeSoftmax(nodes: ReadonlyMap<string, GraphNode>, output: string): string | undefined {
  const seen = new Set<string>();
  for (let name = bare(output); !seen.has(name); ) {
    seen.add(name);
    const node = nodes.get(name);
    const [from] = node?.input ?? [];
    if (node === undefined || from === undefined) return undefined;
    if (node.op === 'Softmax') return bare(from);
    if (!['Identity', 'StopGradient', 'Snapshot'].includes(node.op)) return undefined;
    name = bare(from);
  }
  return undefined;
}

// Names of tensors are those of nodes with the index of an output.
const bare = (name: string): string => name.replace(/:0$/, '');
