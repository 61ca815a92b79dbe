import { type CurvePoint, type Entry, entrySchema, type Picture, wilson } from '../../src/index.ts';

export interface SampleOptions {
  readonly id?: string;
  readonly seed?: number;
  readonly clean?: number;
  readonly n?: number;
  /** Survivors at eps 0.1 and 0.2. */
  readonly robust?: readonly [number, number];
  readonly change?: (entry: Entry) => void;
}

const tally = (correct: number, n: number): { correct: number; n: number; ci95: [number, number] } => ({ correct, n, ci95: wilson(correct, n) });
const sha = (letter: string): string => letter.repeat(64);

/** An entry that the schema accepts, with numbers that all differ. */
export function sampleEntry({ id = 'pgd-at', seed = 0, clean = 489, n = 500, robust = [452, 391], change }: SampleOptions = {}): Entry {
  const entry: Entry = {
    schema: 2,
    id: `mnist-${id}-${seed}`,
    method: { id, package: id === 'standard' ? 'standard' : `@robustjs/${id}`, version: '0.1.0', options: { steps: 10 } },
    reconstruction: false,
    dataset: { id: 'mnist', split: 'test', n, sha256: sha('e') },
    model: {
      architecture: 'small-cnn', parameters: 53486, weightsSha256: sha(String(seed)), inputShape: [4, 4, 1], bounds: [0, 1], preprocessing: 'none',
      forwardPasses: 1, stochastic: false, testTimeOptimization: false, branches: ['main'], deployedBranch: 'main',
    },
    additionalData: false,
    training: { recipe: { training: { epochs: 3 }, seed }, recipeHash: sha('1'), steps: 1500, gradientCalls: 1_056_000, seed },
    protocol: { suite: 'default', mode: 'alone', checks: 'full', randomized: false },
    clean: tally(clean, n),
    evaluations: [evaluation(0.1, clean, robust[0], n, seed), evaluation(0.2, clean, robust[1], n, seed)],
    curve: { attack: 'pgd', n: 200, points: [0, 0.1, 0.2, 0.3].map((eps, i) => ({ eps, ...tally(195 - 41 * i, 200) })) },
    reported: null,
    sanity: [
      { id: 'S01', status: 'pass', value: 0, threshold: 0, n: 100, seed, note: '' },
      { id: 'S10', status: 'warn', value: 0.024, threshold: 0.01, n: 100, seed, note: 'twice the steps broke more' },
    ],
    unreliable: false,
    flags: [],
    runtime: { id: 'wasm', version: '4.22.0', variant: 'simd' },
    versions: { core: '0.1.0', harness: '0.1.0' },
  };
  change?.(entry);
  return entrySchema.parse(entry);
}

function evaluation(eps: number, clean: number, robust: number, n: number, seed: number): Entry['evaluations'][number] {
  const broken = clean - robust;
  const attack = (id: string, brokenAlone: number, gradientCalls: number) => ({
    id, config: { id }, configHash: sha('a'), seed, gradientCalls, queries: gradientCalls + 7, rows: 489, brokenAlone, brokenUnion: brokenAlone,
  });
  return {
    threat: { type: 'Linf', eps, box: [0, 1], targeted: false },
    attacks: [attack('fgsm', Math.floor(broken / 2), 490), attack('pgd', broken, 49_000)],
    robust: { ...tally(robust, n), source: 'suite' },
    advSha256: sha('d'),
  };
}

export function sampleCurve(points: number): CurvePoint[] {
  return Array.from({ length: points }, (_, i) => ({
    step: (i + 1) * 10, epoch: i + 1, learningRate: 0.1, loss: 2 / (i + 1), terms: {}, validation: { clean: 0.5 + 0.1 * i },
  }));
}

export function samplePicture(shape: readonly number[], clean: readonly number[], adversarial: readonly number[]): Picture {
  return {
    id: 7, label: 3, cleanPrediction: 3, adversarialPrediction: 5, attack: 'pgd', eps: 0.2, shape,
    clean: Float32Array.from(clean), adversarial: Float32Array.from(adversarial),
  };
}

/** Every `value` of a `<data>` element in some markup, as numbers. */
export function dataValues(markup: string): number[] {
  return [...markup.matchAll(/<data[^>]* value="([^"]*)"/g)].map(([, value]) => Number(value));
}

/** The part of a page from one text to the next. */
export function between(page: string, from: string, to: string): string {
  const start = page.indexOf(from);
  if (start < 0) throw new RangeError(`no ${from}`);
  const end = page.indexOf(to, start + from.length);
  return page.slice(start, end < 0 ? undefined : end);
}
