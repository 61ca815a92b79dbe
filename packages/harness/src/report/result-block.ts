import type { Entry } from '../evaluate/index.ts';
import { boardKey, groupBy, meanClean, type SeedGroup, seedGroups } from './groups.ts';
import { meanText, plainCount, robustText, seedsText } from './leaderboard.ts';
import { markdownTable, markdownText, replaceBetween } from './markdown.ts';
import { ranking, threatsOf, worstAttack, worth } from './rank.ts';
import { epsText } from './words.ts';

/**
 * A plugin's README with its measured results between `<!-- result:start -->` and `<!-- result:end -->`: a table a
 * data set and threat, with the undefended network for comparison where its entry is among them.
 *
 * @throws RobustError `RJS_REPORT_MARKERS` when the README lacks the markers.
 */
export function renderResultBlock(readmeText: string, entries: readonly Entry[]): string {
  const boards = groupBy(entries, boardKey).map(resultTable);
  const content = boards.length > 0 ? [...boards, NOTE].join('\n\n') : 'Nothing has been measured yet.';
  return replaceBetween(readmeText, 'result', content);
}

const NOTE = 'Percentages with 95 % intervals; robust: right under every attack of the suite. Generated from the records of the benchmark.';

function resultTable(board: readonly Entry[]): string {
  const threats = threatsOf(board);
  const n = ranking(board[0]!)?.robust.n;
  const title = `${markdownText(board[0]!.dataset.id)}${n === undefined ? '' : `, ${plainCount(n)} images attacked`}:`;
  const head = ['Method', 'Network', 'Seeds', 'Clean', ...threats.map(({ type, eps }) => `Robust, ${markdownText(type)} ${epsText(eps)}`), 'Worst attack', 'Gradient calls in training', 'Device'];
  const right = [3, ...threats.map((_, i) => 4 + i), 5 + threats.length];
  return `${title}\n\n${markdownTable(head, seedGroups(board).map((group) => rowOf(group, threats)), right)}`;
}

function rowOf(group: SeedGroup, threats: ReturnType<typeof threatsOf>): string[] {
  const { first, entries } = group;
  const verdict = ['', ', unreliable', ', refused'][first.refused ? 2 : worth(first) === 1 ? 1 : 0]!;
  const calls = entries.flatMap(({ training }) => (training ? [training.gradientCalls] : []));
  return [
    markdownText(`${first.method.id} ${first.method.version}${verdict}`),
    markdownText(first.model.architecture),
    seedsText(entries),
    meanText(meanClean(group)),
    ...threats.map((threat) => robustText(group, threat)),
    markdownText(worstAttack(ranking(first))?.id ?? '–'),
    calls.length > 0 ? plainCount(calls.reduce((sum, value) => sum + value, 0) / calls.length) : '–',
    markdownText(`${first.runtime.id} ${first.runtime.variant}`),
  ];
}
