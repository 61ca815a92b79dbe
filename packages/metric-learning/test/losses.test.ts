// Values of the libraries' own code on small batches of unit vectors in the plane, and laws that the losses obey.
import { randomStream } from '@robustjs/core';
import { useWasm } from '@robustjs/testkit';
import { dispose, grad, grads, matMul, type Scalar, scalar, sub, sum, type Tensor, tensor1d, tensor2d, type Tensor2D, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import {
  arcFace, contrastive, cosFace, type EmbeddingLoss, margin, mdpropPresets, multiSimilarity, normalized, normalizedSoftmax, pmlPresets, proxyAnchor, proxyNca, rothPresets, s2sd,
  selfDistillation, similarityDivergence, triplet, type Triplets,
} from '../src/index.ts';
import { anchorTerms, hardPairs } from '../src/losses/multi-similarity.ts';
import { negativePairs, positivePairs } from '../src/masks.ts';
import { A, B, type Batch, D, E, proxies, PROXIES, tensors, triplets, unitRows } from './batches.ts';

useWasm();

/** Value of a loss on a batch, class vectors at these angles where it has any. */
async function value(loss: EmbeddingLoss, batch: Batch, more: { triplets?: Triplets; vectors?: readonly number[] } = {}): Promise<number> {
  const { embeddings, labels } = tensors(batch);
  const vectors = proxies(more.vectors ?? PROXIES);
  const result = loss.compute({ embeddings, labels, parameters: [vectors], ...(more.triplets && { triplets: more.triplets }) });
  const [number] = await result.data();
  dispose([embeddings, labels, vectors, result]);
  return number!;
}

const DEGREE = Math.PI / 180;
const FIXED = triplets([[0, 1, 2], [1, 0, 2], [2, 3, 1], [3, 2, 4], [4, 5, 3], [5, 4, 3]]);
const mean = 'mean' as const;

const golden: [name: string, loss: EmbeddingLoss, expected: number, more?: { triplets?: Triplets }][] = [
  ['contrastive, mean of positive terms', contrastive(), 1.881403731],
  ['contrastive, mean', contrastive({ averaging: mean }), 1.5853819845],
  ['contrastive, fixed triplets, mean', contrastive({ averaging: mean }), 1.8983007871, { triplets: FIXED }],
  ['triplet 0.05', triplet(), 0.6390934007],
  ['triplet 0.2, mean', triplet({ margin: 0.2, averaging: mean }), 0.5010648328],
  ['triplet 0.05, swap', triplet({ swap: true }), 0.8074918636],
  ['triplet 0.05, smooth', triplet({ smooth: true }), 0.8654693157],
  ['triplet squared 0.2, mean', triplet({ margin: 0.2, squared: true, averaging: mean }), 0.9376949583],
  ['triplet squared 0.2, fixed triplets, mean', triplet({ margin: 0.2, squared: true, averaging: mean }), 1.6674367790, { triplets: FIXED }],
  ['margin 0.2, beta 1.2', margin(), 0.5235879897],
  ['multi-similarity 50', multiSimilarity(), 1.0742579492],
  ['multi-similarity 40', multiSimilarity({ beta: 40 }), 1.0742759812],
  ['multi-similarity 40, mined', multiSimilarity({ beta: 40, mining: 0.1 }), 1.0742759812],
  ['proxy-anchor', proxyAnchor(), 27.6777870973],
  ['proxy-NCA', proxyNca(), 0.7920282548],
  ['proxy-NCA 9', proxyNca({ scale: 9 }), 4.2998047382],
  ['proxy-NCA, own class not in the sum', proxyNca({ scale: 9, ownInSum: false }), -4.4719422096],
  ['ArcFace 28.6 degrees, 64', arcFace({ margin: 28.6 * DEGREE, scale: 64 }), 29.8691829683],
  ['ArcFace 0.5, 16', arcFace(), 7.4829803685],
  ['ArcFace 0.5, 16, clamped', arcFace({ variant: 'clamp' }), 7.4967393753],
  ['ArcFace without margin', arcFace({ margin: 0 }), 3.8260318318],
  // The margin of MDProp's released code has no effect: only the clamp tells it from no margin at all.
  ['ArcFace, inert', arcFace({ variant: 'inert' }), 3.8260447818],
  ['ArcFace 1.0, inert', arcFace({ margin: 1, variant: 'inert' }), 3.8260447818],
  ['CosFace', cosFace(), 26.467024735],
  ['normalized softmax', normalizedSoftmax(), 4.7747630855],
];

describe('golden values', () => {
  it.each(golden)('%s', async (_name, loss, expected, more) => {
    expect(Math.abs((await value(loss, A, more)) / expected - 1)).toBeLessThan(2e-5);
  });

  it('multi-similarity prunes, halves and skips', async () => {
    expect(await value(multiSimilarity({ beta: 40 }), B)).toBeCloseTo(0.9201789817, 5);
    expect(await value(multiSimilarity({ beta: 40, mining: 0.1, incomplete: 'skip' }), B)).toBeCloseTo(0.88792861, 5);
    // Anchors 0 and 1 keep no pair: they count as zero, or not at all.
    expect(await value(multiSimilarity({ beta: 40, mining: 0.1 }), E)).toBeCloseTo(0.4395383956, 5);
    expect(await value(multiSimilarity({ beta: 40, mining: 0.1, incomplete: 'skip' }), E)).toBeCloseTo(0.6593075933, 5);
  });

  it('multi-similarity of MDProp: four vectors at angles in radians', async () => {
    const degrees = [0, 0.5, 1.2, 1.5].map((angle) => angle / DEGREE);
    expect(await value(rothPresets['multi-similarity']!(), { degrees, labels: [0, 1, 0, 1] })).toBeCloseTo(0.790003, 5);
    expect(await value(rothPresets['multi-similarity']!(), { degrees, labels: [0, 0, 1, 1] })).toBe(0);
  });

  it('multi-similarity of MDProp, anchor by anchor', async () => {
    const { embeddings, labels } = tensors({ degrees: [0, 0.5, 1.2, 1.5].map((angle) => angle / DEGREE), labels: [0, 1, 0, 1] });
    const each = tidy(() => {
      const S = matMul<Tensor2D>(embeddings, embeddings, false, true);
      const [positives, negatives] = hardPairs(S, positivePairs(labels), negativePairs(labels), 0.1);
      return anchorTerms(sub(S, 0.5), positives, negatives, { alpha: 2, beta: 40 });
    });
    [0.797699, 0.704685, 0.875465, 0.782165].forEach((expected, i) => expect(each.dataSync()[i]).toBeCloseTo(expected, 5));
    dispose([embeddings, labels, each]);
  });

  it('multi-similarity keeps 14 of 18 positive and 22 of 54 negative pairs of batch B', async () => {
    const { embeddings, labels } = tensors(B);
    const [all, kept] = [undefined, 0.1].map((mining) => tidy(() => hardPairs(matMul<Tensor2D>(embeddings, embeddings, false, true), positivePairs(labels), negativePairs(labels), mining).map((mask) => sum<Scalar>(mask))));
    expect([...all!, ...kept!].map((count) => count.dataSync()[0])).toEqual([18, 54, 14, 22]);
    dispose([embeddings, labels, ...all!, ...kept!]);
  });

  it('ArcFace goes on falling behind pi - m', async () => {
    const loss = arcFace({ margin: 28.6 * DEGREE, scale: 64 });
    expect(await value(loss, { degrees: [0], labels: [0] }, { vectors: [170, 60] })).toBeCloseTo(110.3202288055, 3);
  });

  it('ArcFace by hand: class vectors (0.6, 0.8) and (0, 1)', async () => {
    const vectors = [Math.atan2(0.8, 0.6) / DEGREE, 90];
    // The logits are 16 * 0.143009 and 0.
    expect(await value(arcFace(), { degrees: [0], labels: [0] }, { vectors })).toBeCloseTo(Math.log1p(Math.exp(-2.288146)), 5);
  });

  it('self-distillation', async () => {
    const rows = (angles: readonly number[]): number[][] => unitRows(angles).map(([c, s]) => [c! * Math.sqrt(0.75), s! * Math.sqrt(0.75), Math.sqrt(0.125), Math.sqrt(0.125)]);
    const learner = tensor2d(unitRows(A.degrees));
    const teacher = tensor2d(rows(A.degrees));
    for (const [temperature, expected] of [[1, 0.0103311292], [0.5, 0.0061085812]] as const) {
      const result = selfDistillation(learner, teacher, temperature);
      expect((await result.data())[0]).toBeCloseTo(expected, 6);
      result.dispose();
    }
    const [a, b] = [tensor2d([[1, 0.2, -0.1], [0.2, 1, 0.4], [-0.1, 0.4, 1]]), tensor2d([[1, 0.5, 0], [0.5, 1, 0.3], [0, 0.3, 1]])];
    const [apart, same] = [similarityDivergence(a, b), similarityDivergence(a, a)];
    expect((await apart.data())[0]).toBeCloseTo(0.00745446, 6);
    expect((await same.data())[0]).toBeCloseTo(0, 6);
    const [toA, toB] = grads((x: Tensor, y: Tensor) => similarityDivergence(x as Tensor2D, y as Tensor2D))([a, b]);
    expect((await toA!.data()).some((slope) => slope !== 0)).toBe(true);
    expect([...(await toB!.data())]).toEqual(Array(9).fill(0));
    dispose([learner, teacher, a, b, apart, same, toA!, toB!]);
  });

  it('S2SD without divergence is half the source and half the mean of the heads', async () => {
    const { embeddings, labels } = tensors(A);
    const [source, one, two] = [3, 4, 8].map((x) => scalar(x));
    const result = s2sd({ source: source!, targets: [one!, two!], embeddings, heads: [embeddings, embeddings], weight: 0 });
    expect((await result.data())[0]).toBe(0.5 * (3 + 6));
    for (const [targets, heads] of [[[], []], [[], [embeddings]], [[one!, two!], [embeddings]]] as const) {
      expect(() => s2sd({ source: source!, targets, embeddings, heads })).toThrow(expect.objectContaining({ code: 'RJS_METRIC_OPTION' }));
    }
    dispose([embeddings, labels, source!, one!, two!, result]);
  });
});

// As batch B, without distances at which a hinge bends.
const SMOOTH: Batch = { degrees: [0, 11, 63, 47, 72, 130, 118, 200, 214], labels: B.labels };

// One of each, with all their branches.
const losses: EmbeddingLoss[] = [
  contrastive(), contrastive({ averaging: mean }), triplet(), triplet({ swap: true }), triplet({ smooth: true }), triplet({ squared: true, margin: 0.2 }), margin(), margin({ learnBeta: true }),
  multiSimilarity(), rothPresets['multi-similarity']!(), normalizedSoftmax(), cosFace(), arcFace(), arcFace({ variant: 'clamp' }), proxyNca(), proxyNca({ scale: 9, ownInSum: false }), proxyAnchor(),
];

/** What a loss trains, at the angles of the proxies, or at 1.2 a class. */
const trained = (loss: EmbeddingLoss, vectors = PROXIES): Tensor[] => (loss.parameters === undefined ? [] : loss.id === 'margin' ? [tensor1d([1.2, 1.1, 1.3])] : [proxies(vectors)]);

describe.each(losses.map((loss) => [`${loss.id} ${JSON.stringify(loss.config)}`, loss] as const))('%s', (_name, loss) => {
  const compute = (rows: readonly (readonly number[])[], labels: readonly number[], vectors = PROXIES) => async (): Promise<number> => {
    const [embeddings, classes, parameters] = [tensor2d(rows.map((row) => [...row])), tensor1d([...labels], 'int32'), trained(loss, vectors)];
    const result = loss.compute({ embeddings, labels: classes, parameters });
    const [number] = await result.data();
    dispose([embeddings, classes, ...parameters, result]);
    return number!;
  };

  it('does not depend on the order of a batch', async () => {
    const order = [4, 2, 8, 0, 1, 7, 3, 6, 5];
    const rows = unitRows(B.degrees);
    const shuffled = compute(order.map((i) => rows[i]!), order.map((i) => B.labels[i]!));
    expect(await shuffled()).toBeCloseTo(await compute(rows, B.labels)(), 4);
  });

  it('does not depend on a rotation of embeddings and class vectors together', async () => {
    const turned = (degrees: readonly number[]): number[] => degrees.map((angle) => angle + 37);
    const expected = await compute(unitRows(SMOOTH.degrees), SMOOTH.labels)();
    expect(Math.abs((await compute(unitRows(turned(SMOOTH.degrees)), SMOOTH.labels, turned(PROXIES))()) / expected - 1)).toBeLessThan(1e-4);
  });

  it('has the gradient that finite differences give', async () => {
    const { embeddings, labels } = tensors(SMOOTH);
    const parameters = trained(loss);
    const f = (x: Tensor, ...rest: Tensor[]): Scalar => loss.compute({ embeddings: x as Tensor2D, labels, parameters: rest });
    const slopes = grads(f)([embeddings, ...parameters]);
    // A step that float32 bears; directions keep clear of kinks.
    const h = 5e-4;
    for (const [place, point] of [embeddings, ...parameters].entries()) {
      const slope = (await slopes[place]!.data()) as Float32Array;
      const values = await point.data();
      const direction = randomStream(place).normal(values.length);
      const at = async (step: number): Promise<number> => {
        const moved = tensor2d(Array.from(values, (x, i) => x + step * direction[i]!), point.rank === 1 ? [1, values.length] : (point.shape as [number, number]));
        const arg = point.rank === 1 ? tensor1d(await moved.data()) : moved;
        const all = [embeddings, ...parameters].map((x, i) => (i === place ? arg : x));
        const result = f(all[0]!, ...all.slice(1));
        const [number] = await result.data();
        dispose([moved, arg, result]);
        return number!;
      };
      const numeric = ((await at(h)) - (await at(-h))) / (2 * h);
      const exact = slope.reduce((sum, s, i) => sum + s * direction[i]!, 0);
      expect(Math.abs(numeric - exact)).toBeLessThan(0.01 * Math.abs(exact));
    }
    dispose([embeddings, labels, ...parameters, ...slopes]);
  });

  it('is finite with finite gradients for coincident rows, one class, and one example', async () => {
    for (const { degrees, labels } of [{ degrees: [0, 0, 0, 90], labels: [0, 0, 1, 1] }, { degrees: [0, 10, 20], labels: [1, 1, 1] }, { degrees: [30], labels: [2] }]) {
      const batch = tensors({ degrees, labels });
      const parameters = trained(loss);
      const slope = grad((x: Tensor) => loss.compute({ embeddings: x as Tensor2D, labels: batch.labels, parameters }))(batch.embeddings);
      expect(await compute(unitRows(degrees), labels)()).toSatisfy(Number.isFinite);
      expect((await slope.data()).every(Number.isFinite)).toBe(true);
      dispose([batch.embeddings, batch.labels, ...parameters, slope]);
    }
  });
});

describe('identities', () => {
  it('ArcFace and CosFace without margin are normalized softmax at T = 1 / s', async () => {
    const softmax = await value(normalizedSoftmax({ temperature: 1 / 16 }), A);
    expect(await value(arcFace({ margin: 0 }), A)).toBeCloseTo(softmax, 5);
    expect(await value(cosFace({ margin: 0, scale: 16 }), A)).toBeCloseTo(softmax, 5);
  });

  it('proxy-NCA is normalized softmax with logits 2 g cos', async () => {
    expect(await value(proxyNca({ scale: 3 }), A)).toBeCloseTo(await value(normalizedSoftmax({ temperature: 1 / 6 }), A), 5);
  });

  it('nothing to compare is zero with zero gradients', async () => {
    const { embeddings, labels } = tensors(D);
    for (const [loss, none] of [[rothPresets['multi-similarity']!(), undefined], [rothPresets['triplet']!(), triplets([])], [contrastive(), triplets([])], [margin(), triplets([])]] as const) {
      const f = (x: Tensor): Scalar => loss.compute({ embeddings: x as Tensor2D, labels, ...(none && { triplets: none }) });
      const [result, slope] = [f(embeddings), grad(f)(embeddings)];
      expect((await result.data())[0]).toBe(0);
      expect([...(await slope.data())].every((x) => x === 0)).toBe(true);
      dispose([result, slope]);
    }
    dispose([embeddings, labels]);
  });

  it('scaled rows of length zero stay zero, with a zero gradient', async () => {
    const rows = tensor2d([[0, 0], [3, 4]]);
    const [unit, slope] = [normalized(rows), grad((x: Tensor) => normalized(x as Tensor2D))(rows)];
    expect([...(await unit.data())].map((x) => Number(x.toFixed(6)))).toEqual([0, 0, 0.6, 0.8]);
    expect([...(await slope.data())].slice(0, 2)).toEqual([0, 0]);
    dispose([rows, unit, slope]);
  });

  it('presets carry their library\'s defaults', () => {
    expect(pmlPresets['multi-similarity']!().config).toEqual({ alpha: 2, beta: 50, base: 0.5, incomplete: 'half' });
    expect(rothPresets['multi-similarity']!().config).toEqual({ alpha: 2, beta: 40, base: 0.5, incomplete: 'skip', mining: 0.1 });
    for (const [name, make] of [...Object.entries(pmlPresets), ...Object.entries(rothPresets), ...Object.entries(mdpropPresets)]) expect(make().id).toBe(name);
    expect(mdpropPresets['arcface']!().config).toEqual({ margin: 0.5, scale: 16, variant: 'inert' });
    expect(mdpropPresets['multi-similarity']!().config).toEqual(rothPresets['multi-similarity']!().config);
  });

  it.each([() => contrastive({ negativeMargin: 0 }), () => triplet({ margin: -1 }), () => margin({ beta: NaN }), () => multiSimilarity({ beta: 0 }), () => arcFace({ margin: 4 }), () => normalizedSoftmax({ temperature: 0 })])('refuses %s', (make) => {
    expect(make).toThrow(expect.objectContaining({ code: 'RJS_METRIC_OPTION' }));
  });
});

// What a training may meet: dead rows, classes of one example, and nothing to compare at all.
const PRESETS = Object.entries({ pml: pmlPresets, roth: rothPresets, mdprop: mdpropPresets }).flatMap(([name, presets]) => Object.entries(presets).map(([id, make]) => [`${name} ${id}`, make()] as const));

describe.each(PRESETS)('bad batches: %s', (_name, loss) => {
  /** Value and slope, with triplets of a miner where they are given. */
  async function measured(rows: number[][], labels: readonly number[], mined?: Triplets): Promise<{ value: number; slope: Float32Array }> {
    const [embeddings, classes, parameters] = [tensor2d(rows), tensor1d([...labels], 'int32'), trained(loss)];
    const f = (x: Tensor): Scalar => loss.compute({ embeddings: x as Tensor2D, labels: classes, parameters, ...(mined && { triplets: mined }) });
    const [result, slope] = [f(embeddings), grad(f)(embeddings)];
    const found = { value: result.dataSync()[0]!, slope: Float32Array.from(slope.dataSync()) };
    dispose([embeddings, classes, ...parameters, result, slope]);
    return found;
  }

  it('is finite, with finite gradients, where embeddings have length zero', async () => {
    for (const rows of [[[0, 0], [1, 0], [0, 0], [0, 1]], [[0, 0], [0, 0], [0, 0], [0, 0]]]) {
      const { value: found, slope } = await measured(rows, [0, 0, 1, 1]);
      expect(found).toSatisfy(Number.isFinite);
      expect(slope.every(Number.isFinite)).toBe(true);
    }
  });

  it('compares an example that is alone in its class as others\' negative', async () => {
    const rows = unitRows([0, 20, 130, 150, 40]);
    const [pairs, mixed] = [await measured(rows.slice(0, 4), [0, 0, 1, 1]), await measured(rows, [0, 0, 1, 1, 2])];
    for (const { value: found, slope } of [pairs, mixed]) {
      expect(found).toSatisfy(Number.isFinite);
      expect(slope.every(Number.isFinite)).toBe(true);
    }
    expect(mixed.slope.subarray(8).some((value) => value !== 0)).toBe(true);
  });

  it('has nothing to say of triplets where a miner found none', async () => {
    const { value: found, slope } = await measured(unitRows(D.degrees), D.labels, triplets([]));
    expect(found).toSatisfy(Number.isFinite);
    expect(slope.every(Number.isFinite)).toBe(true);
    if (['contrastive', 'triplet', 'margin'].includes(loss.id)) expect([found, ...slope]).toEqual(Array(13).fill(0));
  });
});
