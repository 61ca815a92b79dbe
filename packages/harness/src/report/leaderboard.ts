import type { Entry } from '../evaluate/index.ts';
import type { RetrievalEntry } from '../retrieval/index.ts';
import { boardKey, groupBy, type Mean, meanClean, meanRobust, type SeedGroup, seedGroups } from './groups.ts';
import { markdownLink, markdownTable, markdownText, replaceBetween } from './markdown.ts';
import { ranking, sanityCounts, sharedRanks, threatsOf, worstAttack, worth } from './rank.ts';
import { retrievalLeaderboard } from './retrieval/leaderboard.ts';
import { count, epsText, percentDigits } from './words.ts';

/**
 * The leaderboard as Markdown: a table for each data set and threat, best first. Methods whose 95 % intervals meet
 * that of the best of their rank share it. Entries that differ in their seeds only are one row, with the mean.
 * Unreliable and refused entries come last, without a rank.
 */
export function leaderboardTable(entries: readonly Entry[]): string {
  if (entries.length === 0) return 'No entries yet.';
  const boards = groupBy([...entries].sort((a, b) => (boardKey(a) < boardKey(b) ? -1 : boardKey(a) > boardKey(b) ? 1 : 0)), boardKey);
  return [...boards.map((board) => `${heading(board[0]!)}\n\n${boardTable(board)}`), NOTE].join('\n\n');
}

/**
 * A README with the leaderboard between `<!-- leaderboard:start -->` and `<!-- leaderboard:end -->`: image classification, then retrieval.
 *
 * @throws RobustError `RJS_REPORT_MARKERS` when the README lacks the markers.
 */
export function renderLeaderboardReadme(readmeText: string, entries: readonly Entry[], retrieval: readonly RetrievalEntry[] = []): string {
  const tables = [...(entries.length > 0 || retrieval.length === 0 ? [leaderboardTable(entries)] : []), ...(retrieval.length > 0 ? [retrievalLeaderboard(retrieval)] : [])];
  return replaceBetween(readmeText, 'leaderboard', tables.join('\n\n'));
}

const NOTE = `Accuracies are percentages, with 95 % intervals in brackets; robust accuracy is the worst case over all attacks, image by image. Methods whose intervals overlap that of the first of their rank share the rank.`;

function heading(entry: Entry): string {
  const evaluation = ranking(entry);
  const threat = evaluation ? `, ${evaluation.threat.type}, ${count(evaluation.robust.n)} images attacked` : '';
  return `### ${markdownText(entry.dataset.id)}${markdownText(threat)}`;
}

function boardTable(board: readonly Entry[]): string {
  const threats = threatsOf(board);
  const deciding = ranking(board[0]!)?.threat;
  const rows = seedGroups(board)
    .map((group) => ({ group, robust: deciding && meanRobust(group, deciding) }))
    .sort((a, b) => worth(a.group.first) - worth(b.group.first) || (b.robust?.share ?? 0) - (a.robust?.share ?? 0) || (a.group.first.id < b.group.first.id ? -1 : 1));
  const ranked = rows.filter(({ group }) => worth(group.first) === 0);
  const ranks = sharedRanks(ranked.map(({ robust }) => robust!.interval));
  const head = ['Rank', 'Method', 'Paper', 'Clean', ...threats.map(({ type, eps }) => `Robust, ${markdownText(type)} ${epsText(eps)}`), 'Worst attack', 'Gradient calls in training', 'Checks', 'Seeds', 'Runtime'];
  const right = [0, 3, ...threats.map((_, i) => 4 + i), 5 + threats.length];
  return markdownTable(head, rows.map(({ group }, i) => rowOf(group, ranks[i], threats)), right);
}

function rowOf(group: SeedGroup, rank: number | undefined, threats: ReturnType<typeof threatsOf>): string[] {
  const { first, entries } = group;
  const calls = entries.flatMap(({ training }) => (training ? [training.gradientCalls] : []));
  return [
    rank === undefined ? '–' : String(rank),
    methodCell(group),
    first.paper ? markdownLink(`${first.paper.venue} ${first.paper.year}`, first.paper.url) : '–',
    meanText(meanClean(group)),
    ...threats.map((threat) => robustText(group, threat)),
    markdownText(worstAttack(ranking(first))?.id ?? '–'),
    calls.length > 0 ? plainCount(calls.reduce((sum, value) => sum + value, 0) / calls.length) : '–',
    checksText(first, entries),
    seedsText(entries),
    markdownText(`${first.runtime.id} ${first.runtime.variant}`),
  ];
}

function methodCell({ first }: SeedGroup): string {
  const notes = [first.reconstruction && 'reconstruction', first.additionalData && 'additional data', first.model.architecture].filter((note) => note !== false);
  return `${markdownText(`${first.method.id} ${first.method.version}`)} (${markdownText(notes.join(', '))})`;
}

/** Best known robust accuracy, with what the suite alone left where that is more. */
export function robustText(group: SeedGroup, threat: Parameters<typeof meanRobust>[1]): string {
  const [known, suite] = [meanRobust(group, threat), meanRobust(group, threat, ({ robust }) => robust)];
  return known && suite && known.share < suite.share ? `${meanText(known)}, suite alone ${percentDigits(suite.share, suite.n)}` : meanText(known);
}

/** A share with its interval: `78.2 [74.4, 81.6]`. */
export function meanText(mean: Mean | undefined): string {
  if (!mean) return '–';
  const digits = (share: number): string => percentDigits(share, mean.n);
  return `${digits(mean.share)} [${digits(mean.interval[0])}, ${digits(mean.interval[1])}]`;
}

/** A whole number in groups of three, with plain spaces. */
export function plainCount(value: number): string {
  return count(Math.round(value)).replaceAll('\u202f', ' ');
}

function checksText(first: Entry, entries: readonly Entry[]): string {
  if (first.refused) return `refused: ${markdownText(first.refused)}`;
  const counts = entries.map(sanityCounts);
  const sum = (key: 'pass' | 'warn' | 'fail'): number => counts.reduce((total, each) => total + each[key], 0);
  const parts = [`${sum('pass')} passed`, sum('warn') > 0 && `${sum('warn')} warned`, sum('fail') > 0 && `${sum('fail')} failed`].filter((part) => part !== false);
  return `${first.unreliable ? '**unreliable**, ' : ''}${parts.join(', ')}`;
}

/** The seeds of some entries: `0, 1, 2`. */
export function seedsText(entries: readonly Entry[]): string {
  const seeds = entries.flatMap(({ training }) => (training ? [training.seed] : []));
  return seeds.length > 0 ? seeds.join(', ') : '–';
}
