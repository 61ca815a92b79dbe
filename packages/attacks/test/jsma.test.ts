import { type AttackResult, randomStream, runAttack, type ThreatModel } from '@robustjs/core';
import { linearModel, type LinearModel, numbersOf, useWasm } from '@robustjs/testkit';
import { dispose, tensor1d, tensor2d } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { jsma, type JsmaOptions, l0 } from '../src/index.ts';
import { bestPair } from '../src/minimum-norm/pairs.ts';

useWasm();

type Vector = readonly number[];

/** Algorithm 3 of the paper: all pairs, one by one. */
function bestOfAllPairs(a: Vector, c: Vector): readonly [number, number] | undefined {
  let [best, most]: [readonly [number, number] | undefined, number] = [undefined, 0];
  for (let p = 0; p < a.length; p++) {
    for (let q = p + 1; q < a.length; q++) {
      const [gain, loss] = [a[p]! + a[q]!, c[p]! + c[q]!];
      if (gain > 0 && loss > 0 && gain * loss > most) [best, most] = [[p, q], gain * loss];
    }
  }
  return best;
}

describe('the best pair', () => {
  it('is that of trying all pairs', () => {
    let none = 0;
    for (let trial = 0; trial < 400; trial++) {
      const random = randomStream(trial);
      const size = 2 + (trial % 12);
      const [a, c] = ['a', 'c'].map((name) => Array.from(random.split(name).normal(size), (z) => z - (trial % 3)));
      // Some values may not be used.
      const blocked = Array.from(random.split('blocked').uniform(size), (u) => u < 0.2);
      const usable = a!.map((value, i) => (blocked[i] ? NaN : value));
      const expected = bestOfAllPairs(usable, c!);
      expect(bestPair(usable, c!)).toEqual(expected);
      if (expected === undefined) none++;
    }
    expect(none).toBeGreaterThan(20);
    expect(none).toBeLessThan(300);
  });

  it('has no better one among equal values', () => {
    const score = (a: Vector, c: Vector, pair: readonly [number, number] | undefined): number => (pair ? (a[pair[0]]! + a[pair[1]]!) * (c[pair[0]]! + c[pair[1]]!) : 0);
    for (let trial = 0; trial < 200; trial++) {
      const whole = (name: string): number[] => Array.from(randomStream(trial).split(name).uniform(8), (u) => Math.floor(u * 5) - 2);
      const [a, c] = [whole('a'), whole('c')];
      expect(score(a, c, bestPair(a, c))).toBe(score(a, c, bestOfAllPairs(a, c)));
    }
  });
});

/** The attack on a linear model in a plain loop, towards one class. */
function inPlainLoop(weights: readonly Vector[], model: LinearModel, clean: Vector, label: number, target: number, pairs: number, theta: number, targeted: boolean): number[] {
  const x = [...clean];
  const a = weights[target]!.map((value) => Math.sign(theta) * value);
  const c = clean.map((_, i) => -Math.sign(theta) * weights.reduce((sum, row, k) => sum + (k === target ? 0 : row[i]!), 0));
  for (let step = 0; step < pairs; step++) {
    const scores = model.logits(x);
    const predicted = scores.indexOf(Math.max(...scores));
    if (targeted ? predicted === target : predicted !== label) break;
    const free = (i: number): boolean => (theta > 0 ? x[i]! < 1 : x[i]! > 0);
    const pair = bestOfAllPairs(a.map((value, i) => (free(i) ? value : NaN)), c);
    for (const i of pair ?? []) x[i] = Math.min(1, Math.max(0, Math.fround(x[i]! + theta)));
  }
  return x;
}

