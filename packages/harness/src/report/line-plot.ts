import { spread } from './spread.ts';

/** One mark of a plot. */
export interface PlotPoint {
  readonly x: number;
  readonly y: number;
  /** Ends of the interval around `y`. */
  readonly interval?: readonly [number, number] | undefined;
  /** What the mark says to those who cannot see it. */
  readonly text: string;
}

/** Marks that belong together. */
export interface PlotSeries {
  readonly name: string;
  /** A CSS color; variables follow the page's theme. */
  readonly color: string;
  /** Lengths of dashes and gaps; empty: solid. */
  readonly dash: readonly number[];
  /** Lines joined, with their intervals as a band; or diamonds alone, with their intervals as whiskers. */
  readonly kind: 'line' | 'diamond';
  readonly points: readonly PlotPoint[];
}

/** A plot of lines over a number. */
export interface LinePlot {
  /** What the whole plot shows, in a sentence. */
  readonly alt: string;
  readonly xTitle: string;
  /** Where the horizontal axis is labelled, and what it says there. */
  readonly xTicks: readonly { readonly value: number; readonly text: string }[];
  /** Shares up to 100 %, or plain numbers. */
  readonly y: 'share' | 'number';
  /** Where the vertical axis starts. Default 0. */
  readonly low?: number;
  readonly series: readonly PlotSeries[];
}

/** Sizes in CSS pixels; `labels` is the room on the right for the names of the lines, 0 for none. */
export interface PlotSize {
  readonly width: number;
  readonly height: number;
  readonly labels: number;
}

const LEFT = 50;
const BOTTOM = 46;
const TOP = 12;
const LABEL_GAP = 17;
const TICK_GAP = 38;
// Width of a letter of the widest fonts in use.
const LETTER = 8.2;
const DODGE = 9;
const WIDEST_DODGE = 48;

/** The plot as one static SVG element, the same text for the same input. */
export async function renderPlot(plot: LinePlot, size: PlotSize): Promise<string> {
  // Loaded here: only those who render a report pay for it.
  const [vega, { compile }] = await Promise.all([import('vega'), import('vega-lite')]);
  const spec = compile(plotSpec(plot, size) as unknown as Parameters<typeof compile>[0]).spec;
  const svg = await new vega.View(vega.parse(spec), { renderer: 'none' }).toSVG();
  return svg.replace(/ xmlns(:\w+)?="[^"]*"| version="[^"]*"/g, '');
}

type Json = Record<string, unknown>;
type Range = readonly [low: number, high: number];

// Margins are fixed and nothing sizes itself: measuring text would depend on the machine.
function plotSpec(plot: LinePlot, size: PlotSize): Json {
  const right = size.labels || 22;
  const [width, height] = [size.width - LEFT - right, size.height - TOP - BOTTOM];
  const range: Range = [plot.low ?? 0, plot.y === 'share' ? 1 : niceTop(plot.series)];
  const xs = plot.series.flatMap((series) => series.points.map((point) => point.x));
  const domain = [Math.min(...xs), Math.max(...xs)];
  return {
    width,
    height,
    autosize: { type: 'none' },
    padding: { left: LEFT, right, top: TOP, bottom: BOTTOM },
    background: null,
    description: plot.alt,
    config: { view: { stroke: null }, axis: AXIS_STYLE, font: 'inherit' },
    encoding: { x: xChannel(plot, domain, width), y: yChannel(plot, range) },
    layer: [...markLayers(plot.series, (domain[1]! - domain[0]!) / width), ...(size.labels ? labelLayers(plot.series, { width, height, room: size.labels, range }) : [])],
  };
}

const AXIS_STYLE: Json = {
  domainColor: 'var(--rule)',
  tickColor: 'var(--rule)',
  gridColor: 'var(--grid)',
  labelColor: 'var(--muted)',
  titleColor: 'var(--muted)',
  labelFontSize: 12,
  titleFontSize: 12,
  titleFontWeight: 'normal',
  labelOverlap: false,
  labelBound: false,
  labelFlush: false,
};

function xChannel({ xTicks, xTitle }: LinePlot, domain: readonly number[], width: number): Json {
  const ticks = thinOut(xTicks, domain, width);
  const texts = JSON.stringify(Object.fromEntries(ticks.map((tick) => [String(tick.value), tick.text])));
  const labels = { values: ticks.map((tick) => tick.value), labelExpr: `${texts}[datum.value]` };
  const axis = { ...labels, title: xTitle, titleY: 40, titleBaseline: 'bottom', grid: false };
  // One lone position stands in the middle rather than on an axis of length zero.
  const [low = 0, high = 0] = domain;
  const scale = { domain: low === high ? [low - 1, high + 1] : domain, nice: false, zero: false };
  return { field: 'x', type: 'quantitative', axis, scale };
}

