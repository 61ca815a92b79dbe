import { add, clone, concat, engine, type GradConfig, mean as meanOf, mul, registerGradient, reshape, rsqrt, square, sub, type Tensor, zerosLike } from '@tensorflow/tfjs-core';
import type { BatchNormRowsAttrs } from '../native/batch-norm.ts';
import { fixedGradient, fixedSecond, letThrough } from './batch-norm-fixed.ts';
import { channelSegments, leading, rowSegments } from './row-segments.ts';

/** Gradients of the kernels in native/batch-norm.ts, of both orders. */
export function registerBatchNormGradients(): void {
  for (const config of [first, second, fixedGradient, fixedSecond]) registerGradient(config);
}

const first: GradConfig = {
  kernelName: 'BatchNormRows',
  inputsToSave: ['x', 'scale', 'offset'],
  outputsToSave: [true, true, true],
  gradFunc: (dys, saved, attrs) => {
    const [x, scale, offset, y, mean, variance] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const [dy, dMean, dVariance] = dys as [Tensor, Tensor, Tensor];
    const inputs = { dy, dMean, dVariance, x, scale, offset, mean, variance, y };
    const [dx, dScale, dOffset, dPlus] = engine().runKernel<Tensor[]>('BatchNormRowsGrad', inputs, attrs) as [Tensor, Tensor, Tensor, Tensor?];
    return { x: () => dx, scale: () => dScale, offset: () => dOffset, plus: () => dPlus ?? clone(dy) };
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
 * What dmean and dvariance add to dx, dmean / n + 2 dvariance (x - mean) / n, gives
 *
 *   to dmean      M(a)
 *   to dvariance  2 M(a (x - mean))
 *   to x          2 dvariance (a - M(a)) / n
 *
 * The statistics are functions of x here, so nothing flows to them as inputs. Where the output is rectified, dy above is what its
 * sign lets through, and so is what flows to dy.
 */
const second: GradConfig = {
  kernelName: 'BatchNormRowsGrad',
  inputsToSave: ['dy', 'dVariance', 'x', 'scale', 'offset', 'mean', 'variance', 'y'],
  gradFunc: (seconds, saved, attrs) => {
    const [dy, dVariance, x, scale, offset, mean, variance, y] = saved as [Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor, Tensor];
    const [a, b, c, d] = seconds as unknown as [Tensor, Tensor, Tensor, Tensor?];
    const { counts, epsilon, relu } = attrs as unknown as BatchNormRowsAttrs;
    const through = (v: Tensor): Tensor => (relu ? letThrough(v, y) : v);
    const [slopes, xs, as] = [through(dy), x, a].map((v) => rowSegments(v, counts)) as [Tensor[], Tensor[], Tensor[]];
    const [scales, bs, cs, vs] = [scale, b, c, dVariance].map((v) => channelSegments(v, counts)) as [Tensor[], Tensor[], Tensor[], Tensor[]];
    const parts = counts.map((_, s) => segment({ dy: slopes[s]!, x: xs[s]!, scale: scales[s]!, a: as[s]!, b: bs[s]!, c: cs[s]!, v: vs[s]! }, epsilon));
    const joined = (name: keyof SegmentGradients): Tensor => concat(parts.map((part) => part[name]));
    return {
      dy: () => through(d === undefined ? joined('dy') : add(joined('dy'), d)),
      dMean: () => overRows(as, mean),
      dVariance: () => mul(overRows(as.map((part, s) => mul(part, sub(xs[s]!, meanOf(xs[s]!, leading(xs[s]!))))), variance), 2),
      x: () => joined('x'),
      scale: () => reshape(joined('scale'), scale.shape),
      offset: () => zerosLike(offset),
      mean: () => zerosLike(mean),
      variance: () => zerosLike(variance),
      y: () => zerosLike(y),
    };
  },
};

/** Means over the rows of each segment. */
const overRows = (parts: readonly Tensor[], like: Tensor): Tensor => reshape(concat(parts.map((part) => meanOf(part, leading(part)))), like.shape);

interface SegmentGradients {
  readonly dy: Tensor;
  readonly x: Tensor;
  readonly scale: Tensor;
}

type Segment = Readonly<Record<'dy' | 'x' | 'scale' | 'a' | 'b' | 'c' | 'v', Tensor>>;

function segment({ dy, x, scale, a, b, c, v }: Segment, epsilon: number): SegmentGradients {
  const axes = leading(x);
  const over = (values: Tensor): Tensor => meanOf(values, axes);
  const centered = sub(x, over(x));
  const r = rsqrt(add(over(square(centered)), epsilon));
  const xh = mul(centered, r);
  const projected = (values: Tensor): Tensor => sub(sub(values, over(values)), mul(xh, over(mul(values, xh))));
  const [pa, pdy] = [projected(a), projected(dy)];
  const [p, q, k] = [over(mul(a, xh)), over(mul(dy, xh)), over(mul(a, pdy))];
  const bent = add(add(mul(pa, q), mul(pdy, p)), mul(xh, k));
  const count = x.size / x.shape.at(-1)!;
  return {
    dy: add(add(mul(pa, mul(scale, r)), mul(xh, b)), c),
    x: add(sub(mul(pdy, mul(b, r)), mul(bent, mul(scale, square(r)))), mul(sub(a, over(a)), mul(v, 2 / Math.max(1, count)))),
    scale: mul(mul(k, r), count),
  };
}
