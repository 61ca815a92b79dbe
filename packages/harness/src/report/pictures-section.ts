import type { Arm } from './arms.ts';
import { armLabel } from './cells.ts';
import { Html, html } from './html.ts';
import { differencePixels, imagePixels, largestChange, pngDataUri } from './png.ts';
import type { Picture } from './types.ts';
import { epsText, plural } from './words.ts';

/** Characters that all pictures together may take, so that a report stays quick to load. */
const BUDGET = 1_200_000;
const MOST_PER_ARM = 12;

type Names = readonly string[] | undefined;

/** Clean image, adversarial image and their difference, for each arm that has pictures. */
export async function picturesSection(arms: readonly Arm[], classNames: Names): Promise<Html | undefined> {
  const shown = arms.filter(({ pictures }) => pictures.length > 0);
  if (shown.length === 0) return undefined;
  const groups = await Promise.all(shown.map((arm) => armPictures(arm, classNames, BUDGET / shown.length)));
  return html`<p>Each card: the clean image, the image after the attack, and what the attack changed.
An image is <b>fooled</b> when the model no longer gives the right class, and <b>holds</b> when it still does.</p>
${groups}`;
}

async function armPictures(arm: Arm, classNames: Names, budget: number): Promise<Html> {
  const candidates = arm.pictures.slice(0, MOST_PER_ARM);
  const largest = largestChange(candidates);
  const budgets = [...new Set(candidates.map(({ eps }) => epsText(eps)))];
  const cards: Html[] = [];
  let size = 0;
  for (const picture of candidates) {
    const made = await card(arm, picture, largest, classNames);
    size += made.markup.length;
    if (size > budget && cards.length > 0) break;
    cards.push(made);
  }
  const omitted = cards.length < arm.pictures.length && ` ${cards.length} of ${plural(arm.pictures.length, 'picture')} shown.`;
  return html`<section class="gallery" aria-labelledby="${arm.anchor}-pictures"><h3 id="${arm.anchor}-pictures">${armLabel(arm)}</h3>
<p class="muted">Attacked with eps ${budgets.join(', ')}. ${scaleText(largest, candidates[0]?.shape.at(-1) === 3)}${omitted}</p>
<ul class="cards"${classNames && new Html(' style="--card:18rem"')}>${cards}</ul></section>`;
}

function scaleText(largest: number, color: boolean): string {
  if (largest === 0) return 'The attack changed nothing in these images.';
  const size = epsText(largest);
  const factor = `Differences are scaled by ${Number((1 / largest).toPrecision(3))}: full color is a change of ${size}, the largest here.`;
  return color ? `${factor} Grey is no change; brighter channels were raised, darker ones lowered.` : `${factor} Blue pixels were made darker, orange ones lighter, white ones left alone.`;
}

async function card(arm: Arm, picture: Picture, largest: number, classNames: Names): Promise<Html> {
  const { shape, label } = picture;
  const bounds = arm.entry.model.bounds;
  const name = (index: number): string => (index < 0 ? 'nothing finite' : (classNames?.[index] ?? String(index)));
  const fooled = picture.adversarialPrediction !== label;
  const [clean, adversarial, difference] = await Promise.all([
    pngDataUri(imagePixels(picture.clean, shape, bounds)),
    pngDataUri(imagePixels(picture.adversarial, shape, bounds)),
    pngDataUri(differencePixels(picture, largest)),
  ]);
  const [says, saysNow] = [name(picture.cleanPrediction), name(picture.adversarialPrediction)];
  const texts = {
    clean: `Example ${picture.id}, clean; label ${name(label)}, model says ${says}`,
    attacked: `Example ${picture.id} after ${picture.attack} with eps ${epsText(picture.eps)}; model says ${saysNow}`,
    difference: `What ${picture.attack} changed in example ${picture.id}`,
  };
  const figure = (src: string, kind: keyof typeof texts, below?: Html): Html =>
    html`<figure><img src="${src}" width="${shape[1] ?? 1}" height="${shape[0] ?? 1}" alt="${texts[kind]}"><figcaption><span>${kind}</span>${below}</figcaption></figure>`;
  return html`<li class="card"><div class="triple">
${figure(clean, 'clean', answer(says, picture.cleanPrediction === label))}
${figure(adversarial, 'attacked', answer(saysNow, !fooled))}
${figure(difference, 'difference')}
</div><p>${fooled ? FOOLED : HOLDS}<small>label <b>${name(label)}</b> · ${picture.attack} · no.&nbsp;${picture.id}</small></p></li>`;
}

const FOOLED: Html = html`<span class="badge fail">fooled</span>`;
const HOLDS: Html = html`<span class="badge pass">holds</span>`;

function answer(text: string, right: boolean): Html {
  return html`<b class="${right ? 'right' : 'wrong'}">${text}</b>`;
}
