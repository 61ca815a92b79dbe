import type { Entry } from '../evaluate/index.ts';
import type { Arm } from './arms.ts';
import { armLabel } from './cells.ts';
import { type Html, html, type Part } from './html.ts';
import { sanityCounts } from './rank.ts';
import { flagWords, sanityWords } from './sanity-words.ts';
import { table } from './table.ts';
import { count, plural } from './words.ts';

type Check = Entry['sanity'][number];

/** What the section says of an arm of any track. */
type CheckedArm = Pick<Arm, 'name' | 'anchor' | 'color'> & { readonly entry: Pick<Entry, 'sanity' | 'refused' | 'unreliable' | 'flags'> };

const STATUS: Readonly<Record<Check['status'], string>> = { fail: 'failed', warn: 'warning', pass: 'passed', info: 'for information', skipped: 'not run' };

/** What the sanity tests say about each arm: troubles in full, the rest on demand. */
export function sanitySection(arms: readonly CheckedArm[]): Html {
  return html`<p>High numbers after a weak attack mean nothing. These checks look for signs that the attacks did not do their work,
or that the evaluation itself is at fault.</p>${arms.map(armChecks)}`;
}

function armChecks(arm: CheckedArm): Html {
  const { entry, anchor } = arm;
  const troubles = entry.sanity.filter(({ status }) => status === 'fail' || status === 'warn');
  const others = entry.sanity.filter(({ status }) => status !== 'fail' && status !== 'warn');
  return html`<section class="checks" id="${anchor}-checks"><h3>${armLabel(arm)} ${verdict(arm)}</h3>
${entry.refused && html`<p class="callout fail"><b>Refused.</b> ${entry.refused}</p>`}
${entry.unreliable && html`<p class="callout fail"><b>Unreliable.</b> The checks below suggest that stronger attacks would break more than is shown here.</p>`}
${entry.flags.length > 0 && html`<p class="callout warn"><b>Noted:</b> ${entry.flags.map(flagWords).join('; ')}.</p>`}
${troubles.map(trouble)}
${others.length > 0 && html`<details><summary>${summaryOf(others)}</summary>${checksTable(others)}</details>`}
${entry.sanity.length === 0 && html`<p class="muted">No checks ran.</p>`}</section>`;
}

function verdict({ entry }: CheckedArm): Html {
  const { fail, warn, pass } = sanityCounts(entry);
  return html`${fail > 0 && html`<span class="badge fail">${fail} failed</span>`}
${warn > 0 && html`<span class="badge warn">${plural(warn, 'warning')}</span>`}
${fail + warn === 0 && pass > 0 && html`<span class="badge pass">all passed</span>`}`;
}

function trouble(check: Check): Html {
  const { title, meaning } = sanityWords(check.id);
  return html`<div class="callout ${check.status}"><p><span class="badge ${check.status}">${STATUS[check.status]}</span>
<span class="muted">should hold:</span> <b>${title}</b> <small>${check.id}</small></p>
<p>${meaning}</p><p class="muted">${measured(check)}</p></div>`;
}

function measured({ value, threshold, n, note }: Check): Part {
  return html`Measured ${figure(value)}${note && ` (${note})`}${threshold !== null && `, limit ${figure(threshold)}`}, on ${plural(n, 'example')}.`;
}

function checksTable(checks: readonly Check[]): Html {
  return table('Checks without trouble', [
    { title: 'Check', cell: ({ id }) => html`${sanityWords(id).title} <small>${id}</small>` },
    { title: 'Result', cell: ({ status }) => html`<span class="badge ${status}">${STATUS[status]}</span>` },
    { title: 'What it means', cell: ({ id, note }) => html`${sanityWords(id).meaning}${note && html`<small class="wrap">${note}</small>`}` },
    { title: 'Measured', number: true, cell: ({ value }) => figure(value) },
    { title: 'Limit', number: true, cell: ({ threshold }) => figure(threshold) },
    { title: 'Examples', number: true, cell: ({ n }) => count(n) },
  ], checks);
}

function summaryOf(checks: readonly Check[]): string {
  const parts = (['pass', 'info', 'skipped'] as const).map((status) => {
    const number = checks.filter((check) => check.status === status).length;
    return number > 0 ? `${number} ${STATUS[status]}` : '';
  });
  return parts.filter(Boolean).join(', ');
}

function figure(value: number | null): string {
  if (value === null) return '–';
  return Number.isInteger(value) ? count(value) : String(Number(value.toPrecision(4)));
}
