import { engine, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** What stands between a model's inputs and gradients of its outputs. */
export interface GradientPath {
  /** Operations on the way for which TF.js has no gradient, such as `ArgMax`; TF.js would throw. */
  readonly missing: readonly string[];
  /** Operations on the way whose gradient is zero everywhere, such as `Round`. */
  readonly flat: readonly string[];
  /** Whether any way from inputs to outputs has a gradient that is not zero by definition. */
  readonly open: boolean;
}

/** Operations whose values are steps; TF.js gives them a gradient of zeros. A cast to whole numbers it lets pass. */
const FLAT: ReadonlySet<string> = new Set(['ArgMax', 'ArgMin', 'Ceil', 'Floor', 'FloorDiv', 'Round', 'Sign', 'Step']);

interface TapeNode {
  readonly kernelName: string;
  readonly inputs: Readonly<Record<string, Tensor | readonly Tensor[]>>;
  readonly outputs: readonly Tensor[];
  readonly saved?: readonly Tensor[];
  readonly gradient?: unknown;
}

/** Looks at what TF.js records of a forward pass; takes no gradient, so nothing is thrown where one is missing. */
export function gradientPath(forward: (inputs: Tensor) => Tensor, inputs: Tensor): GradientPath {
  let output = -1;
  const nodes = recorded(() => (output = forward(inputs).id));
  const from = spread(nodes, new Set([inputs.id]), () => true);
  const into = reversed(nodes, new Set([output]));
  const between = nodes.filter((node) => ids(node).some((id) => from.has(id)) && node.outputs.some(({ id }) => into.has(id)));
  const named = (test: (node: TapeNode) => boolean): string[] => [...new Set(between.filter(test).map(({ kernelName }) => kernelName))].sort();
  const passable = spread(nodes, new Set([inputs.id]), (node) => hasGradient(node) && !FLAT.has(node.kernelName));
  return { missing: named((node) => !hasGradient(node)), flat: named(({ kernelName }) => FLAT.has(kernelName)), open: passable.has(output) };
}

/** What TF.js declares private. */
interface Recorder {
  readonly state: { readonly activeTape: readonly TapeNode[] };
  startTape(): void;
  endTape(): void;
}

/** The operations of a function in their order; what they make is disposed. */
function recorded(work: () => void): readonly TapeNode[] {
  const tf = engine() as unknown as Recorder;
  let nodes: readonly TapeNode[] = [];
  tf.startTape();
  try {
    tidy(work);
    nodes = [...tf.state.activeTape];
    return nodes;
  } finally {
    tf.endTape();
    // What operations keep for their gradients outlives a tidy; without a gradient nobody else disposes it.
    nodes.forEach(({ saved = [] }) => saved.forEach((tensor) => tensor.dispose()));
  }
}

const ids = ({ inputs }: TapeNode): number[] => Object.values(inputs).flat().map((tensor) => (tensor).id);

const hasGradient = (node: TapeNode): boolean => node.gradient !== undefined;

/** Everything that comes from these tensors through operations that let it pass. */
function spread(nodes: readonly TapeNode[], reached: Set<number>, passes: (node: TapeNode) => boolean): ReadonlySet<number> {
  for (const node of nodes) {
    if (passes(node) && ids(node).some((id) => reached.has(id))) node.outputs.forEach(({ id }) => reached.add(id));
  }
  return reached;
}

/** Everything that these tensors come from. */
function reversed(nodes: readonly TapeNode[], needed: Set<number>): ReadonlySet<number> {
  for (const node of nodes.toReversed()) {
    if (node.outputs.some(({ id }) => needed.has(id))) ids(node).forEach((id) => needed.add(id));
  }
  return needed;
}
