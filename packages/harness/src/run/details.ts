import type { Picture, Timing } from '../report/index.ts';
import type { CurvePoint } from '../train/index.ts';
import { prettyJson, readJson, writeWhole } from './files.ts';

/** What a report shows of an arm besides its entry. */
export interface Details {
  readonly timing: Timing;
  readonly curves: readonly CurvePoint[];
  readonly pictures: readonly Picture[];
  /** Names of the classes, in the order of the labels. */
  readonly classNames?: readonly string[] | undefined;
}

type StoredPicture = Omit<Picture, 'clean' | 'adversarial'> & { readonly clean: string; readonly adversarial: string };

/** Writes the details of an arm; pixels as base64 of little-endian floats. */
export async function storeDetails(path: string, { pictures, ...rest }: Details): Promise<void> {
  const stored = pictures.map((picture): StoredPicture => ({ ...picture, clean: encode(picture.clean), adversarial: encode(picture.adversarial) }));
  await writeWhole(path, prettyJson({ ...rest, pictures: stored }));
}

/** Reads what {@link storeDetails} wrote; undefined where nothing was written. */
export async function readDetails(path: string): Promise<Details | undefined> {
  const value = (await readJson(path)) as (Omit<Details, 'pictures'> & { readonly pictures: readonly StoredPicture[] }) | undefined;
  if (value === undefined) return undefined;
  return { ...value, pictures: value.pictures.map((picture) => ({ ...picture, clean: decode(picture.clean), adversarial: decode(picture.adversarial) })) };
}

/** Floats as base64 of little-endian bytes. */
export const encode = (values: Float32Array): string => Buffer.from(values.buffer, values.byteOffset, values.byteLength).toString('base64');

/** Undoes {@link encode}. */
export const decode = (text: string): Float32Array => new Float32Array(Uint8Array.from(Buffer.from(text, 'base64')).buffer);
