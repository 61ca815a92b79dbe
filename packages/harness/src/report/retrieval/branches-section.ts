import type { BranchStatistic } from '../../retrieval/index.ts';
import { armLabel, tallyCell } from '../cells.ts';
import { type Html, html } from '../html.ts';
import { type Column, table } from '../table.ts';
import { epsText } from '../words.ts';
import { rankingOf, type RetrievalArm } from './arms.ts';

/** Every branch as if it were deployed, and what each norm of it saw. */
export function branchesSection(arms: readonly RetrievalArm[]): Html | undefined {
  const shown = arms.filter(({ entry }) => entry.branches.length > 1);
  if (shown.length === 0) return undefined;
  return html`<p>Networks with several batch norms: Recall@1 through each of them, gallery and queries alike. Only the first is deployed; the worst case counts a
query as right where it is right in every branch under every attack.</p>${shown.map(armBranches)}`;
}

function armBranches(arm: RetrievalArm): Html {
  const { branches, worstBranch } = arm.entry;
  const { threat } = rankingOf(arm.entry);
  const columns: Column<(typeof branches)[number]>[] = [
    { title: 'Branch', cell: ({ branch, untrained }) => (untrained ? `${branch} (never trained)` : branch) },
    { title: 'Recall@1, clean', cell: ({ clean }) => tallyCell(clean.recall1) },
    { title: `Recall@1, attacked, ${threat.type} ${epsText(threat.eps)}`, cell: ({ evaluation }) => tallyCell(evaluation.robust) },
  ];
  const { statistics = [] } = arm.details;
  return html`<h3>${armLabel(arm)}</h3>${table('Each branch as if it were deployed', columns, branches)}
${worstBranch && html`<p>Worst case over branches: ${tallyCell(worstBranch)}</p>`}
${statistics.length > 0 && html`<details><summary>What each norm saw, by branch</summary>${statisticsTable(statistics)}</details>`}`;
}

function statisticsTable(statistics: readonly BranchStatistic[]): Html {
  const names = [...new Set(statistics.flatMap(({ values }) => Object.keys(values)))];
  return table('Means over the channels of each norm', [
    { title: 'Norm', cell: ({ layer, branch }: BranchStatistic) => `${layer}, ${branch}` },
    ...names.map((name): Column<BranchStatistic> => ({ title: name, number: true, cell: ({ values }) => (values[name] === undefined ? '–' : String(Number(values[name].toPrecision(3)))) })),
  ], statistics);
}
