import type { Entry } from '../evaluate/index.ts';
import { armNames } from './arms.ts';
import { attackCost, bestKnown, byRank, evaluationAt, ranking, sanityCounts, shareOf, threatsOf, worstAttack } from './rank.ts';
import { epsText, percentDigits, shortCount } from './words.ts';

const WIDTH = 100;
const LONGEST_NAME = 24;
const LONGEST_BUDGET = 20;

const UNITS = 'Accuracy in %, with 95 % intervals; training and attacks in gradient calls.';

type Cells = readonly string[];

interface TextColumn {
  readonly title: string;
  /** One cell an entry. */
  readonly cells: Cells;
  readonly right: boolean;
}

/**
 * Entries as a table of plain text for terminals, best first, at most 100 columns wide: accuracies in percent, with
 * the 95 % interval of robust accuracy at the budget that ranks. Budgets that do not fit are left out, and said so.
 */
export function formatTable(entries: readonly Entry[]): string {
  if (entries.length === 0) return 'No results.\n';
  const sorted = [...entries].sort(byRank);
  const budgets = budgetColumns(sorted);
  for (let dropped = 0; ; dropped++) {
    const lines = layout([...leading(sorted), ...budgets.slice(dropped), ...trailing(sorted)]);
    if (lines[0]!.length <= WIDTH || dropped >= budgets.length - 1) return [...lines, ...footnotes(sorted, dropped), ''].join('\n');
  }
}

function leading(entries: readonly Entry[]): TextColumn[] {
  const names = armNames(entries).map((name) => shorten(visible(name), LONGEST_NAME));
  return [
    { title: 'method', cells: names, right: false },
    { title: 'clean', cells: entries.map(({ clean }) => percentDigits(shareOf(clean), clean.n)), right: true },
  ];
}

/** One column a budget; the one that ranks, with its interval, comes last and is never left out. */
function budgetColumns(entries: readonly Entry[]): TextColumn[] {
  const deciding = entries.map((entry) => ranking(entry)?.threat).find((threat) => threat !== undefined);
  const others = threatsOf(entries).filter(({ type, eps }) => type !== deciding?.type || eps !== deciding.eps);
  const column = (threat: { readonly type: string; readonly eps: number }, interval: boolean): TextColumn => ({
    title: shorten(`${visible(threat.type)} ${epsText(threat.eps)}`, LONGEST_BUDGET),
    cells: entries.map((entry) => robustText(evaluationAt(entry, threat), interval)),
    right: true,
  });
  return [...others.map((threat) => column(threat, false)), ...(deciding ? [column(deciding, true)] : [])];
}

function robustText(evaluation: Entry['evaluations'][number] | undefined, interval: boolean): string {
  if (!evaluation) return '-';
  const robust = bestKnown(evaluation);
  const [low, high] = robust.ci95;
  const share = percentDigits(shareOf(robust), robust.n);
  return interval ? `${share} [${percentDigits(low, robust.n)}, ${percentDigits(high, robust.n)}]` : share;
}

function trailing(entries: readonly Entry[]): TextColumn[] {
  return [
    { title: 'worst', cells: entries.map((entry) => shorten(visible(worstAttack(ranking(entry))?.id ?? '-'), 10)), right: false },
    { title: 'training', cells: entries.map(({ training }) => (training ? shortCount(training.gradientCalls) : '-')), right: true },
    { title: 'attacks', cells: entries.map((entry) => shortCount(attackCost(entry).gradientCalls)), right: true },
    { title: 'checks', cells: entries.map(checksText), right: false },
  ];
}

function checksText(entry: Entry): string {
  if (entry.refused) return 'refused';
  if (entry.unreliable) return 'unreliable';
  const { pass, warn, fail } = sanityCounts(entry);
  if (fail > 0) return `${fail} failed`;
  return warn > 0 ? `${warn} warned` : `${pass} ok`;
}

function layout(columns: readonly TextColumn[]): string[] {
  const widths = columns.map(({ title, cells }) => Math.max(title.length, ...cells.map((cell) => cell.length)));
  const pad = (text: string, i: number): string => (columns[i]!.right ? text.padStart(widths[i]!) : text.padEnd(widths[i]!));
  const line = (cells: Cells): string => cells.map(pad).join('  ').trimEnd();
  const rows = columns[0]!.cells.map((_, row) => line(columns.map(({ cells }) => cells[row]!)));
  return [columns.map(({ title }, i) => pad(title, i)).join('  '), widths.map((width) => '-'.repeat(width)).join('  '), ...rows];
}

function footnotes(entries: readonly Entry[], dropped: number): string[] {
  const refused = entries.flatMap((entry) => (entry.refused ? wrap(`${visible(entry.id)} refused: ${visible(entry.refused)}`) : []));
  const lower = entries.flatMap((entry) => {
    const evaluation = ranking(entry);
    const standing = evaluation?.robust.standing;
    if (standing !== undefined) return wrap(`${visible(entry.id)}: mean of ten draws; ${standing} of ${evaluation!.robust.n} were broken by no attack.`);
    if (!evaluation?.bestKnown) return [];
    const { robust, bestKnown: { by } } = evaluation;
    return wrap(`${visible(entry.id)}: the suite alone left ${percentDigits(shareOf(robust), robust.n)}; ${visible(by.join(', '))} broke more.`);
  });
  const left = dropped > 0 ? [`${dropped} more ${dropped === 1 ? 'budget is' : 'budgets are'} in the report.`] : [];
  return [UNITS, ...lower, ...left, ...refused];
}

function wrap(text: string): string[] {
  const lines = [''];
  for (const word of text.split(' ').flatMap((part) => part.match(new RegExp(`.{1,${WIDTH}}`, 'gu')) ?? [])) {
    const longer = `${lines.at(-1)!} ${word}`.trimStart();
    if (longer.length <= WIDTH) lines[lines.length - 1] = longer;
    else lines.push(word);
  }
  return lines;
}

// Control characters would move the cursor or change the terminal's colors.
function visible(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
}

function shorten(text: string, most: number): string {
  return text.length > most ? `${text.slice(0, most - 1)}…` : text;
}
