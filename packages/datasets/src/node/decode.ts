import { RobustError } from '@robustjs/core';
import type sharp from 'sharp';
import { brokenFile } from '../errors.ts';

/** The part of sharp that is used. */
type Sharp = typeof sharp;

/** Height, width, channels. */
export type ImageShape = readonly [height: number, width: number, channels: 1 | 3];

// Beyond this a header is taken for damaged rather than decoded.
const MAX_PIXELS = 2 ** 26;

/**
 * The image decoder, an optional peer dependency.
 *
 * @param name package to load.
 * @throws RobustError `RJS_DATA_DECODER` when it is not installed.
 */
export async function loadDecoder(name: string = 'sharp'): Promise<Sharp> {
  try {
    return ((await import(name)) as { default: Sharp }).default;
  } catch (cause) {
    throw new RobustError('RJS_DATA_DECODER', {
      expected: `the package ${name}, which decodes JPEG and PNG`,
      got: cause instanceof Error ? cause.message : String(cause),
      fix: `npm install ${name}`,
      cause,
    });
  }
}

/**
 * The shape an image has by itself: grey images have one channel, all others three.
 *
 * @throws RobustError `RJS_DATA_FORMAT` when it is no JPEG or PNG.
 */
export async function imageShape(sharp: Sharp, bytes: Uint8Array, file: string): Promise<ImageShape> {
  checkMagic(bytes, file);
  try {
    const { height, width, space } = await sharp(bytes, { limitInputPixels: MAX_PIXELS }).metadata();
    return [height, width, space === 'b-w' || space === 'grey16' ? 1 : 3];
  } catch (cause) {
    throw notDecoded(bytes, file, cause);
  }
}

/**
 * The pixels of an image as bytes, row after row, channels last; transparency is dropped, not blended.
 *
 * @param resize false: the image must have this height and width.
 * @throws RobustError `RJS_DATA_FORMAT` when it cannot be decoded, `RJS_DATA_MISMATCH` when it has another size.
 */
export async function decodeImage(sharp: Sharp, bytes: Uint8Array, file: string, shape: ImageShape, resize: boolean): Promise<Uint8Array> {
  checkMagic(bytes, file);
  const [height, width, channels] = shape;
  let image = sharp(bytes, { limitInputPixels: MAX_PIXELS }).removeAlpha().toColourspace(channels === 1 ? 'b-w' : 'srgb');
  if (resize) image = image.resize({ width, height, fit: 'fill', kernel: 'cubic' });
  const { data, info } = await image.raw({ depth: 'uchar' }).toBuffer({ resolveWithObject: true }).catch((cause: unknown) => {
    throw notDecoded(bytes, file, cause);
  });
  if (info.height !== height || info.width !== width || info.channels !== channels) {
    throw new RobustError('RJS_DATA_MISMATCH', {
      expected: `an image of ${height} x ${width} x ${channels}`,
      got: `${info.height} x ${info.width} x ${info.channels} in ${file}`,
      fix: 'scale the images to one size, or ask for it with resize: true',
    });
  }
  return data;
}

// The decoder knows many more formats; data sets have no use for them, and each is a way in.
function checkMagic(bytes: Uint8Array, file: string): void {
  const jpeg = bytes[0] === 0xff && bytes[1] === 0xd8 && bytes[2] === 0xff;
  const png = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a].every((byte, i) => bytes[i] === byte);
  if (!jpeg && !png) throw brokenFile(file, 0, 'a JPEG or PNG image', Array.from(bytes.subarray(0, 4), String).join(' ') || 'the end');
}

function notDecoded(bytes: Uint8Array, file: string, cause: unknown): RobustError {
  return brokenFile(file, bytes.length, 'a whole image', `${cause instanceof Error ? cause.message : String(cause)} before the end`, cause);
}
