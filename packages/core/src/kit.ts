import type { Tensor, Variable } from '@tensorflow/tfjs-core';
import type { Pass } from './pass.ts';
import type { Branch } from './route.ts';

/** A variable with the path that names it in checkpoints, such as `stage1/block0/conv1/kernel`. */
export interface NamedVariable {
  readonly name: string;
  readonly variable: Variable;
}

/** A plain tf.layers layer that computes what one of ours computes on one branch; how networks are exported. */
export interface PlainLayer {
  /** Class name in tf.layers, such as `Conv2D`. */
  readonly className: string;
  /** Its configuration, without name. */
  readonly config: Readonly<Record<string, unknown>>;
  /** Its weights in tf.layers' order; the receiver disposes them. */
  readonly weights: readonly { readonly name: string; readonly value: Tensor }[];
}

/** One layer: parameters, running statistics, and a function of an input and a pass. */
export interface Layer<T = Tensor> {
  /** What an optimizer trains. */
  readonly parameters: readonly NamedVariable[];
  /** Running statistics; moved only through `Pass.updates`. */
  readonly buffers: readonly NamedVariable[];
  /** Normalization branches it tells apart; absent: it ignores the route. */
  readonly branches?: readonly Branch[];
  /** Output for this input and pass. Inside TF.js's tape it must not throw. */
  apply(input: T, pass: Pass): T;
  /** The same function as a chain of plain layers, for export. Absent where tf.layers cannot say it. */
  plain?(branch: Branch): readonly PlainLayer[];
}

/** Where a residual block joins its shortcut: a layer of two inputs, so that a gain or drop-path can live there. */
export interface Join<T = Tensor> extends Pick<Layer<T>, 'parameters' | 'buffers' | 'branches'> {
  /** Output for both inputs and a pass. Inside TF.js's tape it must not throw. */
  apply(shortcut: T, block: T, pass: Pass): T;
  /** For export: plain layers to put before an addition, on each side. */
  plain?(branch: Branch): { readonly shortcut: readonly PlainLayer[]; readonly block: readonly PlainLayer[] };
}

/** A place in a network, told to the kit at every call. A method decides by these fields; nobody parses a path. */
export interface Site {
  /** Unique in the network; prefix of the names of the site's variables. */
  readonly path: string;
  readonly role: 'stem' | 'block' | 'shortcut' | 'head';
  /** Stage (resolution) from 0, in order from the input. */
  readonly stage: number;
  /** Block in the stage, from 0. */
  readonly block: number;
  /** Position among the block's layers of this kind, from 0. */
  readonly index: number;
  /** Channels that leave this site. */
  readonly channels: number;
}

/** Options of a convolution; `site.channels` filters over 1, 2 or 3 spatial axes, channels last. */
export interface ConvOptions {
  /** Channels of the input. */
  readonly inputChannels: number;
  /** Kernel size by spatial axis; its length is the number of spatial axes. */
  readonly kernel: readonly number[];
  /** Stride, the same on every axis. Default 1. */
  readonly stride?: number;
  /** Default `'same'`, as TF.js pads: the odd pixel goes at the end. */
  readonly padding?: 'same' | 'valid';
  /** Add a bias. Default false: a norm usually follows. */
  readonly bias?: boolean;
}

/** Options of a pooling layer. */
export interface PoolOptions {
  /** `'global-average'` takes the mean over all spatial axes: `[N, ..., C]` to `[N, C]`. */
  readonly kind: 'max' | 'average' | 'global-average';
  /** Window size by spatial axis; its length is the number of spatial axes. */
  readonly window: readonly number[];
  /** Default: the window's first size. Ignored by `'global-average'`. */
  readonly stride?: number;
}

/** Options of a fully connected layer; `site.channels` units. */
export interface DenseOptions {
  readonly inputChannels: number;
  /** Default true. */
  readonly bias?: boolean;
}

/**
 * The parts that an architecture is built from. A defense maps a kit to a kit: it replaces the members it is about and
 * passes the rest through. `T` is the value that flows: tensors, or symbols when a network is exported.
 */
export interface Kit<T = Tensor> {
  /** A convolution over 1, 2 or 3 spatial axes. */
  conv(site: Site, options: ConvOptions): Layer<T>;
  /** A normalization of `site.channels` channels. */
  norm(site: Site): Layer<T>;
  /** An activation. */
  act(site: Site): Layer<T>;
  /** A pooling over all spatial axes or windows of them. */
  pool(site: Site, options: PoolOptions): Layer<T>;
  /** A fully connected layer of `site.channels` units. */
  dense(site: Site, options: DenseOptions): Layer<T>;
  /** All axes but the first into one. */
  flatten(site: Site): Layer<T>;
  /** Where a residual block meets its shortcut. */
  join(site: Site): Join<T>;
  /** Joins along the channel axis. */
  concat(site: Site): Join<T>;
}

/** A network as a function of a kit, the same for tensors and for symbols. */
export type Architecture = <T>(kit: Kit<T>) => Layer<T>;
