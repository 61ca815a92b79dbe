import { RobustError } from '@robustjs/core';

/** Which split and class an image belongs to. */
export interface ImagePlace {
  readonly path: string;
  /** Absent where the folder has no splits. */
  readonly split?: 'train' | 'validation' | 'test';
  readonly className: string;
}

const SPLITS: Readonly<Record<string, ImagePlace['split']>> = { train: 'train', val: 'validation', valid: 'validation', validation: 'validation', test: 'test' };

/** Whether a path names an image that is read; hidden files are not. */
export const isImagePath = (path: string): boolean => /\.(jpe?g|png)$/i.test(path) && !path.split('/').some((part) => part.startsWith('.'));

/**
 * Reads splits and classes off paths `CLASS/IMAGE` or `SPLIT/CLASS/IMAGE`; folders that all paths share are passed over.
 *
 * @param paths of images, with slashes.
 * @param folder name for errors.
 * @returns one place a path, in the order of the paths as UTF-16 text.
 * @throws RobustError `RJS_DATA_LAYOUT` for any other layout.
 */
export function imageLayout(paths: readonly string[], folder: string): ImagePlace[] {
  const split = [...paths].sort().map((path) => ({ path, parts: path.split('/') }));
  const first = split[0];
  if (first === undefined) throw badLayout(folder, 'none');
  let skip = 0;
  while (split.every(({ parts }) => parts.length > skip + 2 && parts[skip] === first.parts[skip]) && SPLITS[first.parts[skip]!] === undefined) skip++;
  const places = split.map(({ path, parts }) => placeOf(path, parts.slice(skip), folder));
  const mixed = places.find((place) => (place.split === undefined) !== (places[0]!.split === undefined));
  if (mixed !== undefined) throw badLayout(folder, `${places[0]!.path} and ${mixed.path}`);
  return places;
}

function placeOf(path: string, parts: readonly string[], folder: string): ImagePlace {
  const [first = '', second = ''] = parts;
  if (parts.length === 2) return { path, className: first };
  const split = Object.hasOwn(SPLITS, first) ? SPLITS[first] : undefined;
  if (parts.length === 3 && split !== undefined) return { path, split, className: second };
  throw badLayout(folder, path);
}

function badLayout(folder: string, got: string): RobustError {
  return new RobustError('RJS_DATA_LAYOUT', {
    expected: `images as CLASS/NAME.jpg, or train/CLASS/NAME.jpg with test/ and validation/ beside it, in ${folder}`,
    got,
    fix: 'one folder a class; .jpg, .jpeg and .png are read',
  });
}
