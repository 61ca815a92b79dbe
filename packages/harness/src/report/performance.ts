import { markdownTable, markdownText, replaceBetween } from './markdown.ts';

/** How a task went on one build of the kernels; seconds are those of the processor in one repetition. */
export interface PerformanceEntry {
  readonly seconds: number;
  /** Times as fast as the peer, and the lowest and highest of single rounds; absent where there was no peer. */
  readonly ratio?: number;
  readonly lowest?: number;
  readonly highest?: number;
  /** The same against the peer with vectors of 256 bits, where the processor has wider ones. */
  readonly avx2?: { readonly ratio: number; readonly lowest: number; readonly highest: number };
  /** What a repetition reads and writes, and its arithmetic counted as direct sums of products. */
  readonly gigabytes: number;
  readonly gigaflops: number;
  /** Shares of what was measured of multiply-adds in registers and of an addition of large tensors. */
  readonly shares: { readonly arithmetic: number; readonly bytes: number };
  readonly limit: string;
}

/** A record of `npm run bench:performance`. */
export interface PerformanceRecord {
  /** Of the record; in earlier ones the peer's matrix products had threads of their own. */
  readonly format: 3;
  readonly processor: string;
  readonly rounds: number;
  readonly versions: { readonly ours?: string; readonly peer?: string };
  readonly tasks: Readonly<Record<string, Readonly<Record<string, PerformanceEntry | undefined>>>>;
  readonly kernels: Readonly<
    Record<string, { readonly peak: number; readonly bandwidth: number; readonly convolutions: Readonly<Record<string, Readonly<Record<'forward' | 'input' | 'filter', number>>>> }>
  >;
  /** Processor seconds of clean training steps, by what norms they had. */
  readonly branches: Readonly<Record<string, readonly number[]>>;
  /** Two threads of one training beside two copies of it, in steps a second. */
  readonly workers?: { readonly job: string; readonly 'two threads / two copies': { readonly median: number; readonly lowest: number; readonly highest: number } };
}

/** Images in a batch of every task. */
const BATCH = 64;
const VARIANTS = ['relaxed-simd', 'simd'];

/** A performance record as Markdown: the tasks beside the peer with what limits them, single convolutions, branch-routed norms. */
export function performanceTable(record: PerformanceRecord): string {
  const { processor, rounds, versions, kernels } = record;
  const peaks = Object.entries(kernels).map(([variant, { peak, bandwidth }]) => `${variant}: ${peak.toFixed(1)} GFLOP/s, ${bandwidth.toFixed(1)} GB/s`);
  const heading = `${markdownText(processor)}, one thread; ${markdownText([versions.ours, versions.peer].filter(Boolean).join('; '))}; ${rounds} rounds in turn. Peaks measured: ${peaks.join('; ')}.`;
  return [heading, taskTable(record), NOTE, convolutionTable(record), branchLine(record), ...workersLine(record)].join('\n\n');
}

const NOTE =
  'Ratios are of median processor seconds, with the lowest and highest of single rounds. Arithmetic is that of direct sums of products: transforms need less, so its share can exceed 100 %. The larger share says what limits.';

function taskTable({ tasks }: PerformanceRecord): string {
  const rows = Object.entries(tasks).flatMap(([task, variants]) =>
    VARIANTS.flatMap((variant) => {
      const entry = variants[variant];
      return entry === undefined ? [] : [taskRow(task, variant, entry)];
    }),
  );
  const head = ['Task', 'Kernels', 'Images/s', 'x PyTorch', 'x PyTorch, 256 bits', 'GB moved', 'GFLOP', 'Of peak arithmetic', 'Of bandwidth', 'Limit'];
  return markdownTable(head, rows, [2, 3, 4, 5, 6, 7, 8]);
}

function taskRow(task: string, variant: string, { seconds, avx2, gigabytes, gigaflops, shares, limit, ...peer }: PerformanceEntry): string[] {
  const compared = ({ ratio, lowest, highest }: Partial<NonNullable<PerformanceEntry['avx2']>> = {}): string =>
    ratio === undefined ? '–' : `${ratio.toFixed(2)} [${lowest?.toFixed(2) ?? ''}, ${highest?.toFixed(2) ?? ''}]`;
  const percent = (share: number): string => `${Math.round(100 * share)} %`;
  return [markdownText(task), variant, (BATCH / seconds).toFixed(1), compared(peer), compared(avx2), gigabytes.toFixed(2), gigaflops.toFixed(1), percent(shares.arithmetic), percent(shares.bytes), markdownText(limit)];
}

function convolutionTable({ kernels }: PerformanceRecord): string {
  const rows = Object.entries(kernels).flatMap(([variant, { convolutions }]) =>
    Object.entries(convolutions).map(([layer, { forward, input, filter }]) => [layer, variant, ...[forward, input, filter].map((rate) => rate.toFixed(1))]),
  );
  const head = ['Convolution 3x3: in, out, size, stride', 'Kernels', 'Forward, GFLOP/s', 'Input gradient', 'Filter gradient'];
  return markdownTable(head, rows, [2, 3, 4]);
}

function branchLine({ branches }: PerformanceRecord): string {
  const median = (values: readonly number[]): number => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
  const [first = [], ...others] = Object.values(branches);
  const names = Object.keys(branches).slice(1);
  return `A clean training step of ResNet-8 with branch-routed norms: ${names.map((name, i) => `${name} ${(median(others[i]!) / median(first)).toFixed(2)} x that of one`).join(', ')}.`;
}

function workersLine({ workers }: PerformanceRecord): string[] {
  if (workers === undefined) return [];
  const { median, lowest, highest } = workers['two threads / two copies'];
  return [`Two threads of one training (${markdownText(workers.job)}) take ${median.toFixed(2)} [${lowest.toFixed(2)}, ${highest.toFixed(2)}] times the steps a second of two copies of it.`];
}

/** A page with that table between `<!-- performance:start -->` and `<!-- performance:end -->`; a page without the markers as it is. */
export function renderPerformance(text: string, record: PerformanceRecord): string {
  return text.includes('<!-- performance:start -->') ? replaceBetween(text, 'performance', performanceTable(record)) : text;
}
