import { markdownTable, markdownText } from '../markdown.ts';
import { epsText } from '../words.ts';
import type { MeasuredArm } from './measured-arms.ts';
import { mean, pairedOverSeeds } from './paired-seeds.ts';

/** What a paper says of two arms. */
interface Claim {
  readonly says: string;
  /** The paper's own figure, and where it was read. */
  readonly reported: string;
  readonly arm: string;
  readonly beside: string;
  readonly of: 'clean' | 'attacked';
  /** Shown when Recall@1 of the arm exceeds this many times that of the other; default 1. */
  readonly times?: number;
  /** Points that it may fall short of that. */
  readonly short?: number;
}

const ABSTRACT = 'up to +2.95 points (abstract; ResNet-50, CUB, CARS, SOP)';
const ROBUSTNESS = 'up to 2.12 times (abstract)';

const mdprop = (loss: string, prefix: string): Claim[] => [
  { says: `MDProp gains on clean queries over plain training (${loss})`, reported: ABSTRACT, arm: `${prefix}mdprop-5`, beside: `${prefix}plain`, of: 'clean' },
  { says: `with one target it gains too (${loss})`, reported: 'no figure read', arm: `${prefix}mdprop-1`, beside: `${prefix}plain`, of: 'clean' },
  { says: `five targets gain over one (${loss})`, reported: 'five work best (README of the code)', arm: `${prefix}mdprop-5`, beside: `${prefix}mdprop-1`, of: 'clean' },
  { says: `it gains over the same examples through one norm (${loss})`, reported: 'no figure read', arm: `${prefix}mdprop-5`, beside: `${prefix}shared-norm`, of: 'clean' },
  { says: `it withstands at least 1.2 times as much as plain training (${loss})`, reported: ROBUSTNESS, arm: `${prefix}mdprop-5`, beside: `${prefix}plain`, of: 'attacked', times: 1.2 },
];

/** The claims of the track's papers, as `docs/methods` gives them. */
const CLAIMS: readonly Claim[] = [
  ...mdprop('multi-similarity', ''),
  ...mdprop('ArcFace', 'arcface-'),
  { says: 'robust-dml withstands at least 5 times as much as natural training with its loss', reported: '5 to 76 times (abstract)', arm: 'robust-dml', beside: 'contrastive-plain', of: 'attacked', times: 5 },
  { says: 'it loses at most 10 points on clean queries', reported: '“largely unaffected” (abstract)', arm: 'robust-dml', beside: 'contrastive-plain', of: 'clean', short: 0.1 },
];

/** Every claim beside what was measured: an interval over seeds and queries, and whether it says so. */
export function claimsTable(arms: ReadonlyMap<string, MeasuredArm>): string {
  const rows = CLAIMS.flatMap((claim) => {
    const [arm, beside] = [arms.get(claim.arm), arms.get(claim.beside)];
    if (arm === undefined || beside === undefined) return [];
    const budgets = claim.of === 'clean' ? [null] : arm.budgets.filter((eps) => beside.budgets.includes(eps));
    return budgets.map((eps) => row(claim, eps, arm, beside));
  });
  const head = ['Claim', 'Reported', 'Queries', 'First', 'Second', 'Difference', 'Ratio', 'Here'];
  return markdownTable(head, rows, [3, 4, 5, 6]);
}

function row({ says, reported, arm: name, beside: other, times = 1, short = 0 }: Claim, eps: number | null, arm: MeasuredArm, beside: MeasuredArm): string[] {
  const seeds = arm.seeds.filter((seed) => beside.seeds.includes(seed));
  const hits = (of: MeasuredArm): number[][] => seeds.map((seed) => of.hits(seed, eps).map(Number));
  const [first, second] = [hits(arm), hits(beside)];
  const by = (factor: number): ReturnType<typeof pairedOverSeeds> => pairedOverSeeds(first.map((values, s) => values.map((value, q) => value - factor * second[s]![q]!)));
  const { difference, ci95 } = by(1);
  const [low, high] = by(times).ci95.map((end) => end + short) as [number, number];
  const [a, b] = [mean(first.flat()), mean(second.flat())];
  return [
    `${markdownText(says)}: \`${name}\`, \`${other}\``,
    markdownText(reported),
    eps === null ? 'clean' : `attacked, eps ${epsText(eps)}`,
    percent(a),
    percent(b),
    `${points(difference)} [${points(ci95[0])}, ${points(ci95[1])}]`,
    b === 0 ? '–' : (a / b).toFixed(2),
    low > 0 ? '**shown**' : high < 0 ? 'the opposite is shown' : 'not shown at this size',
  ];
}

const percent = (share: number): string => (100 * share).toFixed(1);
const points = (share: number): string => (Number.isFinite(share) ? `${share < 0 ? '−' : '+'}${Math.abs(100 * share).toFixed(1)}` : share < 0 ? '−∞' : '∞');
