import type { EntryAttack, EntryEvaluation } from '../evaluate/index.ts';
import type { Arm } from './arms.ts';
import { armLabel, barGlyph, tallyCell } from './cells.ts';
import { type Html, html, type Part } from './html.ts';
import { evaluationAt, shareOf, threatsOf } from './rank.ts';
import { canonicalJson } from '../recipe.ts';
import { type Column, table } from './table.ts';
import { wilson } from '../evaluate/wilson.ts';
import { count, epsText, percent, percentDigits } from './words.ts';

/** For every budget: what each attack breaks on its own, and what all of them together leave. */
export function attacksSection(arms: readonly Arm[]): Html | undefined {
  const threats = threatsOf(arms.map(({ entry }) => entry));
  if (threats.length === 0) return undefined;
  const modes = new Set(arms.map(({ entry }) => entry.protocol.mode));
  return html`<p>${modes.has('alone') && 'Every attack runs on every image that the model gets right without attack. '}
${modes.has('cascade') && 'In a cascade each attack runs on the images that those before it left standing, from the clean image on. '}
An image counts as robust only if no attack of the list breaks it.</p>
${threats.map((threat) => budgetTable(arms, threat))}
<details><summary>Settings and cost of every attack</summary>${arms.map(settingsTables)}</details>`;
}

type Line = { readonly kind: 'attack'; readonly id: string; readonly place: number } | { readonly kind: 'left' };

function budgetTable(arms: readonly Arm[], threat: { readonly type: string; readonly eps: number }): Html {
  const evaluated = arms.filter(({ entry }) => evaluationAt(entry, threat));
  const keys = evaluated.flatMap(({ entry }) => numbered(evaluationAt(entry, threat)!.attacks).map(({ key }) => key));
  const lines: Line[] = [...new Set(keys)].map((key) => {
    const [place, ...id] = key.split(' ');
    return { kind: 'attack', id: id.join(' '), place: Number(place) };
  });
  const columns: Column<Line>[] = [
    { title: 'Attack', cell: (line) => (line.kind === 'left' ? html`<b>Right under all of them</b>` : nameOf(line)) },
    ...evaluated.map((arm): Column<Line> => ({ title: armLabel(arm), cell: (line) => lineCell(evaluationAt(arm.entry, threat)!, line) })),
  ];
  return table(html`<b>${threat.type} eps ${epsText(threat.eps)}</b>: images broken by each attack alone`, columns, [...lines, { kind: 'left' }]);
}

function nameOf(line: Line & { kind: 'attack' }): string {
  return line.place === 0 ? line.id : `${line.id} (${line.place + 1})`;
}

// A suite may hold the same attack twice, with other settings: it is known by its name and how many came before.
function numbered(attacks: readonly EntryAttack[]): { key: string; attack: EntryAttack }[] {
  return attacks.map((attack, i) => ({ key: `${attacks.slice(0, i).filter(({ id }) => id === attack.id).length} ${attack.id}`, attack }));
}

function lineCell(evaluation: EntryEvaluation, line: Line): Part {
  if (line.kind === 'left') return tallyCell(evaluation.robust);
  const found = numbered(evaluation.attacks).find(({ key }) => key === `${line.place} ${line.id}`);
  if (!found) return html`<span class="muted">not run</span>`;
  const { brokenAlone, brokenUnion, rows } = found.attack;
  const { n } = evaluation.robust;
  const atFirst = evaluation.attacks[0]!.rows;
  // In a cascade it says nothing of the rows that it did not see.
  const cascade = evaluation.attacks.some((attack) => attack.rows < atFirst);
  const left = atFirst - (cascade ? brokenUnion : brokenAlone);
  const share = shareOf({ correct: brokenAlone, n });
  return html`<data class="share" value="${brokenAlone}">${count(brokenAlone)}</data>
<small>of ${count(cascade ? rows : n)}${cascade ? ' that stood' : `, ${percent(share, n)}`}</small>${barGlyph(share)}
<small class="interval">${percent(left / Math.max(1, n), n)} right ${cascade ? 'by then' : 'under it'}, ${intervalText(left, n)}</small>`;
}

function intervalText(correct: number, n: number): string {
  const [low, high] = wilson(correct, n);
  return `${percentDigits(low, n)} to ${percentDigits(high, n)}`;
}

function settingsTables(arm: Arm): Html[] {
  return arm.entry.evaluations.map(({ threat, attacks }) =>
    table(
      html`${armLabel(arm)} at ${threat.type} eps ${epsText(threat.eps)}`,
      [
        { title: 'Attack', cell: ({ id }) => id },
        { title: 'Settings', cell: ({ config }) => html`<code>${canonicalJson(config)}</code>` },
        { title: 'Seed', number: true, cell: ({ seed }) => seed },
        { title: 'Gradient calls', number: true, cell: ({ gradientCalls }) => html`<data value="${gradientCalls}">${count(gradientCalls)}</data>` },
        { title: 'Queries', number: true, cell: ({ queries }) => html`<data value="${queries}">${count(queries)}</data>` },
      ],
      attacks,
    ),
  );
}
