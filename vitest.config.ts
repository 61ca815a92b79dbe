import { existsSync, readdirSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

// Tests run on the sources: the private condition resolves every @robustjs package to its src/index.ts.
const conditions = ['@robustjs/source', 'node', 'import', 'default'];

const folders = ['packages', 'plugins'].flatMap((parent) =>
  readdirSync(new URL(parent, import.meta.url)).map((name) => `${parent}/${name}`),
);

export default defineConfig({
  test: {
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 180_000,
    hookTimeout: 120_000,
    projects: folders
      .filter((folder) => existsSync(new URL(`${folder}/test`, import.meta.url)))
      .map((folder) => ({
        resolve: { conditions },
        ssr: { resolve: { conditions } },
        extends: true,
        test: {
          name: folder.split('/')[1],
          root: folder,
          include: ['test/**/*.test.ts'],
        },
      })),
  },
});
