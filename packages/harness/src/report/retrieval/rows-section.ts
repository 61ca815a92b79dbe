import type { PicturedNeighbor, RetrievalPicture } from '../../retrieval/index.ts';
import { armLabel } from '../cells.ts';
import { type Html, html } from '../html.ts';
import { imagePixels, pngDataUri } from '../png.ts';
import { epsText } from '../words.ts';
import type { RetrievalArm } from './arms.ts';

const MOST_PER_ARM = 8;

/** Queries with what they retrieve, before and after an attack. */
export async function rowsSection(arms: readonly RetrievalArm[]): Promise<Html | undefined> {
  const shown = arms.filter(({ details }) => (details.pictures?.length ?? 0) > 0);
  if (shown.length === 0) return undefined;
  const groups = await Promise.all(shown.map(async (arm) => html`<section class="gallery" aria-labelledby="${arm.anchor}-rows"><h3 id="${arm.anchor}-rows">${armLabel(arm)}</h3>
<div class="pair retrievals">${await Promise.all(arm.details.pictures!.slice(0, MOST_PER_ARM).map((picture) => card(arm, picture)))}</div></section>`));
  return html`<p>Each pair of rows: a query and its five nearest neighbours among the clean test images, before and after the attack on the query.
A tick marks a neighbour of the query’s class, a cross one of another. Retrieval is <b>lost</b> when the first neighbour is of another class.</p>${groups}`;
}

async function card(arm: RetrievalArm, picture: RetrievalPicture): Promise<Html> {
  const { classNames } = arm.details;
  const { label, attack, eps, id } = picture;
  const name = (index: number): string => classNames?.[index] ?? String(index);
  const lost = picture.after[0]?.label !== label;
  return html`<div class="card retrieval"><p>${lost ? html`<span class="badge fail">lost</span>` : html`<span class="badge pass">holds</span>`}
<small>class <b>${name(label)}</b> · ${attack}, eps ${epsText(eps)} · no. ${id}</small></p>
${await row(arm, picture, picture.clean, 'clean', picture.before, name)}
${await row(arm, picture, picture.adversarial, 'attacked', picture.after, name)}</div>`;
}

async function row(arm: RetrievalArm, { shape, label, id }: RetrievalPicture, query: Float32Array, kind: 'clean' | 'attacked', neighbors: readonly PicturedNeighbor[], name: (label: number) => string): Promise<Html> {
  const image = async (pixels: Float32Array, alt: string): Promise<Html> =>
    html`<img src="${await pngDataUri(imagePixels(pixels, shape, arm.entry.model.bounds))}" width="${shape[1] ?? 1}" height="${shape[0] ?? 1}" alt="${alt}">`;
  const cells = await Promise.all(neighbors.map(async (neighbor, place) => {
    const right = neighbor.label === label;
    const alt = `Neighbour ${place + 1} of the ${kind} query ${id}: ${name(neighbor.label)}, ${right ? 'right' : 'wrong'}`;
    return html`<figure class="${right ? 'right' : 'wrong'}">${await image(neighbor.pixels, alt)}<figcaption>${right ? '✓' : '✕'} ${name(neighbor.label)}</figcaption></figure>`;
  }));
  return html`<div class="six"><figure class="query">${await image(query, `Query ${id}, ${kind}`)}<figcaption>${kind}</figcaption></figure>${cells}</div>`;
}
