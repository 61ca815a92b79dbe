// docs/reference-comparison.md stands for attacks as they are now: every record of the references has been run by ours on all images, with the
// configuration that the cases ask for today, and none is weaker. What was broken was checked when it was run.
import { readdirSync, readFileSync } from 'node:fs';
import type { Attack } from '@robustjs/core';
import { describe, expect, it } from 'vitest';
import { type ReferenceRecord, referenceNetworks, useWasm } from '../src/index.ts';

useWasm();

interface Case {
  readonly library: string;
  readonly attack: string;
  readonly ours: (params: ReferenceRecord['params'], record: ReferenceRecord) => Attack;
}

interface Stored {
  readonly images: number;
  readonly ours?: { readonly id: string; readonly config: unknown };
}

const folder = new URL('../../../benchmarks/reference/', import.meta.url);
const stored = JSON.parse(readFileSync(new URL('../results/reference/comparison.json', folder), 'utf8')) as { results: Record<string, Stored> };
const files = readdirSync(new URL('cases/', folder)).filter((name) => name.endsWith('.mjs'));
const cases = async (): Promise<Case[]> => {
  const modules = await Promise.all(files.map((name) => import(new URL(`cases/${name}`, folder).href) as Promise<{ cases: Case[] }>));
  return modules.flatMap((module) => module.cases);
};
interface Page {
  readonly verdict: (result: unknown) => string;
  readonly page: (results: unknown[]) => string;
}

const pages = (): Promise<Page> => import(new URL('page.mjs', folder).href) as Promise<Page>;

describe('the comparison with public libraries', () => {
  it('has no result that is weaker, and its page is made of it', async () => {
    const { verdict, page } = await pages();
    const results = Object.values(stored.results);
    expect(results.filter((result) => !['equal', 'stronger'].includes(verdict(result)))).toEqual([]);
    expect(page(results)).toBe(readFileSync(new URL('../../docs/reference-comparison.md', folder), 'utf8'));
  });

  for (const network of referenceNetworks()) {
    it.skipIf(!network.present)(`has every record of the ${network.name} network, run as its case asks for`, async () => {
      const [all, reference] = [await cases(), await network.load(1)];
      for (const record of reference.records) {
        const key = [network.name, record.library, record.attack, JSON.stringify(record.params)].join(' ');
        const found = all.find(({ library, attack }) => library === record.library && attack === record.attack);
        expect(found, key).toBeDefined();
        const { id, config } = found!.ours(record.params, record);
        expect(stored.results[key], key).toMatchObject({ images: 200, ours: JSON.parse(JSON.stringify({ id, config })) as object });
      }
      reference.dispose();
    });
  }
});
