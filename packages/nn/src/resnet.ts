import type { Architecture, Kit, Layer, Site } from '@robustjs/core';
import { checkSizes } from './check-sizes.ts';
import { identity, residual, sequential, tap } from './compose.ts';

/** Options of {@link resnet}. */
export interface ResnetOptions {
  /** Shape of one input, channels last: 1, 2 or 3 spatial axes. */
  readonly inputShape: readonly number[];
  /** Number of logits. */
  readonly classes: number;
  /** Blocks in each stage: 1, 2, 3 give the 8-, 14- and 20-layer networks. Default 1. */
  readonly blocks?: number;
  /** Channels by stage. Default 16, 32, 64. */
  readonly widths?: readonly number[];
  /** Norm and ReLU before each convolution instead of after (He et al., ECCV 2016). Default false. */
  readonly preActivation?: boolean;
}

/**
 * A residual network for small images (He et al., CVPR 2016, section 4.2): a stem, stages of two-convolution blocks that
 * halve the resolution from the second stage on, global average pooling. Where a block changes shape its shortcut is a
 * convolution of size 1 (option B of the paper; its own small networks pad with zeros instead). The pooled features are
 * tapped as `features`, `[N, widths.at(-1)]`.
 *
 * @throws RobustError `RJS_ARCHITECTURE` for sizes that no network can have.
 */
export function resnet(options: ResnetOptions): Architecture {
  const { inputShape, classes, blocks = 1, widths = [16, 32, 64], preActivation = false } = options;
  checkSizes({ inputShape, classes, widths, blocks });
  const axes = inputShape.length - 1;
  const first = widths[0]!;
  const last = widths.at(-1)!;
  return <T>(kit: Kit<T>): Layer<T> => {
    const place = (path: string, role: Site['role'], stage: number, channels: number): Site => ({ path, role, stage, block: 0, index: 0, channels });
    const stem = [
      kit.conv(place('stem/conv', 'stem', 0, first), { inputChannels: inputShape.at(-1)!, kernel: Array<number>(axes).fill(3) }),
      ...(preActivation ? [] : normAct(kit, place('stem/norm', 'stem', 0, first))),
    ];
    const body = widths.flatMap((channels, stage) =>
      Array.from({ length: blocks }, (_, block) => {
        const inputChannels = block > 0 ? channels : widths[Math.max(0, stage - 1)]!;
        const shape: BlockShape = { axes, inputChannels, channels, stride: stage > 0 && block === 0 ? 2 : 1 };
        return (preActivation ? preActivationBlock : postActivationBlock)(kit, stage, block, shape);
      }),
    );
    const pooled = place('head/pool', 'head', widths.length, last);
    return sequential(
      ...stem,
      ...body,
      ...(preActivation ? normAct(kit, place('head/norm', 'head', widths.length, last)) : []),
      tap('features', kit.pool(pooled, { kind: 'global-average', window: Array<number>(axes).fill(1) })),
      kit.dense(place('head/dense', 'head', widths.length, classes), { inputChannels: last }),
    );
  };
}

interface BlockShape {
  readonly axes: number;
  readonly inputChannels: number;
  readonly channels: number;
  readonly stride: number;
}

const normAct = <T>(kit: Kit<T>, site: Site): Layer<T>[] => [kit.norm(site), kit.act({ ...site, path: `${site.path}-act` })];

/** conv, norm, ReLU, conv, norm; join; ReLU. */
function postActivationBlock<T>(kit: Kit<T>, stage: number, block: number, shape: BlockShape): Layer<T> {
  const { site, convAt, changes } = sitesOf(kit, stage, block, shape);
  const shortcut = changes
    ? sequential(convAt('shortcut', 0, 1, shape.stride), kit.norm(site('shortcut-norm', 'shortcut', 0)))
    : identity<T>();
  const body = sequential(
    convAt('block', 0, 3, shape.stride),
    ...normAct(kit, site('norm0', 'block', 0)),
    convAt('block', 1, 3, 1),
    kit.norm(site('norm1', 'block', 1)),
  );
  return sequential(residual(shortcut, body, kit.join(site('join', 'block', 0))), kit.act(site('act', 'block', 1)));
}

/** norm, ReLU, conv, norm, ReLU, conv; join. A shortcut that changes shape starts after the first ReLU. */
function preActivationBlock<T>(kit: Kit<T>, stage: number, block: number, shape: BlockShape): Layer<T> {
  const { site, convAt, changes } = sitesOf(kit, stage, block, shape);
  const entry = normAct(kit, { ...site('norm0', 'block', 0), channels: shape.inputChannels });
  const body = [
    convAt('block', 0, 3, shape.stride),
    ...normAct(kit, site('norm1', 'block', 1)),
    convAt('block', 1, 3, 1),
  ];
  const join = kit.join(site('join', 'block', 0));
  return changes
    ? sequential(...entry, residual(convAt('shortcut', 0, 1, shape.stride), sequential(...body), join))
    : residual(identity<T>(), sequential(...entry, ...body), join);
}

function sitesOf<T>(kit: Kit<T>, stage: number, block: number, { axes, inputChannels, channels, stride }: BlockShape) {
  const site = (name: string, role: Site['role'], index: number): Site => ({
    path: `stage${stage}/block${block}/${name}`, role, stage, block, index, channels,
  });
  const convAt = (role: 'block' | 'shortcut', index: number, size: number, strideHere: number): Layer<T> =>
    kit.conv(site(role === 'block' ? `conv${index}` : 'shortcut', role, index), {
      inputChannels: role === 'block' && index === 1 ? channels : inputChannels,
      kernel: Array<number>(axes).fill(size),
      stride: strideHere,
    });
  return { site, convAt, changes: stride !== 1 || inputChannels !== channels };
}
