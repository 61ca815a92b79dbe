import type { RetrievalEntry } from '../../retrieval/index.ts';
import { markdownTable, replaceBetween } from '../markdown.ts';
import { epsText } from '../words.ts';
import { evaluationOf, share } from './arms.ts';
import { claimsTable } from './claims.ts';
import { type MeasuredArm, measuredArms, type RetrievalEntryWithExamples } from './measured-arms.ts';
import { deviation, mean } from './paired-seeds.ts';

/**
 * A page with the track's claims beside what was measured, between `<!-- claims:start -->` and `<!-- claims:end -->`: claims, arms, single attacks.
 *
 * @throws RobustError `RJS_REPORT_MARKERS` when the page lacks the markers.
 */
export function renderClaims(text: string, stored: readonly RetrievalEntryWithExamples[]): string {
  const arms = measuredArms(stored);
  const parts = arms.size === 0 ? ['No entries yet.'] : [scope([...arms.values()]), '### Claims', claimsTable(arms), NOTE, '### Arms', armsTable([...arms.values()]), '### Attack by attack', attacksTable([...arms.values()])];
  return replaceBetween(text, 'claims', parts.join('\n\n'));
}

const NOTE = 'Recall@1 in percent. Attacked: under the worst of all attacks, query by query. Intervals are paired, at 95 %, over seeds and queries. Shown: the interval lies beyond zero in the direction of the claim, after the factor or the allowance that it names.';

function scope([first]: readonly MeasuredArm[]): string {
  const { dataset, model, queries, evaluations } = first!.entries[0]!;
  return `${dataset.id}: ${dataset.n} images of ${dataset.classes} unseen classes, ${queries.n} of them attacked (${evaluations[0]!.threat.type}); trained on ${dataset.training.n} images of ${dataset.training.classes} classes; ${model.architecture}, ${model.dimensions} dimensions; seeds ${first!.seeds.join(', ')}.`;
}

/** Mean and deviation over seeds. */
function spread(entries: readonly RetrievalEntry[], pick: (entry: RetrievalEntry) => number | null | undefined, digits = 1, factor = 100): string {
  const values = entries.flatMap((entry) => pick(entry) ?? []).map((value) => factor * value);
  return values.length === 0 ? '–' : `${mean(values).toFixed(digits)} ± ${deviation(values).toFixed(digits)}`;
}

function armsTable(arms: readonly MeasuredArm[]): string {
  const budgets = [...new Set(arms.flatMap((arm) => arm.budgets))];
  const head = ['Arm', 'Seeds', 'Clean', ...budgets.map((eps) => `eps ${epsText(eps)}`), 'Worst branch', 'MAP@R', 'NMI', 'Density ratio', 'Spectral decay'];
  const rows = arms.map(({ name, entries, seeds }) => [
    `\`${name}\``,
    String(seeds.length),
    spread(entries, ({ clean }) => share(clean.recall1)),
    ...budgets.map((eps) => spread(entries, (entry) => { const at = evaluationOf(entry, eps); return at && share(at.robust); })),
    spread(entries, ({ worstBranch }) => worstBranch && share(worstBranch)),
    spread(entries, ({ clean }) => clean.mapAtR),
    spread(entries, ({ geometry }) => geometry.test.nmi),
    spread(entries, ({ geometry }) => geometry.test.density?.ratio, 2, 1),
    spread(entries, ({ geometry }) => geometry.test.spectralDecay, 2, 1),
  ]);
  return `${markdownTable(head, rows, head.map((_, i) => i).slice(1))}\n\nMean ± deviation over seeds. Density ratio and spectral decay are those of the test embeddings; worst branch: right in every branch, at the largest budget.`;
}

function attacksTable(arms: readonly MeasuredArm[]): string {
  const label = ({ id, config }: RetrievalEntry['evaluations'][number]['attacks'][number]): string => (config['steps'] === undefined ? id : `${id}, ${Number(config['steps'])} steps`);
  const names = [...new Set(arms.flatMap(({ entries }) => entries.flatMap(({ evaluations }) => evaluations.flatMap(({ attacks }) => attacks.map(label)))))];
  const rows = arms.flatMap(({ name, entries, budgets }) => budgets.map((eps) => [
    `\`${name}\``,
    epsText(eps),
    ...names.map((attack) => spread(entries, (entry) => {
      const evaluation = evaluationOf(entry, eps);
      const found = evaluation?.attacks.find((each) => label(each) === attack);
      return found && (found.rows - found.brokenAlone) / evaluation!.robust.n;
    })),
  ]));
  return `${markdownTable(['Arm', 'eps', ...names], rows, [1, ...names.map((_, i) => i + 2)])}\n\nRecall@1 under each attack on its own.`;
}
