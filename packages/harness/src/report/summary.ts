import type { Accuracy, EntryEvaluation } from '../evaluate/index.ts';
import { PUBLISHED_SIZE } from '../evaluate/published-size.ts';
import { type Arm, soundArms } from './arms.ts';
import { type Html, html, type Part } from './html.ts';
import { bestKnown, evaluationAt, overlap, ranking, sanityCounts, shareOf, worth } from './rank.ts';
import { count, epsText, listing, plainPercent, plural } from './words.ts';

/** What came out, in one sentence for people who read no further. */
export function headline(arms: readonly Arm[]): string {
  const [best] = arms;
  const evaluation = best && ranking(best.entry);
  if (!best || !evaluation) return arms.length === 0 ? 'No results yet.' : 'No model was attacked, so nothing is known about robustness.';
  const { threat } = evaluation;
  const robust = bestKnown(evaluation);
  const where = `under every attack at ${threat.type} eps ${epsText(threat.eps)}`;
  const noun = imageNoun(best.entry.dataset.id);
  const baseline = undefendedBeside(best, arms);
  const caution = worth(best.entry) === 0 ? '' : ', but this result does not count: see the checks';
  if (robust.correct === 0) return `${capital(best.name)} keeps none of ${count(robust.n)} ${noun} right ${where}${caution}.`;
  const rest = baseline ? `; ${baseline.arm.name} keeps ${kept(baseline.tally)}` : '';
  return `${capital(best.name)} keeps ${kept(robust)} of ${count(robust.n)} ${noun} right ${where}${caution}${rest}.`;
}

/** Headline, what qualifies it, and the figures to remember. */
export function summarySection(arms: readonly Arm[]): Html {
  const remarks = [tieRemark(arms), clearWinRemark(arms), ...verdictRemarks(arms), smallSampleRemark(arms)].filter((remark) => remark !== undefined);
  return html`<h1>${headline(arms)}</h1>
${remarks.length > 0 && html`<ul class="remarks">${remarks.map((remark) => html`<li>${remark}</li>`)}</ul>`}
${tiles(arms)}`;
}

/** What the examples are called. */
function imageNoun(dataset: string): string {
  return /^e?mnist/i.test(dataset) ? 'digits' : 'images';
}

function kept(tally: Accuracy): string {
  return tally.correct === 0 ? 'none' : plainPercent(shareOf(tally), tally.n);
}

function capital(text: string): string {
  return text.replace(/^standard/, 'Standard');
}

function undefendedBeside(best: Arm, arms: readonly Arm[]): { arm: Arm; tally: Accuracy } | undefined {
  const arm = arms.find(({ entry }) => entry.method.id === 'standard');
  const evaluation = arm && arm !== best ? evaluationAt(arm.entry, ranking(best.entry)!.threat) : undefined;
  return arm && evaluation && { arm, tally: bestKnown(evaluation) };
}

function tiedWithBest(arms: readonly Arm[]): Arm[] {
  const [best, ...others] = soundArms(arms);
  const evaluation = best && ranking(best.entry);
  if (!evaluation) return [];
  return others.filter(({ entry }) => {
    const other = evaluationAt(entry, evaluation.threat);
    return other !== undefined && overlap(bestKnown(other).ci95, bestKnown(evaluation).ci95);
  });
}

function tieRemark(arms: readonly Arm[]): string | undefined {
  const tied = tiedWithBest(arms);
  if (tied.length === 0) return undefined;
  return `${capital(listing([soundArms(arms)[0]!.name, ...tied.map(({ name }) => name)]))} have 95 % intervals that overlap: which is better takes a comparison example by example (robustjs compare).`;
}

function clearWinRemark(arms: readonly Arm[]): string | undefined {
  const [best, second] = soundArms(arms);
  if (!best || !second || tiedWithBest(arms).length > 0) return undefined;
  return `Its 95 % interval lies above that of every other method.`;
}

function verdictRemarks(arms: readonly Arm[]): string[] {
  return arms.flatMap(({ entry, name }) => {
    if (entry.refused) return [`${capital(name)} was refused: ${entry.refused.replace(/\.?$/, '.')}`];
    if (entry.unreliable) return [`${capital(name)} is unreliable: signs that the attacks used are too weak for it, so its true robustness may be lower.`];
    return [];
  });
}

function smallSampleRemark(arms: readonly Arm[]): string | undefined {
  const smallest = Math.min(...arms.flatMap(({ entry }) => entry.evaluations.map(({ robust }) => robust.n)));
  if (!(smallest < PUBLISHED_SIZE)) return undefined;
  return `Only ${plural(smallest, 'example')} ${smallest === 1 ? 'was' : 'were'} attacked. The intervals are wide; figures meant to be published need ${PUBLISHED_SIZE} or more.`;
}

function tiles(arms: readonly Arm[]): Html | false {
  const [best] = arms;
  const evaluation = best && ranking(best.entry);
  if (!best || !evaluation) return false;
  const { threat } = evaluation;
  const robust = bestKnown(evaluation);
  return html`<dl class="tiles">
${tile('Best robust accuracy', plainPercent(shareOf(robust), robust.n), html`${best.name}, ${threat.type} eps ${epsText(threat.eps)}`)}
${tile('Its clean accuracy', plainPercent(shareOf(best.entry.clean), best.entry.clean.n), cleanCost(best, arms))}
${tile('Broken by attacks', brokenShare(evaluation), 'of the attacked images that it gets right at first')}
${checksTile(arms)}
</dl>`;
}

function brokenShare({ robust, attacks }: EntryEvaluation): string {
  const broken = attacks.at(-1)?.brokenUnion ?? 0;
  const atFirst = robust.correct + broken;
  return atFirst === 0 ? '–' : plainPercent(broken / atFirst, atFirst);
}

function cleanCost(best: Arm, arms: readonly Arm[]): string {
  const standard = arms.find(({ entry }) => entry.method.id === 'standard');
  if (!standard || standard === best) return `${count(best.entry.clean.correct)} of ${count(best.entry.clean.n)}`;
  const points = (shareOf(best.entry.clean) - shareOf(standard.entry.clean)) * 100;
  if (Math.abs(points) < 0.05) return `the same as ${standard.name}`;
  return `${Math.abs(points).toFixed(1)} points ${points < 0 ? 'below' : 'above'} ${standard.name}`;
}

function checksTile(arms: readonly Arm[]): Html {
  const counts = arms.map(({ entry }) => sanityCounts(entry));
  const sum = (key: 'pass' | 'warn' | 'fail'): number => counts.reduce((total, each) => total + each[key], 0);
  const [failed, warned, passed] = [sum('fail'), sum('warn'), sum('pass')];
  const troubles = [failed > 0 && `${failed} failed`, warned > 0 && plural(warned, 'warning')].filter((text) => text !== false);
  return tile('Sanity checks', `${passed} of ${passed + warned + failed}`, troubles.length > 0 ? `passed; ${listing(troubles)}` : 'passed');
}

function tile(term: string, value: string, note: Part): Html {
  return html`<div><dt>${term}</dt><dd><b>${value}</b><small>${note}</small></dd></div>`;
}
