import { startWasm } from '@robustjs/backend-wasm';
import { modelOf } from '@robustjs/core';
import { memoryDataset } from '@robustjs/datasets';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import {
  compareEntries, entryFromJson, entryJsonSchema, evaluateDataset, type Evaluated, examplesFromJsonl, examplesToJsonl, wilson,
} from '../../src/evaluate/index.ts';
import { mcnemarExact, pairedInterval } from '../../src/evaluate/mcnemar.ts';
import { SHAPE, stripes } from './fixtures.ts';

describe('wilson', () => {
  // 412 of 1000: the example of the evaluation protocol. 0 of 10 and 10 of 10: z^2 / (n + z^2) by hand. 1 of 2: symmetric.
  it.each([
    [412, 1000, 0.3819, 0.4428],
    [0, 10, 0, 0.2775],
    [10, 10, 0.7225, 1],
    [1, 2, 0.0945, 0.9055],
    [0, 0, 0, 1],
  ])('%d of %d', (correct, n, low, high) => {
    const [a, b] = wilson(correct, n);
    expect(a).toBeCloseTo(low, 4);
    expect(b).toBeCloseTo(high, 4);
  });
});

describe('mcnemar', () => {
  // By hand: 2 (C(n,0) + … + C(n,k)) / 2^n with n pairs, k the fewer.
  it.each([
    [0, 0, 1],
    [5, 0, 2 / 32],
    [1, 5, (2 * 7) / 64],
    [3, 3, 1],
    [10, 2, (2 * (1 + 12 + 66)) / 4096],
  ])('%d against %d', (b, c, p) => {
    expect(mcnemarExact(b, c)).toBeCloseTo(p, 12);
    expect(mcnemarExact(c, b)).toBeCloseTo(p, 12);
  });

  // 2^-2000 is no double; the normal approximation (|b - c| = 200, sd = sqrt(2000)) gives p = 7.7e-6, about.
  it('does not underflow', () => {
    expect(mcnemarExact(1100, 900)).toBeGreaterThan(7e-6);
    expect(mcnemarExact(1100, 900)).toBeLessThan(9e-6);
  });

  // By hand: b* = 10.5, c* = 2.5, n* = 102: 8 / 102 ± 1.959964 / 102 sqrt(13 - 64 / 102).
  it('has an interval', () => {
    const [low, high] = pairedInterval(10, 2, 100);
    expect(low).toBeCloseTo(0.078431 - 0.067597, 4);
    expect(high).toBeCloseTo(0.078431 + 0.067597, 4);
  });
});

describe('records', () => {
  let first: Evaluated;
  let second: Evaluated;
  const { images, labels } = stripes(60);
  const dataset = memoryDataset({ id: 'stripes', split: 'test', inputShape: SHAPE, classes: 3, images, labels });
  // The brightness of each third of the image; the second model sees a third class where there is none.
  const thirds = (tilt: number) => modelOf((x) => tf.tidy(() => tf.add(tf.mean(tf.reshape(x, [-1, 3, 12]), 2), tf.tensor2d([[0, 0, tilt]]))), { inputShape: SHAPE });
  const options = { eps: [0.02, 0.05], attacks: [{ id: 'fgsm' }], curve: false as const, about: { method: { id: 'm', package: '@x/m', version: '1.2.3', options: { beta: 6 } } } };

  beforeAll(async () => {
    await startWasm();
    first = await evaluateDataset(thirds(0), dataset, options);
    second = await evaluateDataset(thirds(0.2), dataset, options);
  });

  it('survive a file', () => {
    expect(entryFromJson(JSON.stringify(first.entry))).toEqual(first.entry);
    expect(first.entry.method).toEqual(options.about.method);
    expect(first.entry.versions['plugin']).toBe('1.2.3');
    expect(examplesFromJsonl(examplesToJsonl(first.examples))).toEqual(first.examples);
    expect(entryJsonSchema).toMatchObject({ type: 'object', additionalProperties: false });
  });

  it('of another kind are refused, and the field is named', () => {
    const without = ({ clean: _, ...rest }: Evaluated['entry']) => rest;
    const { entry } = first;
    const refused = (text: string, words: RegExp) => expect(() => entryFromJson(text)).toThrow(expect.objectContaining({ code: 'RJS_ENTRY', message: expect.stringMatching(words) as string }));
    refused('{', /does not parse/);
    refused('[]', /a valid entry/);
    refused(JSON.stringify(without(entry)), /at 'clean'/);
    refused(JSON.stringify({ ...entry, clean: { ...entry.clean, n: 3 } }), /correct exceeds n/);
    refused(JSON.stringify({ ...entry, runtime: { ...entry.runtime, seconds: 3 } }), /at 'runtime'/);
    const known = (correct: number, n: number): string => JSON.stringify({ ...entry, evaluations: entry.evaluations.map((one) => ({ ...one, bestKnown: { correct, n, ci95: [0, 1], by: ['S15'] } })) });
    const { correct, n } = entry.evaluations[0]!.robust;
    refused(known(correct, n), /at 'evaluations.0.bestKnown'.*not below robust/);
    refused(known(correct - 1, n - 1), /not below robust/);
    expect(() => examplesFromJsonl('{"id":1}\n')).toThrow(expect.objectContaining({ code: 'RJS_EXAMPLES', message: expect.stringMatching(/line 1/) as string }));
  });

  // Counted here, pair by pair.
  it('are compared pair by pair', () => {
    const [clean, small] = compareEntries(first, second) as [ReturnType<typeof compareEntries>[0], ReturnType<typeof compareEntries>[0]];
    const secondById = new Map(second.examples.map((example) => [example.id, example]));
    const b = first.examples.filter(({ id, clean: is }) => is && !secondById.get(id)!.clean).length;
    const c = first.examples.filter(({ id, clean: is }) => !is && secondById.get(id)!.clean).length;
    expect(b).toBeGreaterThan(0);
    expect(clean).toMatchObject({ eps: null, n: 60, onlyFirst: b, onlySecond: c, difference: (b - c) / 60, pValue: mcnemarExact(b, c) });
    expect(small.eps).toBe(0.02);
    expect(small.difference).toBeCloseTo((first.entry.evaluations[0]!.robust.correct - second.entry.evaluations[0]!.robust.correct) / 60, 12);
    expect(compareEntries(first, first).map(({ pValue, difference }) => [pValue, difference])).toEqual([[1, 0], [1, 0], [1, 0]]);
  });

  it('about other data or norms are not compared', () => {
    const refused = (other: Evaluated) => expect(() => compareEntries(first, other)).toThrow(expect.objectContaining({ code: 'RJS_COMPARE' }));
    refused({ ...second, entry: { ...second.entry, dataset: { ...second.entry.dataset, id: 'mnist' } } });
    refused({ ...second, entry: { ...second.entry, evaluations: second.entry.evaluations.map((one) => ({ ...one, threat: { ...one.threat, type: 'L2' } })) } });
    refused({ ...second, examples: second.examples.map((example) => ({ ...example, id: example.id + 1000 })) });
    refused({ ...second, examples: second.examples.map((example) => ({ ...example, label: example.label + 1 })) });
  });
});
