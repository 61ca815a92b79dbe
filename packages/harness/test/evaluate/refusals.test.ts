import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Entry, entryFromJson, refusalsOf } from '../../src/evaluate/index.ts';

const results = new URL('../../../../benchmarks/results/image-classification/', import.meta.url);
const published = readdirSync(results).filter((name) => name.endsWith('.json') && name !== 'timing.json');
const entryOf = (name: string): Entry => entryFromJson(readFileSync(new URL(name, results), 'utf8'));
const last = ({ evaluations }: Entry): Entry['evaluations'][number] => evaluations.at(-1)!;
const check = ({ sanity }: Entry, id: string): Entry['sanity'][number] => sanity.find((one) => one.id === id)!;

describe('refusalsOf', () => {
  it.each(published)('lets %s pass, which is published', (name) => {
    expect(refusalsOf(entryOf(name))).toEqual([]);
  });

  // One change each to a record that passes; section 7.3 of the evaluation protocol.
  it.each<[rule: string, says: RegExp, change: (entry: Entry) => unknown]>([
    ['threat-model', /nothing was attacked/, (entry) => (entry.evaluations = [])],
    ['threat-model', /Linf 0/, (entry) => (last(entry).threat.eps = 0)],
    ['threat-model', /unknown/, (entry) => (last(entry).threat.type = 'unknown')],
    ['units', /\[0, 255\]/, (entry) => (last(entry).threat.box = [0, 255])],
    ['weights', /cannot be seen/, (entry) => (entry.model.weightsSha256 = null)],
    ['small-sample', /499 examples/, (entry) => Object.assign(last(entry).robust, { n: 499, correct: 400 })],
    ['filtered-test-set', /all of 1000 images/, (entry) => Object.assign(entry, { dataset: { ...entry.dataset, id: 'custom' }, clean: { ...entry.clean, correct: 1000 } })],
    ['robust-above-clean', /401 of 500 robust at 0.2, but 400 of 1000/, (entry) => {
      Object.assign(entry, { clean: { ...entry.clean, correct: 400 }, evaluations: [last(entry)] });
      Object.assign(last(entry).robust, { n: 500, correct: 401 });
    }],
    ['checks', /S07 failed/, (entry) => (check(entry, 'S07').status = 'fail')],
    ['checks', /S20 failed/, (entry) => (check(entry, 'S20').status = 'fail')],
    ['checks', /without the checks S23/, (entry) => (entry.sanity = entry.sanity.filter(({ id }) => id !== 'S23'))],
    ['checks', /S30: it optimizes/, (entry) => (entry.refused = 'S30: it optimizes')],
    ['randomness', /passes that differ/, (entry) => (entry.model.stochastic = true)],
    ['test-time-optimization', /optimizes/, (entry) => (entry.model.testTimeOptimization = true)],
    ['undeclared', /extra data nor forward passes/, (entry) => (entry.method.id = 'unknown')],
    ['no-iterative-attack', /several steps/, (entry) => entry.flags.push('no-iterative-attack')],
  ])('refuses by %s: %s', (rule, says, change) => {
    const entry = entryOf('pgd-at.json');
    change(entry);
    expect(refusalsOf(entry)).toEqual([{ rule, says: expect.stringMatching(says) as string }]);
  });

  it('takes a model that draws and is evaluated as one', () => {
    const entry = entryOf('pgd-at.json');
    entry.model.stochastic = true;
    entry.protocol.randomized = true;
    expect(refusalsOf(entry)).toEqual([]);
  });
});
