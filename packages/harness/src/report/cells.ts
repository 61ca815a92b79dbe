import type { Accuracy } from '../evaluate/index.ts';
import type { Arm } from './arms.ts';
import { type Html, html } from './html.ts';
import { shareOf } from './rank.ts';
import { count, percent, percentDigits } from './words.ts';

/** A share with its count and interval, and a small picture of both. `value` holds the share in full. */
export function tallyCell(tally: Accuracy): Html {
  if (tally.n === 0) return html`<span class="muted">nothing evaluated</span>`;
  const [low = 0, high = 1] = tally.ci95;
  const digits = (share: number): string => percentDigits(share, tally.n);
  return html`<data class="share" value="${shareOf(tally)}">${percent(shareOf(tally), tally.n)}</data>
<small class="of"><data value="${tally.correct}">${count(tally.correct)}</data> of <data value="${tally.n}">${count(tally.n)}</data></small>
${glyph(shareOf(tally), low, high)}
<small class="interval"><data value="${low}">${digits(low)}</data> to <data value="${high}">${digits(high)}</data></small>`;
}

// The interval as a bar, the share as a tick that stays visible at both ends.
function glyph(share: number, low: number, high: number): Html {
  const tick = Math.min(Math.max(share - 0.006, 0), 0.988);
  return ruler(html`<rect class="span" x="${hundredths(low)}" y="1.5" width="${hundredths(Math.max(high - low, 0.004))}" height="5"/>
<rect class="tick" x="${hundredths(tick)}" y="0" width="1.2" height="8"/>`);
}

/** A share as a bar on a scale from 0 to 100 %. */
export function barGlyph(share: number): Html {
  return ruler(html`<rect class="broken" x="0" y="1.5" width="${hundredths(share)}" height="5"/>`);
}

function ruler(marks: Html): Html {
  return html`<svg class="glyph" viewBox="0 0 100 8" preserveAspectRatio="none" aria-hidden="true">
<rect class="ruler" x="0" y="3" width="100" height="2"/>${marks}</svg>`;
}

function hundredths(share: number): string {
  return (share * 100).toFixed(2);
}

/** The name of an arm with its color. */
export function armLabel(arm: Pick<Arm, 'name' | 'color'>): Html {
  return html`<span class="arm" style="--c:${arm.color}"><span class="swatch" aria-hidden="true"></span>${arm.name}</span>`;
}
