import type { RetrievalEntry } from '../../retrieval/index.ts';
import { groupBy } from '../groups.ts';
import { meanText, plainCount } from '../leaderboard.ts';
import { markdownLink, markdownTable, markdownText } from '../markdown.ts';
import { sanityCounts, sharedRanks } from '../rank.ts';
import { epsText, percentDigits } from '../words.ts';
import { budgetsOf, byRetrieval, rankingOf, share, worthOf } from './arms.ts';
import { meanAttacked, meanTally, retrievalBoardKey, type RetrievalGroup, retrievalGroups } from './groups.ts';

/** The track's tables as Markdown: one a data set, best first. Ranks are shared where 95 % intervals meet; entries that do not count come last, without one. */
export function retrievalLeaderboard(entries: readonly RetrievalEntry[]): string {
  const boards = groupBy([...entries].sort((a, b) => (retrievalBoardKey(a) < retrievalBoardKey(b) ? -1 : 1)), retrievalBoardKey);
  return [...boards.map((board) => `${heading(board[0]!)}\n\n${boardTable(board)}`), NOTE].join('\n\n');
}

const NOTE = 'Recall@1 in percent: clean, over all test images, and of the queries under the worst of all attacks, with 95 % intervals. Worst branch: right in every branch of the network, not only in the one deployed. Ratio: attacked Recall@1 over that of plain training with the same loss.';

function heading({ dataset, queries, evaluations }: RetrievalEntry): string {
  return `### Retrieval, ${markdownText(dataset.id)}, ${dataset.classes} unseen classes, ${evaluations[0]!.threat.type}, ${plainCount(queries.n)} queries attacked`;
}

function boardTable(board: readonly RetrievalEntry[]): string {
  const budgets = budgetsOf(board);
  const groups = retrievalGroups(board).sort((a, b) => byRetrieval(a.first, b.first));
  const deciding = rankingOf(board[0]!).threat.eps;
  const sorted = groups.sort((a, b) => worthOf(a.first) - worthOf(b.first) || (meanAttacked(b, deciding)?.share ?? 0) - (meanAttacked(a, deciding)?.share ?? 0));
  const ranks = sharedRanks(sorted.filter(({ first }) => worthOf(first) === 0).map((group) => meanAttacked(group, deciding)?.interval ?? [0, 1]));
  const head = ['Rank', 'Arm', 'Paper', 'Loss', 'Clean', ...budgets.map((eps) => `eps ${epsText(eps)}`), 'Ratio', 'Worst branch', 'MAP@R', 'Gradient calls in training', 'Checks', 'Seeds'];
  const numbers = head.flatMap((title, i) => (['Arm', 'Paper', 'Loss', 'Checks', 'Seeds'].includes(title) ? [] : [i]));
  return markdownTable(head, sorted.map((group, i) => row(group, ranks[i], budgets, ratioOf(group, groups, deciding))), numbers);
}

function row(group: RetrievalGroup, rank: number | undefined, budgets: readonly number[], ratio: string): string[] {
  const { first, entries, name } = group;
  const calls = entries.flatMap(({ training }) => (training ? [training.gradientCalls] : []));
  const map = entries.reduce((sum, { clean }) => sum + clean.mapAtR, 0) / entries.length;
  return [
    rank === undefined ? '–' : String(rank),
    `${markdownText(name)} (${markdownText(`${first.method.id} ${first.method.version}, ${first.model.architecture}`)})`,
    first.paper ? markdownLink(`${first.paper.venue} ${first.paper.year}`, first.paper.url) : '–',
    markdownText(first.loss.id),
    meanText(meanTally(group, ({ clean }) => clean.recall1)),
    ...budgets.map((eps) => meanText(meanAttacked(group, eps))),
    ratio,
    meanText(meanTally(group, ({ worstBranch }) => worstBranch)),
    percentDigits(map, first.clean.recall1.n),
    calls.length > 0 ? plainCount(calls.reduce((sum, value) => sum + value, 0) / calls.length) : '–',
    checksText(first, entries),
    entries.flatMap(({ training }) => (training ? [training.seed] : [])).join(', ') || '–',
  ];
}

function ratioOf(group: RetrievalGroup, groups: readonly RetrievalGroup[], eps: number): string {
  const plain = groups.find(({ first }) => first.method.id === 'standard' && first.loss.id === group.first.loss.id);
  const [own, other] = [meanAttacked(group, eps), plain && meanAttacked(plain, eps)];
  if (own === undefined || other === undefined || group === plain) return '–';
  return other.share === 0 ? 'plain 0' : (own.share / other.share).toFixed(2);
}

function checksText(first: RetrievalEntry, entries: readonly RetrievalEntry[]): string {
  if (first.refused !== undefined) return `refused: ${markdownText(first.refused)}`;
  const total = (status: 'pass' | 'warn' | 'fail'): number => entries.reduce((sum, entry) => sum + sanityCounts(entry)[status], 0);
  const parts = [`${total('pass')} passed`, total('warn') > 0 && `${total('warn')} warned`, total('fail') > 0 && `${total('fail')} failed`].filter((part) => part !== false);
  return `${first.unreliable ? '**unreliable**, ' : ''}${parts.join(', ')}`;
}

/** Entries as a table of plain text for terminals, best first. */
export function formatRetrievalTable(entries: readonly RetrievalEntry[]): string {
  if (entries.length === 0) return 'No results.\n';
  const sorted = [...entries].sort(byRetrieval);
  const budgets = budgetsOf(sorted);
  const digits = (tally: { correct: number; n: number } | undefined): string => (tally === undefined ? '-' : percentDigits(share(tally), tally.n));
  const lines = [
    ['arm', 'loss', 'clean', ...budgets.map((eps) => `eps ${epsText(eps)}`), 'worst branch', 'checks'],
    ...sorted.map((entry) => [
      plainText(entry.id), plainText(entry.loss.id), digits(entry.clean.recall1), ...budgets.map((eps) => digits(entry.evaluations.find(({ threat }) => threat.eps === eps)?.robust)), digits(entry.worstBranch),
      entry.refused !== undefined ? 'refused' : entry.unreliable ? 'unreliable' : `${sanityCounts(entry).pass} ok${sanityCounts(entry).warn > 0 ? `, ${sanityCounts(entry).warn} warned` : ''}`,
    ]),
  ];
  const widths = lines[0]!.map((_, i) => Math.max(...lines.map((line) => line[i]!.length)));
  const text = lines.map((line) => line.map((cell, i) => (i < 2 || i === line.length - 1 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!))).join('  ').trimEnd());
  const refused = sorted.flatMap(({ id, refused: why }) => (why === undefined ? [] : [plainText(`${id} refused: ${why}`)]));
  return [text[0]!, widths.map((width) => '-'.repeat(width)).join('  '), ...text.slice(1), 'Recall@1 in %: clean over all test images, attacked over the queries.', ...refused, ''].join('\n');
}

// Control characters would move the cursor or change the terminal's colors.
const plainText = (text: string): string => text.replace(/[\p{Cc}\p{Cf}\s]+/gu, ' ').trim();
