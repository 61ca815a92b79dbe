import { attacks, catalogue } from '@robustjs/attacks';
import { recipeJsonSchema, trackDocument, trackNamed, tracks } from '@robustjs/harness';
import { costText } from '../attacks-page.ts';
import type { Context } from '../context.ts';
import { dataSetStates } from '../data-sets.ts';
import { exitCodes } from '../exit-codes.ts';
import { findPlugins } from '../plugins.ts';
import { textTable } from '../ui/table.ts';
import { nearest, usage } from '../usage.ts';

type Row = Readonly<Record<string, unknown>>;

/** `robustjs list`. With an id it shows that one thing in full, as JSON. */
export async function listThings(things: string, id: string | undefined, context: Context): Promise<number> {
  if (things === 'schema') return show(await schemaNamed(id ?? 'recipe'), context);
  if (things === 'tracks' && id !== undefined) return show(trackDocument(trackNamed(id)), context);
  const rows = await rowsOf(things, context.cwd);
  if (id !== undefined) return show({ ...rowNamed(rows, id), ...detailsOf(things, id) }, context);
  context.result({ [things]: rows });
  context.line(textTable([columnsOf(rows), ...rows.map((row) => columnsOf(rows).map((column) => words(row[column])))], 'words'));
  return exitCodes.ok;
}

function show(value: object, { json, line, result }: Context): number {
  if (json) result(value);
  else line(JSON.stringify(value, null, 2));
  return exitCodes.ok;
}

async function schemaNamed(id: string): Promise<object> {
  const { entryJsonSchema } = await import('@robustjs/harness');
  const schemas: Readonly<Record<string, object>> = { recipe: recipeJsonSchema, entry: entryJsonSchema };
  if (Object.hasOwn(schemas, id)) return schemas[id]!;
  throw usage(`a schema among ${Object.keys(schemas).join(', ')}`, JSON.stringify(id), 'name one of these');
}

function rowsOf(things: string, cwd: string): Promise<Row[]> | Row[] {
  switch (things) {
    case 'methods':
      return methodRows(cwd);
    case 'attacks':
      return Object.entries(catalogue).map(([id, facts]) => {
        const { norms, targeted, needs, budget } = facts;
        return { id, norms: norms.join(' '), targeted: targeted ? 'yes' : 'no', needs, budget, cost: costText(facts) };
      });
    case 'data':
      return dataRows();
    default:
      return Object.values(tracks).map(({ id, title, tiers }) => ({ id, title, tiers: Object.keys(tiers).join(', ') }));
  }
}

/** What is too long for a line. */
const detailsOf = (things: string, id: string): Row =>
  things === 'attacks' ? { ...catalogue[id], defaults: attacks[id]!().config } : {};

async function methodRows(cwd: string): Promise<Row[]> {
  return (await findPlugins(cwd)).map(({ package: name, method, problem }) => ({
    id: method?.id ?? name,
    package: name,
    version: method?.version ?? '',
    paper: method?.plugin === undefined ? (problem ?? 'training on clean examples') : `${method.plugin.paper.title} (${method.plugin.paper.venue} ${method.plugin.paper.year})`,
  }));
}

const dataRows = async (): Promise<Row[]> => (await dataSetStates()).map(({ id, state, about, fix }) => ({ id, state, about: state === 'here' ? about : (fix ?? about) }));

function rowNamed(rows: readonly Row[], id: string): Row {
  const found = rows.find((row) => row['id'] === id || row['package'] === id);
  if (found !== undefined) return found;
  const ids = rows.map((row) => String(row['id']));
  const guess = nearest(id, ids);
  throw usage(`one of ${ids.join(', ')}`, JSON.stringify(id), guess === undefined ? 'name one of these' : `did you mean ${guess}?`);
}

const columnsOf = (rows: readonly Row[]): string[] => Object.keys(rows[0] ?? {});

// Text columns are read, not compared: objects become key=value.
function words(value: unknown): string {
  if (typeof value !== 'object' || value === null) return String(value);
  return Object.entries(value).map(([key, part]) => `${key}=${String(part)}`).join(' ');
}
