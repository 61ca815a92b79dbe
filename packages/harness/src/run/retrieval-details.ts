import type { Timing } from '../report/index.ts';
import type { BranchStatistic, Projection, RetrievalPicture } from '../retrieval/index.ts';
import type { CurvePoint } from '../train/index.ts';
import { decode, encode } from './details.ts';
import { prettyJson, readJson, writeWhole } from './files.ts';

/** What a report shows of an arm of the track `metric-learning` besides its entry. */
export interface RetrievalDetails {
  readonly timing: Timing;
  readonly curves: readonly CurvePoint[];
  readonly pictures: readonly RetrievalPicture[];
  readonly projection: Projection;
  readonly statistics: readonly BranchStatistic[];
  /** The epoch whose weights were kept, where validation chose it. */
  readonly chosenEpoch?: number;
  readonly classNames?: readonly string[] | undefined;
}

/** Writes the details of an arm; pixels as base64 of little-endian floats. */
export async function storeRetrievalDetails(path: string, details: RetrievalDetails): Promise<void> {
  await writeWhole(path, prettyJson(pixelsThrough(details, (pixels) => encode(pixels as Float32Array))));
}

/** Reads what {@link storeRetrievalDetails} wrote; undefined where nothing was written. */
export async function readRetrievalDetails(path: string): Promise<RetrievalDetails | undefined> {
  const value = (await readJson(path)) as RetrievalDetails | undefined;
  return value === undefined ? undefined : (pixelsThrough(value, (pixels) => decode(pixels as string)) as RetrievalDetails);
}

function pixelsThrough({ pictures, ...rest }: RetrievalDetails, turn: (pixels: unknown) => unknown): unknown {
  const neighbors = (list: RetrievalPicture['before']): unknown[] => list.map((one) => ({ ...one, pixels: turn(one.pixels) }));
  return {
    ...rest,
    pictures: pictures.map((picture) => ({
      ...picture, clean: turn(picture.clean), adversarial: turn(picture.adversarial), before: neighbors(picture.before), after: neighbors(picture.after),
    })),
  };
}
