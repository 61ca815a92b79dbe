import type { Accuracy } from '../../evaluate/index.ts';
import { lineName } from '../arms.ts';
import type { LinePlot, PlotPoint } from '../line-plot.ts';
import { count, epsText, percent, percentDigits } from '../words.ts';
import { budgetsOf, type RetrievalArm, share } from './arms.ts';

/** Recall@1 of the attacked queries against budget: a line an arm, from no attack on. */
export function recallPlot(arms: readonly RetrievalArm[]): LinePlot | undefined {
  if (arms.length === 0) return undefined;
  const budgets = [...new Set([0, ...budgetsOf(arms.map(({ entry }) => entry))])];
  const types = new Set(arms.flatMap(({ entry }) => entry.evaluations.map(({ threat }) => threat.type)));
  return {
    alt: `Recall at 1 against perturbation budget eps for ${arms.map(({ name }) => name).join(', ')}`,
    xTitle: `eps (${[...types].join(', ')})`,
    xTicks: budgets.map((value) => ({ value, text: epsText(value) })),
    y: 'share',
    series: arms.map((arm) => ({ name: lineName(arm), color: arm.color, dash: arm.dash, kind: 'line', points: pointsOf(arm) })),
  };
}

function pointsOf({ name, entry }: RetrievalArm): PlotPoint[] {
  const point = (eps: number, tally: Accuracy, what: string): PlotPoint => {
    const [low, high] = tally.ci95;
    const interval = `95 % interval ${percentDigits(low, tally.n)} to ${percentDigits(high, tally.n)}`;
    return { x: eps, y: share(tally), interval: [low, high], text: `${name}, ${what}, eps ${epsText(eps)}: ${percent(share(tally), tally.n)}, ${count(tally.correct)} of ${count(tally.n)}, ${interval}` };
  };
  const attacked = entry.evaluations.map(({ threat, robust }) => point(threat.eps, robust, 'all attacks'));
  return (attacked.some(({ x }) => x === 0) ? attacked : [point(0, entry.queries, 'no attack'), ...attacked]).sort((a, b) => a.x - b.x);
}
