import { type Arm, lineName } from './arms.ts';
import type { LinePlot, PlotSeries } from './line-plot.ts';

/** Loss by epoch, for the arms whose training was watched. */
export function lossPlot(arms: readonly Arm[]): LinePlot | undefined {
  return byEpoch('Training loss', 'number', arms.map(lossSeries));
}

function lossSeries(arm: Arm): PlotSeries {
  const points = arm.curve
    .filter(({ loss }) => Number.isFinite(loss))
    .map(({ epoch, loss }) => ({ x: epoch, y: loss, text: `${arm.name}, epoch ${epoch}: loss ${loss.toPrecision(4)}` }));
  return { ...lookOf(arm, lineName(arm)), points };
}

/** Accuracy on validation examples by epoch, and robust accuracy where it was watched too. */
export function validationPlot(arms: readonly Arm[]): LinePlot | undefined {
  const watched = arms.flatMap((arm) => [accuracySeries(arm, 'clean'), accuracySeries(arm, 'robust')]);
  const plot = byEpoch('Validation accuracy', 'share', watched);
  const lowest = Math.min(...watched.flatMap(({ points }) => points.map(({ y }) => y)));
  return plot && { ...plot, low: Math.max(0, Math.floor(lowest * 10 - 0.2) / 10) };
}

function accuracySeries(arm: Arm, kind: 'clean' | 'robust'): PlotSeries {
  const name = kind === 'clean' ? lineName(arm) : `${arm.name}, attacked`;
  const points = arm.curve.flatMap(({ epoch, validation }) => {
    const y = validation?.[kind];
    return y === undefined ? [] : [{ x: epoch, y, text: `${arm.name}, epoch ${epoch}: ${kind} validation accuracy ${(y * 100).toFixed(1)} %` }];
  });
  return { ...lookOf(arm, name), ...(kind === 'robust' && { dash: [2, 3] }), points };
}

function lookOf(arm: Arm, name: string): Omit<PlotSeries, 'points'> {
  return { name, color: arm.color, dash: arm.dash, kind: 'line' };
}

function byEpoch(title: string, y: LinePlot['y'], all: readonly PlotSeries[]): LinePlot | undefined {
  const series = all.filter(({ points }) => points.length > 0);
  if (series.length === 0) return undefined;
  const epochs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const names = series.map(({ name }) => name).join(', ');
  return { alt: `${title} by epoch for ${names}`, xTitle: 'epoch', xTicks: epochs.map((value) => ({ value, text: String(value) })), y, series };
}
