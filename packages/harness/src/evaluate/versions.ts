import { createRequire } from 'node:module';
import { version_core as tfjs } from '@tensorflow/tfjs-core';

const require = createRequire(import.meta.url);
const versionOf = (path: string): string => (require(path) as { version: string }).version;

/** Versions of the packages that a measurement depends on. */
export const packageVersions = (plugin: string | undefined): Record<string, string> => ({
  core: versionOf('@robustjs/core/package.json'),
  attacks: versionOf('@robustjs/attacks/package.json'),
  harness: versionOf('../../package.json'),
  tfjs,
  ...(plugin !== undefined && { plugin }),
});
