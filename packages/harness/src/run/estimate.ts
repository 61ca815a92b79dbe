import type { MetricRecipe } from '../metric-recipe.ts';
import type { AttackRecipe, ClassificationRecipe, Recipe } from '../recipe.ts';

/** Images a second in the two things that take time: a pass with the input's gradient, and one without. */
export interface Speed {
  readonly gradientsPerSecond: number;
  readonly forwardsPerSecond: number;
}

/** Passes that a recipe takes at most, example by example. */
export interface Work {
  readonly gradients: number;
  readonly forwards: number;
}

// Quick sanity checks repeat parts of the suite with other steps and budgets.
const SANITY_SHARE = 0.5;
// Full ones besides: PGD of many steps, restarts and targets on up to 100 rows, noise and Square on up to 200 that stand.
const FULL = { gradients: 800, rows: 100, forwards: 2100, survivors: 200 };
// A training step also takes the gradient of every weight.
const UPDATE_GRADIENTS = 2;

/**
 * An upper bound of a recipe's work: as if no attack broke anything, so that no row left early.
 *
 * @param sizes how many examples the data set has, for recipes that take all of them.
 */
export function workOf(recipe: Recipe, sizes: { readonly train: number; readonly test: number }): Work {
  const { data, training, method } = recipe;
  const trained = (data.train ?? sizes.train) * training.epochs;
  const work = recipe.track === 'metric-learning' ? retrievalWork(recipe, sizes.test) : classificationWork(recipe, sizes.test);
  return { gradients: trained * (attackSteps(method) + UPDATE_GRADIENTS) + work.gradients, forwards: work.forwards };
}

const suiteWork = (attacks: readonly AttackRecipe[]): Work => attacks.map(attackWork).reduce(add, { gradients: 0, forwards: 0 });

function classificationWork({ evaluation, tier }: ClassificationRecipe, test: number): Work {
  const { clean, attacked = clean ?? test, eps, curve } = evaluation;
  const suite = suiteWork(evaluation.attacks);
  const line = curve === undefined ? 0 : attackWork(curve.attack).gradients * curve.eps.length * curve.examples;
  const full = evaluation.checks === 'full' || (evaluation.checks === undefined && tier !== 'smoke');
  const checks = full ? { gradients: FULL.gradients * Math.min(attacked, FULL.rows), forwards: FULL.forwards * Math.min(attacked, FULL.survivors) } : { gradients: 0, forwards: 0 };
  return {
    gradients: (suite.gradients * attacked * eps.length + line) * (1 + SANITY_SHARE) + checks.gradients,
    forwards: suite.forwards * attacked * eps.length + (clean ?? test) + checks.forwards,
  };
}

// Other branches of a method are attacked at the largest budget; how many it has, a recipe does not say.
const OTHER_BRANCHES = 2;

function retrievalWork({ data, evaluation }: MetricRecipe, test: number): Work {
  const gallery = data.test ?? test;
  const { queries = gallery, eps } = evaluation;
  const suite = suiteWork(evaluation.attacks);
  const rounds = queries * (eps.length + OTHER_BRANCHES);
  return { gradients: suite.gradients * rounds * (1 + SANITY_SHARE), forwards: suite.forwards * rounds + gallery * (1 + OTHER_BRANCHES) };
}

/** Seconds that some arms take, so many at a time, each as long as it takes; longest first. */
export function secondsOf(works: readonly Work[], speed: Speed, processes: number): number {
  const busy = Array<number>(Math.max(1, processes)).fill(0);
  const each = works.map(({ gradients, forwards }) => gradients / speed.gradientsPerSecond + forwards / speed.forwardsPerSecond);
  for (const seconds of each.sort((a, b) => b - a)) {
    const free = busy.indexOf(Math.min(...busy));
    busy[free]! += seconds;
  }
  return Math.max(...busy);
}

const number = (value: unknown, otherwise: number): number => (typeof value === 'number' ? value : otherwise);

// What plugins call their steps; one that has none trains without an attack only where it is plain training.
const attackSteps = ({ package: name, options }: Recipe['method']): number => (name === 'standard' ? 0 : number(options['steps'], 10));

function attackWork({ id, options }: AttackRecipe): Work {
  if (id === 'noise') return { gradients: 0, forwards: number(options['draws'], 100) };
  const steps = id === 'fgsm' || id === 'rfgsm' ? 1 : number(options['steps'], 10);
  return { gradients: steps * number(options['restarts'], 1), forwards: 1 };
}

const add = (a: Work, b: Work): Work => ({ gradients: a.gradients + b.gradients, forwards: a.forwards + b.forwards });
