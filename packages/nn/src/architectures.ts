import type { Architecture } from '@robustjs/core';
import { resnet, type ResnetOptions } from './resnet.ts';
import { smallCnn, type SmallCnnOptions } from './small-cnn.ts';

/** Architectures by the name that recipes use. */
export const architectures: {
  /** See {@link smallCnn}. */
  readonly 'small-cnn': (options: SmallCnnOptions) => Architecture;
  /** See {@link resnet}. */
  readonly resnet: (options: ResnetOptions) => Architecture;
} = { 'small-cnn': smallCnn, resnet };
