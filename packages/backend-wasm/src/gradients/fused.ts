import { RobustError } from '@robustjs/core';
import {
  backend_util, engine, getBackend, type GradConfig, matMul, type NamedAttrMap, type NamedTensorMap, registerGradient, reshape, sum, type Tensor,
} from '@tensorflow/tfjs-core';

/*
 * TF.js differentiates its fused ops by a custom gradient, which computes all gradients whichever are asked for: an attack through a
 * tf.layers or tf.GraphModel convolution would pay for the filters' gradient each step. Here the fused kernel itself is
 * recorded on the tape, with a gradient function by input, and the custom gradient's node is taken out. A custom gradient of a user's that
 * runs a fused kernel by its name keeps its own: TF.js's give the kernel's output as their value, and save it.
 */

const FUSED: ReadonlySet<string> = new Set(['FusedConv2D', 'FusedDepthwiseConv2D', '_FusedMatMul']);

/** What is used of the engine's tape, which its type does not show. */
interface Tape {
  readonly state: { activeTape: Node[] | undefined; kernelDepth: number; gradientDepth: number };
}

interface Node {
  inputs: NamedTensorMap;
  readonly outputs: Tensor[];
  gradient?: (dys: Tensor[]) => Record<string, () => Tensor>;
  saved?: Tensor[];
}

/** Registers the gradients of the fused kernels and has them used, on this backend. */
export function registerFusedGradients(): void {
  for (const config of [convolution, depthwise, product]) registerGradient(config);
  const at = engine();
  const { state } = at as unknown as Tape;
  let recorded: Tensor | undefined;
  const runKernel = at.runKernel.bind(at);
  at.runKernel = (<T extends Tensor>(name: string, inputs: NamedTensorMap, attrs: NamedAttrMap): T => {
    // Depth 1: directly inside of a custom gradient.
    if (!FUSED.has(name) || state.gradientDepth === 0 || state.kernelDepth !== 1 || getBackend() !== 'wasm') return runKernel<T>(name, inputs, attrs);
    const given = Object.fromEntries(Object.entries(inputs).filter(([, tensor]) => Boolean(tensor)));
    state.kernelDepth--;
    try {
      const y = runKernel<T>(name, given, { ...attrs, biasShape: given['bias']?.shape ?? [] });
      recorded = y;
      return y;
    } finally {
      state.kernelDepth++;
    }
  }) as typeof at.runKernel;
  const customGrad = at.customGrad.bind(at);
  at.customGrad = ((f: Custom) => (...inputs: Tensor[]): Tensor => {
    const outer = recorded;
    recorded = undefined;
    let differentiated: Tensor | undefined;
    const y = customGrad(savingLate(f, (value, saved) => {
      if (recorded !== undefined && recorded.dataId === value.dataId && saved.includes(recorded)) differentiated = recorded;
      return differentiated === undefined;
    }))(...inputs);
    if (differentiated !== undefined) useRecorded(state.activeTape!, differentiated, y);
    recorded = outer;
    return y;
  }) as typeof at.customGrad;
}

type Custom = Parameters<ReturnType<typeof engine>['customGrad']>[0];

/** A custom gradient that saves nothing where its node is taken out: a fused op saves four tensors. */
const savingLate = (f: Custom, wanted: (value: Tensor, saved: readonly Tensor[]) => boolean): Custom => (...given) => {
  const inputs = given.slice(0, -1) as Tensor[];
  const save = given.at(-1) as unknown as (tensors: Tensor[]) => void;
  let pending: Tensor[] = [];
  const result = f(...inputs, ((tensors: Tensor[]) => (pending = tensors)));
  if (wanted(result.value, pending)) save(pending);
  return result;
};

/** Takes the custom gradient's node out; where its op gives the kernel's output in another shape, makes it that reshaping. */
function useRecorded(tape: Node[], recorded: Tensor, y: Tensor): void {
  const node = tape.at(-1)!;
  for (const tensor of node.saved ?? []) tensor.dispose();
  node.saved = [];
  if (recorded === y) {
    tape.pop();
    return;
  }
  const { shape } = recorded;
  node.inputs = { x: recorded };
  node.gradient = ([dy]) => ({ x: () => reshape(dy!, shape) });
}

interface FusedAttrs {
  readonly activation?: string;
  readonly biasShape?: number[];
}

/** The fused ops run fused under the tape without an activation only. */
function linear(kernelName: string, attrs: NamedAttrMap): FusedAttrs {
  const { activation = 'linear', biasShape } = attrs as unknown as FusedAttrs;
  if (activation === 'linear') return { ...(biasShape && { biasShape }) };
  throw new RobustError('RJS_FUSED_ACTIVATION', {
    expected: `a gradient through ${kernelName} without an activation`,
    got: `activation ${activation}`,
    fix: 'call the op of tf.fused, which takes the activation apart where gradients are wanted',
  });
}

/** The gradient of a value that was added along leading axes. */
export function biasGradient(dy: Tensor, shape: number[] = []): Tensor {
  const axes = backend_util.getReductionAxes(shape, dy.shape);
  return reshape(axes.length > 0 ? sum(dy, axes) : dy, shape);
}

/** What a kernel gives that is run by its name. */
export const run = (name: string, inputs: NamedTensorMap, attrs: Record<string, unknown> = {}): Tensor => engine().runKernel(name, inputs, attrs as unknown as NamedAttrMap);

const config = (kernelName: string, backpropInput: string, backpropFilter: string): GradConfig => ({
  kernelName,
  inputsToSave: ['x', 'filter'],
  gradFunc: (gradient, saved, attrs) => {
    const [dy, x, filter] = [gradient as Tensor, ...saved] as [Tensor, Tensor, Tensor];
    const { biasShape } = linear(kernelName, attrs);
    return {
      x: () => run(backpropInput, { dy, filter }, { ...attrs, inputShape: x.shape }),
      filter: () => run(backpropFilter, { x, dy }, { ...attrs, filterShape: filter.shape }),
      bias: () => biasGradient(dy, biasShape),
    };
  },
});

const convolution = config('FusedConv2D', 'Conv2DBackpropInput', 'Conv2DBackpropFilter');
const depthwise = config('FusedDepthwiseConv2D', 'DepthwiseConv2dNativeBackpropInput', 'DepthwiseConv2dNativeBackpropFilter');

const product: GradConfig = {
  kernelName: '_FusedMatMul',
  inputsToSave: ['a', 'b'],
  gradFunc: (gradient, saved, attrs) => {
    const [dy, a, b] = [gradient as Tensor, ...saved] as [Tensor, Tensor, Tensor];
    const { biasShape } = linear('_FusedMatMul', attrs);
    const { transposeA, transposeB } = attrs as unknown as { transposeA: boolean; transposeB: boolean };
    return {
      // With A = a or a^T and B = b or b^T: dA = dy B^T and dB = A^T dy.
      a: () => (transposeA ? matMul(b, dy, transposeB, true) : matMul(dy, b, false, !transposeB)),
      b: () => (transposeB ? matMul(dy, a, true, transposeA) : matMul(a, dy, !transposeA, false)),
      bias: () => biasGradient(dy, biasShape),
    };
  },
};
