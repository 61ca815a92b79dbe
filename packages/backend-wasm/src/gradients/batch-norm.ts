import {
  add, concat, engine, type GradConfig, mean as meanOf, mul, registerGradient, reshape, rsqrt, slice, square, sub, sum, type Tensor,
  zerosLike,
} from '@tensorflow/tfjs-core';
import type { BatchNormRowsAttrs } from '../native/batch-norm.ts';

/** Gradients of the kernels in native/batch-norm.ts, of both orders. */
export function registerBatchNormGradients(): void {
  for (const config of [channelNorm, first, second]) registerGradient(config);
}

const leading = (x: Tensor): number[] => x.shape.slice(0, -1).map((_, axis) => axis);

const channelNorm: GradConfig = {
  kernelName: 'ChannelNorm',
  inputsToSave: ['x', 'center', 'gain'],
  gradFunc: (gradient, saved) => {
    const [dy, x, center, gain] = [gradient, ...saved] as [Tensor, Tensor, Tensor, Tensor];
    return {
      x: (): Tensor => mul(dy, gain),
      center: (): Tensor => mul(sum(dy, leading(dy)), mul(gain, -1)),
      gain: (): Tensor => sum(mul(dy, sub(x, center)), leading(dy)),
      offset: (): Tensor => sum(dy, leading(dy)),
    };
  },
};

const first: GradConfig = {
  kernelName: 'BatchNormRows',
  inputsToSave: ['x', 'scale'],
  outputsToSave: [false, true, true],
  // Nothing is differentiated through the statistics that come out beside y.
  gradFunc: (dys, saved, attrs) => {
    const [x, scale, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor];
    const inputs = { dy: (dys as Tensor[])[0]!, x, scale, mean, variance };
    const [dx, dScale, dOffset] = engine().runKernel<Tensor[]>('BatchNormRowsGrad', inputs, attrs) as [Tensor, Tensor, Tensor];
    return { x: () => dx, scale: () => dScale, offset: () => dOffset };
  },
};

/**
 * Double backprop in ordinary operations. With xh = (x - mean) r, r = 1 / sqrt(variance + epsilon), M the mean over rows and
 * P(v) = v - M(v) - xh M(v xh), which is its own adjoint, the gradient is dx = scale r P(dy), dscale = n M(dy xh),
 * doffset = n M(dy). For an output gradient (a, b, c) of those three, and since M(v dxh) = r M(P(v) dx) for any fixed v:
 *
 *   to dy     scale r P(a) + b xh + c
 *   to scale  n r M(a P(dy))
 *   to x      b r P(dy) - scale r^2 (q P(a) + p P(dy) + k xh)   with p = M(a xh), q = M(dy xh), k = M(a P(dy))
 *
 * The statistics are functions of x here, so nothing flows to them as inputs.
 */
const second: GradConfig = {
  kernelName: 'BatchNormRowsGrad',
  inputsToSave: ['dy', 'x', 'scale', 'mean', 'variance'],
  gradFunc: (seconds, saved, attrs) => {
    const [dy, x, scale, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor];
    const [a, b, c] = seconds as unknown as [Tensor, Tensor, Tensor];
    const { counts, epsilon } = attrs as unknown as BatchNormRowsAttrs;
    let start = 0;
    const parts = counts.map((count, s) => {
      const rows = (from: Tensor): Tensor => slice(from, [start, ...x.shape.slice(1).map(() => 0)], [count, ...x.shape.slice(1)]);
      const line = (from: Tensor): Tensor => reshape(slice(from, [s, 0], [1, from.shape[1]!]), [from.shape[1]!]);
      const part = segment({ dy: rows(dy), x: rows(x), scale: line(scale), a: rows(a), b: line(b), c: line(c) }, epsilon);
      start += count;
      return part;
    });
    const joined = (name: keyof SegmentGradients): Tensor => concat(parts.map((part) => part[name]));
    return {
      dy: () => joined('dy'),
      x: () => joined('x'),
      scale: () => reshape(joined('scale'), scale.shape),
      mean: () => zerosLike(mean),
      variance: () => zerosLike(variance),
    };
  },
};

interface SegmentGradients {
  readonly dy: Tensor;
  readonly x: Tensor;
  readonly scale: Tensor;
}

type Segment = Readonly<Record<'dy' | 'x' | 'scale' | 'a' | 'b' | 'c', Tensor>>;

function segment({ dy, x, scale, a, b, c }: Segment, epsilon: number): SegmentGradients {
  const axes = leading(x);
  const over = (v: Tensor): Tensor => meanOf(v, axes);
  const centered = sub(x, over(x));
  const r = rsqrt(add(over(square(centered)), epsilon));
  const xh = mul(centered, r);
  const projected = (v: Tensor): Tensor => sub(sub(v, over(v)), mul(xh, over(mul(v, xh))));
  const [pa, pdy] = [projected(a), projected(dy)];
  const [p, q, k] = [over(mul(a, xh)), over(mul(dy, xh)), over(mul(a, pdy))];
  const bent = add(add(mul(pa, q), mul(pdy, p)), mul(xh, k));
  return {
    dy: add(add(mul(pa, mul(scale, r)), mul(xh, b)), c),
    x: sub(mul(pdy, mul(b, r)), mul(bent, mul(scale, square(r)))),
    scale: mul(mul(k, r), x.size / x.shape.at(-1)!),
  };
}
