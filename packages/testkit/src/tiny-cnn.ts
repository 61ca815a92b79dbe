import { type Defense, type Kit, type Layer, randomStream } from '@robustjs/core';
import { buildNetwork, type Network, resnet, smallCnn, standardKit } from '@robustjs/nn';
import { tanh } from '@tensorflow/tfjs-core';

/** Options of {@link tinyCnn} and {@link tinyResnet}. */
export interface TinyOptions {
  /** Seed of the initial weights. Default 0. */
  readonly seed?: number;
  /** The kit seam of a defense. */
  readonly kit?: (kit: Kit) => Kit;
  /** Shape of one input. Default [8, 8, 1]. */
  readonly inputShape?: readonly number[];
  /** Default 3. */
  readonly classes?: number;
  /** Default 4, 6. */
  readonly widths?: readonly number[];
  /** tanh for ReLU: finite differences need a loss without kinks. Default false. */
  readonly smooth?: boolean;
}

/** The small CNN at a size where a test takes milliseconds: 8x8x1 inputs, 3 classes. */
export function tinyCnn(options: TinyOptions = {}): Network {
  const { inputShape = [8, 8, 1], classes = 3, widths = [4, 6] } = options;
  return buildNetwork(smallCnn({ inputShape, classes, widths }), { kit: tinyKit(options), inputShape });
}

/** A residual network of the same size, with a block that keeps its shape and one that changes it. */
export function tinyResnet(options: TinyOptions = {}): Network {
  const { inputShape = [8, 8, 1], classes = 3, widths = [4, 6] } = options;
  return buildNetwork(resnet({ inputShape, classes, widths }), { kit: tinyKit(options), inputShape });
}

/** The tiny network that a defense trains: its kit seam applied. */
export function tinyNetworkFor(defense: Defense, options: TinyOptions = {}): Network {
  return tinyCnn({ ...options, ...(defense.kit && { kit: (kit) => defense.kit!(kit) }) });
}

function tinyKit({ seed = 0, kit = (same) => same, smooth = false }: TinyOptions): Kit {
  const standard = standardKit(randomStream(seed).split('weights'));
  return kit(smooth ? { ...standard, act: () => tanhLayer } : standard);
}

const tanhLayer: Layer = {
  parameters: [],
  buffers: [],
  apply: (input) => tanh(input),
  plain: () => [{ className: 'Activation', config: { activation: 'tanh' }, weights: [] }],
};
