import { createRequire } from 'node:module';
import { join } from 'node:path';
import { getBackend, version_core as tfjs } from '@tensorflow/tfjs-core';

const require = createRequire(import.meta.url);
const versionOf = (path: string): string => (require(path) as { version: string }).version;

/** Versions of the packages that a measurement depends on, ours and others that the caller names. */
export const packageVersions = (plugin: string | undefined, others: Readonly<Record<string, string>> = {}): Record<string, string> => ({
  core: versionOf('@robustjs/core/package.json'),
  attacks: versionOf('@robustjs/attacks/package.json'),
  harness: versionOf('../../package.json'),
  tfjs,
  ...(getBackend() === 'wasm' && { backend: versionOf('@robustjs/backend-wasm/package.json') }),
  ...(plugin !== undefined && { plugin }),
  ...others,
});

/** Version of an installed package, as a folder sees it, else as this package does. */
export function installedVersion(name: string, from: string): string {
  try {
    return (createRequire(join(from, 'index.js'))(`${name}/package.json`) as { version: string }).version;
  } catch {
    return versionOf(`${name}/package.json`);
  }
}