describe('JSMA', () => {
  const [classes, size, rows] = [4, 12, 8];
  const weights = Array.from({ length: classes }, (_, k) => Array.from(randomStream(11).split('w', k).normal(size), Math.fround));
  const inputs = Array.from({ length: rows }, (_, row) => Array.from(randomStream(11).split('x', row).uniform(size)));
  const labels = (model: LinearModel): number[] => inputs.map((x) => model.logits(x).indexOf(Math.max(...model.logits(x))));
  const runnerUp = (model: LinearModel, x: Vector): number => {
    const scores = model.logits(x);
    return scores.indexOf([...scores].sort((a, b) => b - a)[1]!);
  };

  async function attacked(options: JsmaOptions, model: LinearModel, targets?: number[], threat: ThreatModel = l0(Infinity)): Promise<AttackResult & { values_: number[] }> {
    const [x, y] = [tensor2d(inputs), tensor1d(labels(model), 'int32')];
    const goals = targets && tensor1d(targets, 'int32');
    const result = await runAttack(jsma(options), { model, inputs: x, labels: y, ids: inputs.map((_, i) => i), threat, random: randomStream(0), ...(goals && { targets: goals }) });
    const values = await numbersOf(result.adversarial);
    dispose([x, y, result.adversarial, ...(goals ? [goals] : [])]);
    return { ...result, values_: values };
  }

  it.each([[1, 1], [0.5, 1], [-1, 1], [-0.3, 0.5]])('is the paper\'s loop over all pairs: theta %d, gamma %d', async (theta, gamma) => {
    const model = linearModel({ weights });
    const pairs = Math.ceil((gamma * size) / 2);
    const own = labels(model);
    const targets = own.map((label) => (label + 1) % classes);
    const towards = await attacked({ theta, gamma }, model, targets);
    const away = await attacked({ theta, gamma }, model);
    const broken: boolean[] = [];
    inputs.forEach((x, row) => {
      for (const [found, target, targeted] of [[towards, targets[row]!, true], [away, runnerUp(model, x), false]] as const) {
        const expected = inPlainLoop(weights, model, x, own[row]!, target, pairs, theta, targeted);
        const scores = model.logits(expected);
        const predicted = scores.indexOf(Math.max(...scores));
        const success = targeted ? predicted === target : predicted !== own[row];
        expect(found.success[row]).toBe(success);
        broken.push(success);
        // A row that is not broken keeps the attempt with the largest margin, which need not be the last.
        if (!success) continue;
        expect(found.distances[row]).toBe(expected.filter((value, i) => value !== x[i]).length);
        found.values_.slice(row * size, (row + 1) * size).forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 6));
      }
    });
    expect(broken.filter(Boolean).length).toBeGreaterThan(4);
    model.dispose();
  });

  it('changes no more pixels than a budget has, and ends there', async () => {
    const model = linearModel({ weights });
    const free = await attacked({ gamma: 1 }, model);
    for (const eps of [0, 2, 4]) {
      const { success, distances, gradientCalls } = await attacked({ gamma: 1 }, model, undefined, l0(eps));
      expect(success).toEqual(free.distances.length ? [...free.distances].map((distance, i) => free.success[i]! && distance <= eps) : []);
      distances.forEach((distance) => expect(distance).toBeLessThanOrEqual(eps));
      expect(Math.max(...gradientCalls)).toBeLessThanOrEqual(eps);
    }
    model.dispose();
  });

  it('finds no more distant input with more classes to go to', async () => {
    const model = linearModel({ weights });
    const [one, all] = [await attacked({ gamma: 1 }, model), await attacked({ gamma: 1, classes: 9 }, model)];
    const length = (found: AttackResult, i: number): number => (found.success[i] ? found.distances[i]! : Infinity);
    inputs.forEach((_, i) => expect(length(all, i)).toBeLessThanOrEqual(length(one, i)));
    // Three other classes, two slopes for each of six pairs.
    expect(Math.max(...one.gradientCalls)).toBe(12);
    expect(Math.max(...all.gradientCalls)).toBe(36);
    model.dispose();
  });

  it('goes by probabilities too, where logits alone decide nothing else: two classes', async () => {
    const model = linearModel({ weights: weights.slice(0, 2) });
    const [logits, probabilities] = [await attacked({ gamma: 1 }, model), await attacked({ gamma: 1, saliency: 'probabilities' }, model)];
    expect(probabilities.success.filter(Boolean).length).toBeGreaterThan(0);
    // With two classes the slope of a probability is that of z_t - z_y: its pairs are the two largest, which need fewest values.
    inputs.forEach((_, i) => logits.success[i] && expect(probabilities.distances[i]).toBeLessThanOrEqual(logits.distances[i]!));
    model.dispose();
  });
});
