import { type DrawnArm, lineName } from './arms.ts';
import { armLabel } from './cells.ts';
import { Html, html } from './html.ts';
import { type LinePlot, type PlotSize, renderPlot } from './line-plot.ts';

/** Size of a plot as wide as the page. */
export const WIDE: PlotSize = { width: 980, height: 380, labels: 170 };
/** Size of one of two plots side by side. */
export const HALF: PlotSize = { width: 484, height: 300, labels: 162 };
const NARROW: PlotSize = { width: 350, height: 260, labels: 0 };

/** A plot with its caption, and a legend where there is no room for names; nothing where there is no plot. */
// Two renderings, one of which the style sheet shows: text in a scaled-down plot would be too small on a phone.
export async function plotFigure(plot: LinePlot | undefined, arms: readonly DrawnArm[], size: PlotSize, caption: string): Promise<Html | undefined> {
  if (!plot) return undefined;
  const [wide, narrow] = [await renderPlot(plot, size), await renderPlot(plot, NARROW)];
  const shown = arms.filter((arm) => plot.series.some(({ name }) => name === lineName(arm)));
  return html`<figure class="plot"><div class="legend">${shown.map(armLabel)}</div>
<div class="wide">${new Html(wide)}</div><div class="narrow">${new Html(narrow)}</div>
<figcaption>${caption}</figcaption></figure>`;
}
