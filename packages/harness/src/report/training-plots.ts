import type { CurvePoint } from '../train/index.ts';
import { type DrawnArm, lineName } from './arms.ts';
import type { LinePlot, PlotSeries } from './line-plot.ts';

/** An arm whose training is drawn. */
export interface TrainedArm extends DrawnArm {
  readonly curve: readonly CurvePoint[];
}

/** Loss by epoch, for the arms whose training was watched. */
export function lossPlot(arms: readonly TrainedArm[]): LinePlot | undefined {
  return byEpoch('Training loss', 'number', arms.map(lossSeries));
}

function lossSeries(arm: TrainedArm): PlotSeries {
  const points = arm.curve
    .filter(({ loss }) => Number.isFinite(loss))
    .map(({ epoch, loss }) => ({ x: epoch, y: loss, text: `${arm.name}, epoch ${epoch}: loss ${loss.toPrecision(4)}` }));
  return { ...lookOf(arm, lineName(arm)), points };
}

/** Accuracy on validation examples by epoch, and robust accuracy where it was watched too; `what` names it for those who cannot see it. */
export function validationPlot(arms: readonly TrainedArm[], what = 'Validation accuracy'): LinePlot | undefined {
  const watched = arms.flatMap((arm) => [accuracySeries(arm, 'clean'), accuracySeries(arm, 'robust')]);
  const plot = byEpoch(what, 'share', watched);
  const lowest = Math.min(...watched.flatMap(({ points }) => points.map(({ y }) => y)));
  return plot && { ...plot, low: Math.max(0, Math.floor(lowest * 10 - 0.2) / 10) };
}

function accuracySeries(arm: TrainedArm, kind: 'clean' | 'robust'): PlotSeries {
  const name = kind === 'clean' ? lineName(arm) : `${arm.name}, attacked`;
  const points = arm.curve.flatMap(({ epoch, validation }) => {
    const y = validation?.[kind];
    return y === undefined ? [] : [{ x: epoch, y, text: `${arm.name}, epoch ${epoch}: ${kind} validation accuracy ${(y * 100).toFixed(1)} %` }];
  });
  return { ...lookOf(arm, name), ...(kind === 'robust' && { dash: [2, 3] }), points };
}

function lookOf(arm: TrainedArm, name: string): Omit<PlotSeries, 'points'> {
  return { name, color: arm.color, dash: arm.dash, kind: 'line' };
}

function byEpoch(title: string, y: LinePlot['y'], all: readonly PlotSeries[]): LinePlot | undefined {
  const series = all.filter(({ points }) => points.length > 0);
  if (series.length === 0) return undefined;
  const epochs = [...new Set(series.flatMap(({ points }) => points.map(({ x }) => x)))].sort((a, b) => a - b);
  const names = series.map(({ name }) => name).join(', ');
  return { alt: `${title} by epoch for ${names}`, xTitle: 'epoch', xTicks: epochs.map((value) => ({ value, text: String(value) })), y, series };
}
