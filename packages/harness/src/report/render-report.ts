import { type Arm, armsOf, drawnArms } from './arms.ts';
import { armsTable } from './arms-table.ts';
import { attacksSection } from './attacks-section.ts';
import { epsPlot } from './eps-plot.ts';
import { Html, html } from './html.ts';
import { HALF, plotFigure, WIDE } from './plot-figure.ts';
import { picturesSection } from './pictures-section.ts';
import { ranking } from './rank.ts';
import { recipeSection } from './recipe-section.ts';
import { sanitySection } from './sanity-section.ts';
import { STYLE } from './style.ts';
import { summarySection } from './summary.ts';
import { lossPlot, validationPlot } from './training-plots.ts';
import type { ReportInput } from './types.ts';
import { count, epsText } from './words.ts';

/**
 * A run as one HTML page: summary, table of arms, plots, adversarial examples, attacks, sanity tests and recipes. It
 * loads nothing from anywhere, follows the reader's light or dark theme, and is the same text for the same input.
 *
 * @returns the page, to be written to a file as UTF-8.
 */
export async function renderReport(input: ReportInput): Promise<string> {
  const arms = armsOf(input);
  const sections = await sectionsOf(arms, input);
  const [first] = arms;
  return html`<!doctype html>
<html lang="en"><head><meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark"><meta name="referrer" content="no-referrer">
<title>Robustness report${first && `: ${first.entry.dataset.id}`}</title>
<style>${new Html(STYLE)}</style></head>
<body><a class="skip" href="#results">Skip to the results</a>
<header><p class="eyebrow">RobustJS report${first && html` <span>${contextLine(first)}</span>`}</p>
${summarySection(arms)}
<nav aria-label="Parts of this report">${sections.map(({ id, title }) => html`<a href="#${id}">${title}</a>`)}</nav></header>
<main>${sections.map(({ id, title, body }) => html`<section id="${id}" aria-labelledby="${id}-title"><h2 id="${id}-title">${title}</h2>
${body}</section>`)}</main>
<footer>${GLOSSARY}</footer></body></html>
`.markup;
}

interface Section {
  readonly id: string;
  readonly title: string;
  readonly body: Html | undefined;
}

async function sectionsOf(arms: readonly Arm[], input: ReportInput): Promise<Section[]> {
  const drawn = drawnArms(arms);
  const suite = drawn.some(({ entry }) => entry.curve && entry.evaluations.length > 0);
  const note = suite ? 'Lines: one attack, at rising budgets. Diamonds: the whole suite of attacks, moved sideways where they would hide each other. ' : '';
  const sections: Section[] = [
    { id: 'results', title: 'Results', body: armsTable(arms) },
    { id: 'budget', title: 'Accuracy against budget', body: await plotFigure(epsPlot(drawn), drawn, WIDE, `${note}${curveNote(drawn)}Bands are 95 % intervals.`) },
    { id: 'training', title: 'Training', body: await trainingSection(arms) },
    { id: 'pictures', title: 'Pictures', body: await picturesSection(arms, input.classNames) },
    { id: 'attacks', title: 'Attack by attack', body: attacksSection(arms) },
    { id: 'checks', title: 'Can these numbers be trusted?', body: sanitySection(arms) },
    { id: 'recipe', title: 'Recipe and versions', body: recipeSection(arms) },
  ];
  return arms.length === 0 ? [] : sections.filter(({ body }) => body !== undefined);
}

async function trainingSection(arms: readonly Arm[]): Promise<Html | undefined> {
  const loss = await plotFigure(lossPlot(arms), arms, HALF, 'Training loss by epoch. Each method minimizes its own loss, so compare shapes, not heights.');
  const validation = await plotFigure(validationPlot(arms), arms, HALF, 'Accuracy on validation examples by epoch.');
  return loss || validation ? html`<div class="pair">${loss}${validation}</div>` : undefined;
}

function curveNote(arms: readonly Arm[]): string {
  const curve = arms.map(({ entry }) => entry.curve).find((found) => found !== undefined);
  return curve ? `The lines use ${curve.attack} on ${count(curve.n)} examples. ` : '';
}

function contextLine({ entry }: Arm): string {
  const evaluation = ranking(entry);
  const threat = evaluation ? `, ${evaluation.threat.type} eps ${epsText(evaluation.threat.eps)}` : '';
  return `${entry.dataset.id}, ${entry.model.architecture}${threat}`;
}

const GLOSSARY: Html = html`<h2>How to read this</h2><dl class="facts">
<dt>Robust accuracy</dt><dd>Share of the attacked images that the model still gets right after every attack of the suite has tried. Images it gets wrong without attack count as not robust.</dd>
<dt>eps</dt><dd>The budget: how far an attack may move an image, in the units of the model’s input. Linf bounds the change of every single value, L2 and L1 that of the image as a whole.</dd>
<dt>95 % interval</dt><dd>Wilson’s interval for a share: what other images of the same kind would plausibly give. Where two intervals overlap, these numbers do not say which method is better; robustjs compare, which looks at the same images one by one, may.</dd>
<dt>Gradient calls</dt><dd>How often a gradient was taken for one example: the cost of a method or an attack, whatever the machine.</dd>
<dt>Worst attack</dt><dd>The attack that breaks most images on its own, at the largest budget.</dd></dl>`;
