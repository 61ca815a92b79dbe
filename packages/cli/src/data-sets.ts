import { RobustError } from '@robustjs/core';
import { DATASET_IDS, type DatasetId, openDataset } from '@robustjs/datasets';

/** Whether a data set is here, and if not how to get it. */
export interface DataSetState {
  readonly id: string;
  readonly state: 'here' | 'missing' | 'yours' | 'broken';
  /** Size and source, or what is wrong. */
  readonly about: string;
  readonly fix?: string;
}

const YOURS: readonly string[] = ['image-folder', 'npy'];

const HOW_TO_GET: Readonly<Record<string, string>> = {
  'mnist-full': 'it is downloaded on first use, or put the four IDX files into a folder and pass it as --data-dir',
  'fashion-mnist': 'it is downloaded on first use; on Debian and Ubuntu: apt-get install dataset-fashion-mnist',
  cifar10: 'it is downloaded on first use (170 MB), or pass the folder of cifar-10-binary.tar.gz as --data-dir',
  omniglot: 'it is downloaded on first use, or pass the folder of images_background_small1.zip and images_background_small2.zip as --data-dir',
  'cifar10-jpeg': 'put cifar10-jpeg.tar.gz into a folder cifar10-jpeg and set ROBUSTJS_DATA to the folder above it',
};

/** The data sets known, with what can be said without downloading. */
export function dataSetStates(): Promise<DataSetState[]> {
  return Promise.all(DATASET_IDS.map(stateOf));
}

async function stateOf(id: DatasetId): Promise<DataSetState> {
  if (YOURS.includes(id)) return { id, state: 'yours', about: 'your own files', fix: `pass --data ${id} --data-dir DIR` };
  try {
    const { train, validation, test } = await openDataset({ id, download: false });
    const about = `${train.size} training, ${validation.size} validation, ${test.size} test examples of ${test.inputShape.join(' x ')}, ${test.classes} classes`;
    return { id, state: 'here', about };
  } catch (error) {
    if (!(error instanceof RobustError)) throw error;
    const missing = error.code === 'RJS_DATA_MISSING';
    return { id, state: missing ? 'missing' : 'broken', about: error.message, fix: HOW_TO_GET[id] ?? 'install robustjs again' };
  }
}
