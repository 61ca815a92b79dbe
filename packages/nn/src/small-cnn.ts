import type { Architecture, Site } from '@robustjs/core';
import { checkSizes } from './check-sizes.ts';
import { sequential, tap } from './compose.ts';

/** Options of {@link smallCnn}. */
export interface SmallCnnOptions {
  /** Shape of one input, channels last: 1, 2 or 3 spatial axes. */
  readonly inputShape: readonly number[];
  /** Number of logits. */
  readonly classes: number;
  /** Channels of the convolutions. Default 16, 32, 32: about 3 MFLOP a forward pass on 28x28. */
  readonly widths?: readonly number[];
}

/**
 * Convolutions of size 3, each with norm and ReLU, all but the first with stride 2; then one fully connected layer.
 * Its features before that layer, `[N, D]`, are tapped as `features`.
 *
 * @throws RobustError `RJS_ARCHITECTURE` for sizes that no network can have.
 */
export function smallCnn({ inputShape, classes, widths = [16, 32, 32] }: SmallCnnOptions): Architecture {
  checkSizes({ inputShape, classes, widths });
  const spatial = inputShape.slice(0, -1);
  const strideOf = (i: number): number => (i === 0 ? 1 : 2);
  const shrunk = spatial.map((size) => widths.reduce((rest, _, i) => Math.ceil(rest / strideOf(i)), size));
  return (kit) => {
    const features = widths.flatMap((channels, i) => {
      const site: Site = { path: `conv${i}`, role: i === 0 ? 'stem' : 'block', stage: i, block: 0, index: 0, channels };
      const inputChannels = i === 0 ? inputShape.at(-1)! : widths[i - 1]!;
      return [
        kit.conv(site, { inputChannels, kernel: spatial.map(() => 3), stride: strideOf(i) }),
        kit.norm({ ...site, path: `norm${i}` }),
        kit.act({ ...site, path: `act${i}` }),
      ];
    });
    const head: Site = { path: 'head', role: 'head', stage: widths.length, block: 0, index: 0, channels: classes };
    const flat = shrunk.reduce((size, length) => size * length, widths.at(-1)!);
    return sequential(
      tap('features', sequential(...features, kit.flatten({ ...head, path: 'flatten', channels: flat }))),
      kit.dense(head, { inputChannels: flat }),
    );
  };
}
