import { armLabel, tallyCell } from '../cells.ts';
import { type Html, html } from '../html.ts';
import { type Column, table } from '../table.ts';
import { count, duration, epsText, percentDigits } from '../words.ts';
import { budgetsOf, evaluationOf, type RetrievalArm, share } from './arms.ts';

/** All arms side by side, best first. */
export function retrievalTable(arms: readonly RetrievalArm[]): Html {
  const robust = budgetsOf(arms.map(({ entry }) => entry)).map((eps): Column<RetrievalArm> => ({
    title: html`Attacked, eps&nbsp;${epsText(eps)}`,
    cell: ({ entry }) => {
      const found = evaluationOf(entry, eps);
      return found ? tallyCell(found.robust) : html`<span class="muted">not evaluated</span>`;
    },
  }));
  return table('Recall@1 without attack over all test images, and of the attacked queries under the worst of all attacks, with 95 % intervals', [
    { title: 'Method', cell: (arm) => html`${armLabel(arm)}<small>${arm.entry.loss.id}</small>` },
    { title: 'Clean', cell: ({ entry }) => tallyCell(entry.clean.recall1) },
    ...robust,
    { title: 'MAP@R', number: true, cell: ({ entry }) => percentDigits(entry.clean.mapAtR, entry.clean.recall1.n) },
    { title: 'Training', cell: ({ entry, details }) => html`${entry.training ? count(entry.training.gradientCalls) : '–'}<small class="wrap">gradients${details.timing?.seconds['train'] !== undefined && `, ${duration(details.timing.seconds['train'])}`}</small>` },
  ], arms);
}

/** How the embeddings of each arm lie, on classes trained on and on others. */
export function geometryTable(arms: readonly RetrievalArm[]): Html {
  const rows = arms.flatMap((arm) => [{ arm, part: 'training classes', geometry: arm.entry.geometry.train }, { arm, part: 'test classes', geometry: arm.entry.geometry.test }]);
  const figure = (value: number | null | undefined): string => (value === null || value === undefined ? '–' : String(Number(value.toPrecision(3))));
  return table('Density is the mean cosine distance inside classes over that between class means; spectral decay is 0 where all directions are used alike', [
    { title: 'Method', cell: ({ arm }) => armLabel(arm) },
    { title: 'Embeddings of', cell: ({ part, geometry }) => html`${part}<small class="wrap">${count(geometry.n)} images</small>` },
    { title: 'Density', number: true, cell: ({ geometry }) => figure(geometry.density?.ratio) },
    { title: 'Inside', number: true, cell: ({ geometry }) => figure(geometry.density?.intra) },
    { title: 'Between', number: true, cell: ({ geometry }) => figure(geometry.density?.inter) },
    { title: 'Spectral decay', number: true, cell: ({ geometry }) => figure(geometry.spectralDecay) },
    { title: 'NMI', number: true, cell: ({ geometry }) => figure(geometry.nmi) },
  ], rows);
}

/** What each attack left on its own, budget by budget. */
export function queryAttacksTable(arms: readonly RetrievalArm[]): Html {
  const rows = arms.flatMap((arm) => arm.entry.evaluations.flatMap(({ threat, attacks, robust }) => attacks.map((attack) => ({ arm, threat, attack, n: robust.n }))));
  return table('Recall@1 under each attack on its own', [
    { title: 'Method', cell: ({ arm }) => armLabel(arm) },
    { title: 'Attack', cell: ({ attack, threat }) => html`${attack.id}${attack.config['steps'] !== undefined && `, ${Number(attack.config['steps'])} steps`}<small class="wrap">eps ${epsText(threat.eps)}</small>` },
    { title: 'Recall@1', number: true, cell: ({ attack, n }) => percentDigits((attack.rows - attack.brokenAlone) / Math.max(1, n), n) },
    { title: 'Gradients', number: true, cell: ({ attack }) => count(attack.gradientCalls) },
  ], rows);
}

/** One sentence for people who read no further. */
export function retrievalHeadline([best, ...others]: readonly RetrievalArm[]): string {
  if (best === undefined) return 'No results yet.';
  const { robust, threat } = best.entry.evaluations.at(-1)!;
  const plain = [best, ...others].find(({ entry }) => entry.method.id === 'standard' && entry.loss.id === best.entry.loss.id);
  const beside = plain === undefined || plain === best ? '' : `; ${plain.name} for ${percentDigits(share(evaluationOf(plain.entry, threat.eps)?.robust ?? { correct: 0, n: 1 }), robust.n)} %`;
  return `${best.name} still retrieves the right class for ${percentDigits(share(robust), robust.n)} % of ${count(robust.n)} queries under every attack at ${threat.type} eps ${epsText(threat.eps)}${beside}.`;
}
