import type { Arm } from './arms.ts';
import { armLabel } from './cells.ts';
import { type Html, html } from './html.ts';
import { table } from './table.ts';
import { count } from './words.ts';

/** What determines the numbers: how the arms differ, their recipes in full, and the versions of everything. */
export function recipeSection(arms: readonly Arm[]): Html {
  return html`${differencesTable(arms)}${arms.map(details)}${versionsTable(arms)}`;
}

function details(arm: Arm): Html {
  const { training, method, model, dataset } = arm.entry;
  return html`<details><summary>${armLabel(arm)}: recipe and model</summary>
<dl class="facts">
${fact('Method', `${method.package} ${method.version}`)}
${fact('Network', `${model.architecture}, ${size(model.parameters)}`)}
${fact('Input', `${model.inputShape.join(' × ')}, values in [${model.bounds.join(', ')}]`)}
${fact('Data', `${dataset.id}, ${dataset.split}, ${count(dataset.n)} examples`)}
${training && fact('Training', `${count(training.steps)} steps, seed ${training.seed}`)}
${training && fact('Recipe hash', training.recipeHash)}
${model.weightsSha256 !== null && fact('Weights', `SHA-256 ${model.weightsSha256}`)}
${fact('Data hash', `SHA-256 ${dataset.sha256}`)}
</dl><pre tabindex="0">${JSON.stringify(training?.recipe ?? { method }, null, 2)}</pre></details>`;
}

// A network that is not ours may keep its weights to itself; its record says 0.
function size(parameters: number): string {
  return parameters === 0 ? 'number of parameters unknown' : `${count(parameters)} parameters`;
}

function fact(term: string, value: string): Html {
  return html`<dt>${term}</dt><dd>${value}</dd>`;
}

/** Settings in which the arms' recipes differ; everything else is the same in all of them. */
function differencesTable(arms: readonly Arm[]): Html | false {
  const recipes = arms.map(({ entry }) => new Map(leaves(entry.training?.recipe ?? { method: entry.method }, '')));
  const paths = [...new Set(recipes.flatMap((recipe) => [...recipe.keys()]))];
  const differing = paths.filter((path) => new Set(recipes.map((recipe) => recipe.get(path))).size > 1);
  if (arms.length < 2 || differing.length === 0) return false;
  return table('Settings in which the arms differ', [
    { title: 'Setting', cell: (path) => html`<code>${path}</code>` },
    ...arms.map((arm, i) => ({ title: armLabel(arm), cell: (path: string) => recipes[i]!.get(path) ?? html`<span class="muted">not set</span>` })),
  ], differing);
}

function leaves(value: unknown, path: string): [path: string, text: string][] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [[path, typeof value === 'string' ? value : JSON.stringify(value)]];
  return Object.entries(value).flatMap(([key, part]) => leaves(part, path ? `${path}.${key}` : key));
}

function versionsTable(arms: readonly Arm[]): Html {
  const text = ({ entry: { runtime, versions }, timing }: Arm): string[] => [
    `${runtime.id} ${runtime.version} (${runtime.variant})`,
    ...Object.entries(versions).map(([name, version]) => `${name} ${String(version)}`),
    ...[timing?.device, timing?.processor, timing?.startedAt && `started ${timing.startedAt}`].filter((part) => part !== undefined),
  ];
  return table('Versions and machine', [{ title: 'Method', cell: armLabel }, { title: 'Ran with', cell: (arm) => text(arm).join(' · ') }], arms);
}
