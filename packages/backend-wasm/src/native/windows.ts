import type { ConvAxis, ConvGeometry } from '../kernels/conv-geometry.ts';
import { imagesAtOnce, imageFloats, type PaddedShape, paddedWidth } from './images.ts';
import { remembered } from '../kernels/remembered.ts';

/** The input of a convolution padded so that every window lies inside. */
export function forwardShape({ rows, columns, inChannels }: ConvGeometry): PaddedShape {
  const after = ({ input: size, output, kernel, stride, before }: ConvAxis): number =>
    Math.max(0, (output - 1) * stride + kernel - before - size);
  return {
    height: rows.input, width: columns.input, channels: inChannels,
    top: Math.max(0, rows.before), bottom: after(rows), left: Math.max(0, columns.before), right: after(columns),
  };
}

/**
 * Inputs in front of the first window: TF.js gives 3-D 'same' windows that are smaller than their stride less than no padding, where
 * that is an odd number.
 */
export const skipped = ({ before }: ConvAxis): number => Math.max(0, -before);

/** A block of padded images: how many, output pixels of one, and byte offsets of all windows and of their pixels in the result. */
interface Windows {
  readonly shape: PaddedShape;
  readonly atOnce: number;
  readonly pixels: number;
  readonly sources: Uint32Array;
  readonly targets: Uint32Array;
}

/** The windows of a convolution, of whatever batch. */
export const windows: (geometry: ConvGeometry) => Windows = remembered((geometry) => {
  const { rows, columns, inChannels, outChannels } = geometry;
  const shape = forwardShape(geometry);
  const pixels = rows.output * columns.output;
  const atOnce = imagesAtOnce(shape, pixels);
  const sources = new Uint32Array(atOnce * pixels);
  for (let i = 0, n = 0; n < atOnce; n++)
    for (let h = 0; h < rows.output; h++)
      for (let w = 0; w < columns.output; w++, i++)
        sources[i] = 4 * (n * imageFloats(shape) + ((skipped(rows) + h * rows.stride) * paddedWidth(shape) + skipped(columns) + w * columns.stride) * inChannels);
  return { shape, atOnce, pixels, sources, targets: sources.map((_, i) => i * outChannels * 4) };
}, ({ key }) => key);
