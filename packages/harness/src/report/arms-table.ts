import type { EntryEvaluation } from '../evaluate/index.ts';
import type { Arm } from './arms.ts';
import { armLabel, tallyCell } from './cells.ts';
import { type Html, html, type Part } from './html.ts';
import { attackCost, bestKnown, evaluationAt, ranking, sanityCounts, shareOf, threatsOf, worstAttack } from './rank.ts';
import { type Column, table } from './table.ts';
import type { Timing } from './types.ts';
import { count, duration, epsText, percent, plural } from './words.ts';

const CAPTION = `Accuracy without attack, and under the worst of all attacks image by image; below each its 95 % interval, which
the bar shows on a scale from 0 to 100 %`;

/** All arms side by side, best first. */
export function armsTable(arms: readonly Arm[]): Html {
  const robust = threatsOf(arms.map(({ entry }) => entry)).map(
    (threat): Column<Arm> => ({
      title: html`Robust, ${threat.type}&nbsp;${epsText(threat.eps)}`,
      cell: ({ entry }) => {
        const found = evaluationAt(entry, threat);
        return found ? html`${tallyCell(bestKnown(found))}${suiteLine(found)}` : html`<span class="muted">not evaluated</span>`;
      },
    }),
  );
  const columns: Column<Arm>[] = [
    { title: 'Method', cell: nameCell },
    { title: 'Clean', cell: ({ entry }) => tallyCell(entry.clean) },
    ...robust,
    { title: 'Worst attack', cell: worstCell },
    { title: html`Training, gradient&nbsp;calls`, cell: trainingCell },
    { title: html`Evaluation, gradient&nbsp;calls`, cell: evaluationCell },
    { title: 'Checks', cell: checksCell },
  ];
  return table(CAPTION, columns, arms);
}

/** What the suite alone left, where checks broke more; of a model that draws random numbers, what no attack broke. */
function suiteLine({ robust, bestKnown: lower }: EntryEvaluation): Html | false {
  if (robust.standing !== undefined) return html`<small>mean of ten draws; <data value="${robust.standing}">${count(robust.standing)}</data> were broken by no attack</small>`;
  return lower !== undefined && html`<small>the suite alone left <data value="${robust.correct}">${count(robust.correct)}</data>; ${lower.by.join(', ')} broke more</small>`;
}

function nameCell(arm: Arm): Html {
  const { entry } = arm;
  const verdict = entry.refused ? 'refused' : entry.unreliable ? 'unreliable' : undefined;
  return html`${armLabel(arm)}${paperLine(arm)}
${entry.reconstruction && html`<small>pieced together without the paper’s text</small>`}
${entry.additionalData && html`<small>trained with additional data</small>`}
${verdict && html`<span class="badge fail">${verdict}</span>`}`;
}

function paperLine({ entry: { paper } }: Arm): Html | false {
  if (!paper) return false;
  const text = `${paper.venue} ${paper.year}`;
  const link = (): Html => html`<a href="${paper.url}" title="${paper.title}" rel="noreferrer">${text}</a>`;
  return html`<small>${isWebAddress(paper.url) ? link() : text}</small>`;
}

/** True for addresses that a link may lead to; anything else could run as a script. */
function isWebAddress(url: string): boolean {
  return /^https?:\/\/[^\s]+$/i.test(url);
}

function worstCell({ entry }: Arm): Part {
  const evaluation = ranking(entry);
  const worst = worstAttack(evaluation);
  if (!evaluation || !worst) return html`<span class="muted">none ran</span>`;
  const broken = { correct: worst.brokenAlone, n: evaluation.robust.n };
  return html`<b>${worst.id}</b><small>breaks <data value="${worst.brokenAlone}">${percent(shareOf(broken), broken.n)}</data> alone</small>`;
}

function trainingCell({ entry: { training }, timing }: Arm): Part {
  const seconds = timing?.seconds['train'];
  if (!training && seconds === undefined) return html`<span class="muted">not trained here</span>`;
  return html`${training && number(training.gradientCalls)}${timeLine(seconds)}`;
}

function evaluationCell({ entry, timing }: Arm): Part {
  const { gradientCalls, queries } = attackCost(entry);
  return html`${number(gradientCalls)}<small>${number(queries)} queries</small>${timeLine(evaluationSeconds(timing))}`;
}

// A run times its evaluation as a whole; an evaluation on its own times clean accuracy, attacks, curve and checks.
function evaluationSeconds(timing: Timing | undefined): number | undefined {
  const { train: _, evaluate, ...parts } = timing?.seconds ?? {};
  return evaluate ?? (Object.keys(parts).length > 0 ? Object.values(parts).reduce((sum, value) => sum + value, 0) : undefined);
}

function number(value: number): Html {
  return html`<data value="${value}">${count(value)}</data>`;
}

function timeLine(seconds: number | undefined): Html | false {
  return seconds !== undefined && html`<small><data value="${seconds}">${duration(seconds)}</data></small>`;
}

function checksCell(arm: Arm): Html {
  const { pass, warn, fail } = sanityCounts(arm.entry);
  const kind = fail > 0 ? 'fail' : warn > 0 ? 'warn' : 'pass';
  const text = fail > 0 ? `${fail} failed` : warn > 0 ? plural(warn, 'warning') : `${pass} passed`;
  return html`<a class="badge ${kind}" href="#${arm.anchor}-checks">${text}</a>`;
}
