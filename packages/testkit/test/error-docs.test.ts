import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';

const ROOT = new URL('../../../', import.meta.url).pathname;

const filesUnder = (folder: string, ending: string): string[] =>
  existsSync(folder)
    ? readdirSync(folder, { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile() && entry.name.endsWith(ending))
        .map((entry) => join(entry.parentPath, entry.name))
    : [];

const packages = ['packages', 'plugins'].flatMap((parent) => readdirSync(join(ROOT, parent)).map((name) => join(ROOT, parent, name)));

/** Every code that some source throws, with a file that does. */
const thrown = new Map(
  packages
    .flatMap((folder) => filesUnder(join(folder, 'src'), '.ts'))
    .flatMap((file) => [...readFileSync(file, 'utf8').matchAll(/['"`](RJS_[A-Z0-9_]+)['"`]/g)].map((match) => [match[1]!, file.slice(ROOT.length)] as const)),
);

/** Every code with a heading, with the page. */
const documented = filesUnder(join(ROOT, 'docs/errors'), '.md').flatMap((file) =>
  [...readFileSync(file, 'utf8').matchAll(/^## (RJS_[A-Z0-9_]+)$/gm)].map((match) => ({ code: match[1]!, file: file.slice(ROOT.length) })),
);

it('every error code that a source throws has a heading in docs/errors', () => {
  const known = new Set(documented.map(({ code }) => code));
  expect([...thrown].filter(([code]) => !known.has(code))).toEqual([]);
  expect(thrown.size).toBeGreaterThan(10);
});

it('no heading in docs/errors is about a code that nothing throws', () => {
  expect(documented.filter(({ code }) => !thrown.has(code))).toEqual([]);
});

it('the index of docs/errors leads to every heading', () => {
  const index = readFileSync(join(ROOT, 'docs/errors/README.md'), 'utf8');
  const missing = documented.filter(({ code, file }) => {
    const anchor = code.toLowerCase();
    return !index.split('\n').some((line) => line.includes(`<a id="${anchor}"></a>`) && line.includes(`(${file.slice('docs/errors/'.length)}#${anchor})`));
  });
  expect(missing).toEqual([]);
});

it('no page has two headings for one code, and each says something', () => {
  const headings = documented.map(({ code, file }) => `${file} ${code}`);
  expect(headings.filter((heading, i) => headings.indexOf(heading) !== i)).toEqual([]);
  for (const file of filesUnder(join(ROOT, 'docs/errors'), '.md')) {
    const sections = readFileSync(file, 'utf8').split(/^## /m).slice(1);
    for (const section of sections) expect(section.split('\n').slice(1).join(' ').trim().length, section.split('\n')[0]).toBeGreaterThan(20);
  }
});
