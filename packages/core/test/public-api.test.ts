import { readdirSync, readFileSync } from 'node:fs';
import { expect, it } from 'vitest';
import * as core from '../src/index.ts';

it('exports these values and no others', () => {
  expect(Object.keys(core).sort()).toEqual([
    'MAIN', 'RobustError', 'box', 'checkRoute', 'commitUpdates', 'definePlugin', 'dropUpdates', 'evaluation', 'l1', 'l2', 'linf',
    'mean', 'misclassified', 'mix', 'modelOf', 'one', 'parseEps', 'randomStream', 'rows', 'runAttack', 'targetReached', 'threatModel',
    'throwIfAborted',
  ]);
});

it('exports these types and no others', () => {
  const index = readFileSync(new URL('../src/index.ts', import.meta.url), 'utf8');
  const types = index.split('\n').flatMap((line) => {
    const names = /\{([^}]*)\}/.exec(line)?.[1]?.split(',').map((name) => name.trim()) ?? [];
    return line.startsWith('export type') ? names : names.filter((name) => name.startsWith('type ')).map((name) => name.slice(5));
  });
  expect(types.sort()).toEqual([
    'Architecture', 'Attack', 'AttackPlugin', 'AttackProblem', 'AttackResult', 'Batch', 'Bounds', 'Branch', 'Capability', 'ConvOptions',
    'Criterion', 'Defense', 'DefensePlugin', 'DenseOptions', 'Join', 'Kit', 'Layer', 'LookOptions', 'Loss', 'Metric', 'Model', 'NamedVariable',
    'Objective', 'OptionsSchema', 'Paper', 'Pass', 'PlainLayer', 'Plugin', 'PoolOptions', 'RandomStream', 'Reducer', 'Route', 'Runtime',
    'Search', 'Seen', 'Site', 'ThreatModel', 'TrainingAttack', 'TrainingObjective', 'TrainingTools', 'Update',
  ]);
});

it('is small: at most 1500 lines, and no file above 400', () => {
  const folder = new URL('../src/', import.meta.url);
  const lengths = readdirSync(folder).map((name) => readFileSync(new URL(name, folder), 'utf8').split('\n').length - 1);
  expect(lengths.reduce((sum, length) => sum + length, 0)).toBeLessThanOrEqual(1500);
  expect(Math.max(...lengths)).toBeLessThanOrEqual(400);
});

it('refuses a plugin id that recipes could not write, and freezes the rest', () => {
  const options = { parse: () => ({}), toJSONSchema: () => ({}) };
  const paper = { title: 'T', authors: 'A', venue: 'V', year: 2000, url: 'https://example.org' };
  const attack = { id: 'still', config: {}, objective: () => core.mean as never, search: async () => {} };
  const make = (id: string) => core.definePlugin({ id, kind: 'attack', paper, capabilities: [], options, create: () => attack });
  expect(Object.isFrozen(make('pgd-at2'))).toBe(true);
  for (const id of ['', 'PGD', 'pgd_at', '2pgd', 'pgd-', '-pgd', 'pgd at']) {
    expect(() => make(id), id).toThrow(expect.objectContaining({ code: 'RJS_PLUGIN_ID' }));
  }
});
