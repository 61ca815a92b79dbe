import { drawnArms } from '../arms.ts';
import { Html, html } from '../html.ts';
import { HALF, plotFigure, WIDE } from '../plot-figure.ts';
import { sanitySection } from '../sanity-section.ts';
import { STYLE } from '../style.ts';
import { lossPlot, validationPlot } from '../training-plots.ts';
import { type RetrievalArm, retrievalArms, type RetrievalReportInput } from './arms.ts';
import { branchesSection } from './branches-section.ts';
import { recallPlot } from './plots.ts';
import { rowsSection } from './rows-section.ts';
import { embeddingSection } from './scatter.ts';
import { geometryTable, queryAttacksTable, retrievalHeadline, retrievalTable } from './tables.ts';

const OWN_STYLE = `
.retrievals{gap:.9rem;margin-top:.6rem}.card.retrieval{max-width:34rem}
.six{display:grid;grid-template-columns:repeat(6,1fr);gap:.4rem;margin-top:.4rem}
.six figure{margin:0}.six img{display:block;width:100%;height:auto;image-rendering:pixelated;border-radius:4px;border:2px solid var(--grid)}
.six .query{padding-right:.5rem}.six .right img{border-color:var(--pass)}.six .wrong img{border-color:var(--fail)}
.six figcaption{font-size:.7rem;line-height:1.3;color:var(--muted);overflow-wrap:anywhere}.six .wrong figcaption{color:var(--fail)}
.move{stroke:var(--muted);stroke-opacity:.45;stroke-width:.8}.moved{fill:none;stroke:var(--ink);stroke-width:.8}
${Array.from({ length: 7 }, (_, i) => `.class-${i}{fill:var(--arm-${i})}`).join('')}.class-7{fill:var(--arm-standard)}`;

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html | undefined;
}

/**
 * A run of the track `metric-learning` as one HTML page: table of arms, Recall@1 against budget, queries with what they retrieve before and after an
 * attack, embeddings in the plane, branches, attacks and sanity tests. It loads nothing from anywhere, and is the same text for the same input.
 *
 * @returns the page, to be written to a file as UTF-8.
 */
export async function renderRetrievalReport(input: RetrievalReportInput): Promise<string> {
  const arms = retrievalArms(input);
  const sections = arms.length === 0 ? [] : (await sectionsOf(arms)).filter(({ body }) => body !== undefined);
  const [first] = arms;
  const context = first && `${first.entry.dataset.id}, ${first.entry.dataset.classes} unseen classes, ${first.entry.model.architecture}`;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">
<title>Retrieval report${first && `: ${first.entry.dataset.id}`}</title>
<style>${new Html(STYLE + OWN_STYLE)}</style></head>
<body><a class="skip" href="#results">Skip to the results</a>
<header><p class="eyebrow">RobustJS report${context && html` <span>${context}</span>`}</p><h1>${retrievalHeadline(arms)}</h1>
<nav aria-label="Parts of this report">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav></header>
<main>${sections.map(({ id, title, body }) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${body}</section>`)}</main>
<footer>${GLOSSARY}</footer></body></html>
`.markup;
}

async function sectionsOf(arms: readonly RetrievalArm[]): Promise<Section[]> {
  const drawn = drawnArms(arms);
  return [
    { id: 'results', title: 'Results', body: retrievalTable(arms) },
    { id: 'budget', title: 'Recall@1 against budget', body: await plotFigure(recallPlot(drawn), drawn, WIDE, 'Worst case over all attacks, query by query, through the branch deployed. Bands are 95 % intervals.') },
    { id: 'training', title: 'Training', body: await trainingSection(arms) },
    { id: 'rows', title: 'Before and after the attack', body: await rowsSection(arms) },
    { id: 'embedding', title: 'The embeddings', body: html`${embeddingSection(arms)}${geometryTable(arms)}` },
    { id: 'branches', title: 'Branch by branch', body: branchesSection(arms) },
    { id: 'attacks', title: 'Attack by attack', body: html`<details><summary>Every attack at every budget</summary>${queryAttacksTable(arms)}</details>` },
    { id: 'checks', title: 'Can these numbers be trusted?', body: sanitySection(arms) },
    { id: 'recipe', title: 'Recipes', body: html`${arms.map(({ name, entry }) => html`<details><summary>${name}</summary><pre tabindex="0">${JSON.stringify(entry.training?.recipe ?? entry.method, null, 2)}</pre></details>`)}` },
  ];
}

async function trainingSection(arms: readonly RetrievalArm[]): Promise<Html | undefined> {
  const trained = arms.map((arm) => ({ ...arm, curve: arm.details.curves ?? [] }));
  const loss = await plotFigure(lossPlot(trained), arms, HALF, 'Training loss by epoch. Methods minimize different losses, so compare shapes, not heights.');
  const validation = await plotFigure(validationPlot(trained, 'Recall at 1 on validation classes'), arms, HALF, 'Recall@1 on validation classes by epoch: where a recipe keeps the best epoch, this chose it.');
  return loss || validation ? html`<div class="pair">${loss}${validation}</div>` : undefined;
}

const GLOSSARY: Html = html`<h2>How to read this</h2><dl class="facts">
<dt>Recall@1</dt><dd>Share of queries whose nearest neighbour among all other test images is of their class. No test class was trained on.</dd>
<dt>Attacked</dt><dd>The query was changed by at most eps in every value; the images searched were not. Queries that miss their class without an attack count as lost.</dd>
<dt>95 % interval</dt><dd>Wilson’s interval for a share: what other images of the same kind would plausibly give.</dd>
<dt>Branch</dt><dd>One of several sets of batch norms in a network, each for its own kind of inputs.</dd></dl>`;
