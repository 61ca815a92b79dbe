import { imagePixels } from '../report/png.ts';

/**
 * An image as a PNG file with 8 bits a value.
 *
 * @param values `height * width * channels` values, channels last; values outside the bounds are cut off.
 * @param shape `[height, width, channels]`; of two channels, or of more than three, only the first is shown.
 * @param bounds what black and white are.
 */
export async function encodePng(values: Float32Array, shape: readonly number[], bounds: readonly [low: number, high: number]): Promise<Uint8Array> {
  const { encode } = await import('fast-png');
  return Uint8Array.from(encode({ ...imagePixels(values, shape, bounds), depth: 8 }));
}
