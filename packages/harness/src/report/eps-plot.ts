import type { Accuracy } from '../evaluate/index.ts';
import { type Arm, lineName } from './arms.ts';
import type { LinePlot, PlotPoint, PlotSeries } from './line-plot.ts';
import { bestKnown, shareOf } from './rank.ts';
import { count, epsText, percent, percentDigits } from './words.ts';

/** Accuracy against budget: a line an arm, and a diamond for what the whole suite leaves. */
export function epsPlot(arms: readonly Arm[]): LinePlot | undefined {
  const series = arms.flatMap((arm) => [curveSeries(arm), suiteSeries(arm)]).filter(({ points }) => points.length > 0);
  if (series.length === 0) return undefined;
  const budgets = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const types = new Set(arms.flatMap(({ entry }) => entry.evaluations.map(({ threat }) => threat.type)));
  return {
    alt: `Accuracy against perturbation budget eps for ${arms.map(({ name }) => name).join(', ')}`,
    xTitle: `eps${types.size > 0 ? ` (${[...types].join(', ')})` : ''}`,
    xTicks: budgets.map((value) => ({ value, text: epsText(value) })),
    y: 'share',
    series,
  };
}

function curveSeries(arm: Arm): PlotSeries {
  const { curve } = arm.entry;
  const points = curve ? curve.points.map((point) => plotPoint(arm, point, point.eps, curve.attack)) : suiteLine(arm);
  return { name: lineName(arm), color: arm.color, dash: arm.dash, kind: 'line', points: points.sort((a, b) => a.x - b.x) };
}

// Without a curve the line joins what the suite gave, from clean accuracy on.
function suiteLine(arm: Arm): PlotPoint[] {
  const suite = arm.entry.evaluations.map((evaluation) => plotPoint(arm, bestKnown(evaluation), evaluation.threat.eps, 'all attacks'));
  return suite.some(({ x }) => x === 0) ? suite : [plotPoint(arm, arm.entry.clean, 0, 'no attack'), ...suite];
}

function suiteSeries(arm: Arm): PlotSeries {
  const points = arm.entry.curve ? arm.entry.evaluations.map((evaluation) => plotPoint(arm, bestKnown(evaluation), evaluation.threat.eps, 'all attacks')) : [];
  return { name: lineName(arm), color: arm.color, dash: [], kind: 'diamond', points };
}

function plotPoint(arm: Arm, tally: Accuracy, eps: number, attack: string): PlotPoint {
  const [low = 0, high = 1] = tally.ci95;
  const share = shareOf(tally);
  const interval = `95 % interval ${percentDigits(low, tally.n)} to ${percentDigits(high, tally.n)}`;
  const text = `${arm.name}, ${attack}, eps ${epsText(eps)}: ${percent(share, tally.n)}, ${count(tally.correct)} of ${count(tally.n)}, ${interval}`;
  return { x: eps, y: share, interval: [low, high], text };
}
