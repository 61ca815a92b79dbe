import type { EntryAbout } from '../evaluate/index.ts';
import { canonicalJson, publishable, type Recipe, recipeHash } from '../recipe.ts';
import type { LoadedMethod, Trained } from '../train/index.ts';

/** What an entry says of a network that was trained from a recipe. */
export function aboutOf(recipe: Recipe, method: LoadedMethod, { steps, gradientCalls }: Pick<Trained, 'steps' | 'gradientCalls'>): EntryAbout {
  const { id, package: name, version, options } = method;
  const paper = method.plugin?.paper;
  return {
    method: { id, package: name, version, options },
    ...(paper && { paper: { title: paper.title, authors: paper.authors, venue: paper.venue, year: paper.year, url: paper.url } }),
    reconstruction: paper?.reconstruction ?? false,
    architecture: architectureName(recipe.architecture),
    preprocessing: 'none',
    additionalData: false,
    training: { recipe: portable(recipe), recipeHash: recipeHash(recipe), steps, gradientCalls, seed: recipe.seed },
    reported: null,
  };
}

/** A recipe as it is published, with its keys sorted, so that equal recipes give equal text. */
const portable = (recipe: Recipe): unknown => JSON.parse(canonicalJson(publishable(recipe))) as unknown;

function architectureName({ id, options }: Recipe['architecture']): string {
  const { widths } = options;
  return Array.isArray(widths) ? `${id} ${widths.map(Number).join('-')}` : id;
}
