import {
  avgPool, batchNorm, elu, engine, fused, getBackend, getKernel, max, maxPool, mean, type NamedAttrMap, onesLike, pad, relu, relu6, reshape, sigmoid, softmax, type Tensor, type Tensor1D,
  type Tensor4D, tanh, zerosLike,
} from '@tensorflow/tfjs-core';

/** What a layer does to a batch. */
export type Operation = (x: Tensor) => Tensor;

/** What is known of a layer. */
export interface Part {
  /** Its class in tf.layers. */
  readonly kind: string;
  readonly config: Readonly<Record<string, unknown>>;
  /** Rank of its input, batch axis included. */
  readonly rank: number;
  /** Shape of one output. */
  readonly outputShape: readonly (number | null)[];
  /** Its weights in the order of tf.layers. */
  readonly weights: () => Tensor[];
}

type Pair = [number, number];

/** The operation of a layer in evaluation mode; undefined for a layer, or a setting of it, that is not known. */
export function operationOf(part: Part): Operation | undefined {
  const channelsLast = (part.config['dataFormat'] ?? 'channelsLast') === 'channelsLast';
  return channelsLast ? (KNOWN.get(part.kind)?.(part)) : undefined;
}

const activations: ReadonlyMap<unknown, Operation> = new Map<unknown, Operation>([
  [undefined, (x) => x], [null, (x) => x], ['linear', (x) => x], ['relu', (x) => relu(x)], ['relu6', (x) => relu6(x)],
  ['sigmoid', (x) => sigmoid(x)], ['tanh', (x) => tanh(x)], ['elu', (x) => elu(x)], ['softmax', (x) => softmax(x)],
]);

/** What TF.js fuses with a bias, or without an activation, and what is left to do after it. */
interface Ending {
  readonly activation: 'linear' | 'relu';
  readonly after: Operation;
}

/** An activation under a tape stays out of the fused op, which would take apart the bias as well. */
function endingOf({ config }: Part): (() => Ending) | undefined {
  const { activation } = config;
  const after = activations.get(activation);
  const apart = after && ({ activation: 'linear', after } as const);
  const whole = activation === 'relu' ? ({ activation: 'relu', after: (x: Tensor): Tensor => x } as const) : apart;
  return apart && whole && (() => (underTape() ? apart : whole));
}

const underTape = (): boolean => engine().state.gradientDepth > 0;

/** Whether the runtime has a kernel that TF.js does not know. */
const hasKernel = (name: string): boolean => (getKernel(name, getBackend()) as object | undefined) !== undefined;

function convolution(part: Part): Operation | undefined {
  const { strides, dilationRate, padding, explicit } = part.config as { strides: Pair; dilationRate: Pair; padding: 'valid' | 'same'; explicit?: [Pair, Pair] };
  const ending = endingOf(part);
  if (!ending) return undefined;
  const padded: 'valid' | 'same' | [Pair, Pair, Pair, Pair] = explicit ? [[0, 0], ...explicit, [0, 0]] : padding;
  const op = part.kind === 'Conv2D' ? fused.conv2d : fused.depthwiseConv2d;
  const rectified = part.kind === 'Conv2D' && part.config['activation'] === 'relu' && dilationRate.every((rate) => rate === 1);
  const attrs = { strides, pad: padded, dataFormat: 'NHWC', dilations: [1, 1] } as unknown as NamedAttrMap;
  return (x) => {
    const [filter, bias] = part.weights() as [Tensor4D, Tensor?];
    if (rectified && underTape() && hasKernel('Conv2DRelu')) return engine().runKernel('Conv2DRelu', { x, filter, ...(bias && { bias }) }, attrs);
    const { activation, after } = ending();
    // Only a convolution that is not by depth is given explicit padding.
    return after(op({ x: x as Tensor4D, filter, strides, dilations: dilationRate, pad: padded as 'valid', activation, ...(bias && { bias }) }));
  };
}

function dense(part: Part): Operation | undefined {
  const ending = endingOf(part);
  if (!ending || part.rank !== 2) return undefined;
  const rectified = part.config['activation'] === 'relu';
  const rest: Operation = rectified ? (y) => y : activations.get(part.config['activation'])!;
  return (x) => {
    const [b, bias] = part.weights() as [Tensor, Tensor?];
    if (hasKernel('Dense')) return rest(engine().runKernel('Dense', { x, weights: b, ...(bias && { bias }) }, { relu: rectified }));
    const { activation, after } = ending();
    return after(fused.matMul({ a: x, b, activation, ...(bias && { bias }) }));
  };
}

function normalization(part: Part): Operation | undefined {
  const { axis, epsilon, scale, center } = part.config as { axis: number; epsilon: number; scale: boolean; center: boolean };
  if ((axis !== -1 && axis !== part.rank - 1) || part.rank < 2 || part.rank > 4) return undefined;
  return (x) => {
    const weights = part.weights() as Tensor1D[];
    // Both are always given, as TF.js has no gradient without.
    const gamma = scale ? weights.shift() : onesLike(weights[0]!);
    const beta = center ? weights.shift() : zerosLike(weights[0]!);
    return batchNorm(x, weights[0]!, weights[1]!, beta, gamma, epsilon);
  };
}

function pool(part: Part): Operation {
  const { poolSize, strides, padding } = part.config as { poolSize: Pair; strides: Pair; padding: 'valid' | 'same' };
  const op = part.kind === 'MaxPooling2D' ? maxPool : avgPool;
  return (x) => op(x as Tensor4D, poolSize, strides, padding);
}

function flat({ outputShape }: Part): Operation | undefined {
  if (outputShape.some((size) => size === null)) return undefined;
  return (x) => reshape(x, [x.shape[0], ...(outputShape as number[])]);
}

const same = (): Operation => (x) => x;

const KNOWN: ReadonlyMap<string, (part: Part) => Operation | undefined> = new Map<string, (part: Part) => Operation | undefined>([
  ['Activation', ({ config }) => activations.get(config['activation'])],
  ['AveragePooling2D', pool],
  ['BatchNormalization', normalization],
  ['Conv2D', convolution],
  ['Dense', dense],
  ['DepthwiseConv2D', convolution],
  ['Dropout', same],
  ['Flatten', flat],
  ['GaussianNoise', same],
  ['GlobalAveragePooling2D', () => (x) => mean(x, [1, 2])],
  ['GlobalMaxPooling2D', () => (x) => max(x, [1, 2])],
  ['MaxPooling2D', pool],
  ['Reshape', flat],
  ['ReLU', ({ config }) => ((config['maxValue'] ?? null) === null ? (x): Tensor => relu(x) : undefined)],
  ['Softmax', ({ config, rank }) => ([undefined, -1, rank - 1].includes(config['axis'] as number | undefined) ? (x): Tensor => softmax(x) : undefined)],
  ['ZeroPadding2D', ({ config }) => (x): Tensor => pad(x, [[0, 0], ...(config['padding'] as [Pair, Pair]), [0, 0]])],
]);