/** Keeps the labels that have room, the last before the others. */
function thinOut(ticks: LinePlot['xTicks'], [low = 0, high = 0]: readonly number[], width: number): LinePlot['xTicks'] {
  const pixels = high > low ? width / (high - low) : 0;
  const kept: LinePlot['xTicks'][number][] = [];
  for (const tick of [...ticks].sort((a, b) => b.value - a.value)) {
    const next = kept.at(-1);
    if (!next || (next.value - tick.value) * pixels >= TICK_GAP) kept.push(tick);
  }
  return kept.reverse();
}

function yChannel({ y }: LinePlot, range: Range): Json {
  const labelExpr = y === 'share' ? `format(datum.value * 100, '~g') + '\u202f%'` : `format(datum.value, '~g')`;
  const axis = { labelExpr, title: null, tickCount: 5, domain: false, ticks: false, labelPadding: 8 };
  return { field: 'y', type: 'quantitative', axis, scale: { domain: range, nice: false, zero: false } };
}

function niceTop(series: readonly PlotSeries[]): number {
  const largest = Math.max(...series.flatMap(({ points }) => points.map(({ y }) => y)), 1e-9);
  const unit = 10 ** Math.floor(Math.log10(largest)) / 2;
  return Math.ceil((largest * 1.02) / unit) * unit;
}

const STYLE: Json = {
  color: { field: 'color', type: 'nominal', scale: null, legend: null },
  detail: { field: 'series', type: 'nominal' },
};

function markLayers(series: readonly PlotSeries[], pixel: number): Json[] {
  const lines = rowsOf(series.filter(({ kind }) => kind === 'line'));
  const apart = series.filter(({ kind }) => kind === 'diamond');
  const step = Math.min(DODGE, WIDEST_DODGE / apart.length) * pixel;
  const diamonds = rowsOf(apart).map((row) => ({ ...row, x: row.x + (row.series - (apart.length - 1) / 2) * step }));
  const description = { field: 'text', type: 'nominal' };
  const ends = { y: { field: 'low', type: 'quantitative' }, y2: { field: 'high' } };
  const strokeDash = { field: 'dash', type: 'nominal', scale: null, legend: null };
  return [
    { data: { values: lines.filter(hasInterval) }, mark: { type: 'area', opacity: 0.14, aria: false }, encoding: { ...STYLE, ...ends } },
    { data: { values: lines }, mark: { type: 'line', strokeWidth: 2, aria: false }, encoding: { ...STYLE, strokeDash } },
    { data: { values: lines }, mark: { type: 'point', filled: true, opacity: 1, size: 36 }, encoding: { ...STYLE, description } },
    { data: { values: diamonds.filter(hasInterval) }, mark: { type: 'rule', strokeWidth: 2, aria: false }, encoding: { ...STYLE, ...ends } },
    {
      data: { values: diamonds },
      mark: { type: 'point', shape: 'diamond', filled: true, opacity: 1, size: 130, stroke: 'var(--surface)', strokeWidth: 1.5 },
      encoding: { ...STYLE, description },
    },
  ].filter(({ data }) => data.values.length > 0);
}

interface Row {
  readonly x: number;
  readonly y: number;
  readonly low?: number | undefined;
  readonly high?: number | undefined;
  readonly text: string;
  readonly series: number;
  readonly color: string;
  readonly dash: readonly number[];
}

function rowsOf(series: readonly PlotSeries[]): Row[] {
  return series.flatMap(({ points, color, dash }, i) =>
    points.map(({ x, y, text, interval }) => ({ x, y, text, color, dash, series: i, low: interval?.[0], high: interval?.[1] })),
  );
}

function hasInterval(row: Row): boolean {
  return row.low !== undefined;
}

function shorten(name: string, room: number): string {
  const most = Math.floor((room - 16) / LETTER);
  return name.length > most ? `${name.slice(0, most - 1)}…` : name;
}

/** Names at the lines' ends, moved apart where they would overlap, each joined to its line. */
function labelLayers(series: readonly PlotSeries[], area: { width: number; height: number; room: number; range: Range }): Json[] {
  const named = series.filter(({ kind, points }) => kind === 'line' && points.length > 0);
  const ends = named.map(({ points }) => points.reduce((last, point) => (point.x >= last.x ? point : last)));
  const [low, high] = area.range;
  const labelYs = spread(ends.map(({ y }) => y), (LABEL_GAP * (high - low)) / area.height, low, high);
  const values = named.map(({ name, color }, i) => ({ x: ends[i]!.x, y: ends[i]!.y, labelY: labelYs[i]!, name: shorten(name, area.room), color }));
  const color = { field: 'color', type: 'nominal', scale: null, legend: null };
  const x2 = { value: area.width + 12 };
  const leader = { y: { field: 'y', type: 'quantitative' }, y2: { field: 'labelY' }, x2, color };
  const label = { y: { field: 'labelY', type: 'quantitative' }, x: { value: area.width + 16 }, text: { field: 'name' }, color };
  return [
    { data: { values }, mark: { type: 'rule', opacity: 0.5, aria: false }, encoding: leader },
    { data: { values }, mark: { type: 'text', align: 'left', baseline: 'middle', fontSize: 13, fontWeight: 600, aria: false }, encoding: label },
  ];
}
