import type { Projection } from '../../retrieval/index.ts';
import { armLabel } from '../cells.ts';
import { type Html, html } from '../html.ts';
import type { RetrievalArm } from './arms.ts';

const SIZE = 440;
const MARGIN = 12;
// More classes than colors: neighbouring numbers differ, and the page says that colors repeat.
const COLORS = 8;

/** Test embeddings in the plane of their two largest variances, with what attacks did to some queries. */
export function embeddingSection(arms: readonly RetrievalArm[]): Html | undefined {
  const shown = arms.filter(({ details }) => (details.projection?.points.length ?? 0) > 0);
  if (shown.length === 0) return undefined;
  return html`<p>Each dot is a test image, clean; its color is its class (colors repeat). A line leads from where a query was to where the attack that
broke it moved it. Both axes are the directions of largest variance of that method’s own embeddings: compare shapes, not places.</p>
<div class="pair">${shown.map((arm) => figure(arm, arm.details.projection!))}</div>`;
}

function figure(arm: RetrievalArm, { points, moves, shares }: Projection): Html {
  const all = [...points.map(({ x, y }) => [x, y] as const), ...moves.flatMap(({ from, to }) => [from, to])];
  const [xs, ys] = [all.map(([x]) => x), all.map(([, y]) => y)];
  const [lowX, highX, lowY, highY] = [Math.min(...xs), Math.max(...xs), Math.min(...ys), Math.max(...ys)];
  // One scale for both axes, so that distances can be read off.
  const scale = (SIZE - 2 * MARGIN) / Math.max(highX - lowX, highY - lowY, 1e-9);
  const at = ([x, y]: readonly [number, number]): [string, string] => [(MARGIN + (x - lowX) * scale).toFixed(1), (SIZE - MARGIN - (y - lowY) * scale).toFixed(1)];
  const explained = shares.map((value) => `${(100 * value).toFixed(0)} %`).join(' and ');
  return html`<figure class="plot"><h3>${armLabel(arm)}</h3>
<svg viewBox="0 0 ${SIZE} ${SIZE}" role="img" aria-label="${`Embeddings of ${points.length} test images by ${arm.name}, and ${moves.length} moves by attacks`}">
${moves.map(({ from, to }) => {
    const [[x1, y1], [x2, y2]] = [at(from), at(to)];
    return html`<line class="move" x1="${x1}" y1="${y1}" x2="${x2}" y2="${y2}"/><circle class="moved" cx="${x2}" cy="${y2}" r="2.5"/>`;
  })}
${points.map(({ x, y, label }) => {
    const [cx, cy] = at([x, y]);
    return html`<circle class="class-${label % COLORS}" cx="${cx}" cy="${cy}" r="2"/>`;
  })}</svg>
<figcaption>${explained} of the variance; ${moves.length} broken queries drawn.</figcaption></figure>`;
}
