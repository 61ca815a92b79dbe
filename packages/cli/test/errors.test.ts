import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { encodeSafetensors } from '@robustjs/nn';
import { writeNpy } from '@robustjs/datasets';
import { beforeAll, describe, expect, it } from 'vitest';
import { parsed, robustjs, ROOT, temporaryFolder } from './support.ts';

const cwd = temporaryFolder();

beforeAll(() => {
  writeFileSync(join(cwd, 'not.json'), '{');
  writeFileSync(join(cwd, 'recipe.json'), JSON.stringify({ schema: 1, track: 'image-classification', tier: 'custom' }));
  writeFileSync(join(cwd, 'cut.safetensors'), new Uint8Array(20));
  writeFileSync(join(cwd, 'foreign.safetensors'), encodeSafetensors({ tensors: new Map([['w', { shape: [1], values: Float32Array.of(1) }]]), metadata: {} }));
  writeFileSync(join(cwd, 'other.json'), '{"hello": 1}');
  writeFileSync(join(cwd, 'a-file'), '');
  writeFileSync(join(cwd, 'x.npy'), writeNpy(new Float32Array(4), [4]));
  mkdirSync(join(cwd, 'taken'));
  writeFileSync(join(cwd, 'taken', 'file'), '');
});

// Each kind of bad input: the arguments, the exit status as the guide lists it, and what the message must say.
const cases: [what: string, args: string[], code: number, says: RegExp][] = [
  ['a misspelt option', ['bench', '--teir', 'smoke'], 2, /Did you mean --tier\?/],
  ['a misspelt command', ['evalute'], 2, /Did you mean evaluate\?/],
  ['a tier that there is not', ['bench', '--tier', 'huge'], 2, /Allowed choices are smoke, small, paper/],
  ['a track that there is not', ['bench', '--track', 'chess'], 2, /RJS_TRACK.*image-classification/],
  ['a misspelt method', ['bench', '--only', 'trade'], 2, /RJS_USAGE.*did you mean trades\?/],
  ['a number that is none', ['bench', '--workers', 'many'], 2, /Expected a whole number of at least 1/],
  ['a budget that is none', ['evaluate', 'cut.safetensors', '--eps', '8/0x'], 2, /Expected budgets such as 0.03 or 8\/255/],
  ['a recipe and a method', ['train', 'recipe.json', '--method', 'standard'], 2, /RJS_USAGE.*got both/],
  ['neither recipe nor method', ['train'], 2, /RJS_USAGE.*got neither/],
  ['a network that there is not', ['evaluate', 'pgd-att'], 2, /RJS_USAGE/],
  ['an attack that there is not', ['attack', 'foreign.safetensors', '--attack', 'pdg'], 2, /did you mean pgd\?/],
  ['an option that the attack has not', ['attack', 'foreign.safetensors', '--attack', 'pgd:step=3'], 2, /RJS_ATTACK_OPTION/],
  ['an entry that there is not', ['compare', 'a', 'b'], 2, /RJS_USAGE/],
  ['no name for the plugin', ['new', 'plugin', 'My Plugin'], 2, /RJS_USAGE.*my-method/],
  ['a word of the language as a name', ['new', 'plugin', 'class'], 2, /RJS_USAGE/],
  ['a leaderboard outside of the repository', ['leaderboard'], 2, /RJS_USAGE/],
  ['a file that there is not', ['train', 'nowhere.json'], 3, /RJS_FILE.*no such file/],
  ['a file that is no JSON', ['train', 'not.json'], 3, /RJS_FILE.*not\.json/],
  ['a recipe with a hole', ['train', 'recipe.json'], 3, /RJS_RECIPE.*'architecture'/],
  ['a network file that is cut off', ['evaluate', 'cut.safetensors'], 3, /RJS_SAFETENSORS/],
  ['a network file of someone else', ['evaluate', 'foreign.safetensors'], 3, /RJS_NETWORK_FILE/],
  ['a model file that is none', ['evaluate', 'other.json'], 3, /RJS_MODEL_FORMAT/],
  ['an entry file that is none', ['compare', 'other.json', 'other.json'], 3, /RJS_ENTRY.*other\.json/],
  ['a data folder without the data', ['train', '--method', 'standard', '--data', 'npy', '--data-dir', 'taken'], 3, /RJS_DATA_/],
  ['a method that is not installed', ['train', '--method', 'trads'], 2, /RJS_USAGE.*did you mean trades\?/],
  ['an option that the method has not', ['train', '--method', 'trades', '--option', 'betta=3'], 2, /RJS_METHOD_OPTIONS.*betta/],
  ['a file where a run is to go', ['bench', '--tier', 'smoke', '--out', 'a-file'], 3, /RJS_FILE.*a file in its place/],
  ['a file where an evaluation is to go', ['evaluate', 'foreign.safetensors', '--out', 'a-file'], 3, /RJS_FILE.*a file in its place/],
  ['a file where adversarial examples are to go', ['attack', 'foreign.safetensors', '--out', 'a-file'], 3, /RJS_FILE.*a file in its place/],
  ['a file that is no network', ['evaluate', 'a-file'], 2, /RJS_USAGE.*safetensors/],
  ['an entry that is no JSON', ['compare', 'not.json', 'not.json'], 3, /RJS_ENTRY: Expected an entry as JSON in .*not\.json, got text that does not parse \([^()]*\)$/m],
  ['a folder that is taken', ['new', 'plugin', 'taken'], 3, /RJS_FILE.*empty folder/],
];

describe('bad input', () => {
  it.concurrent.each(cases)('%s', async (_what, args, code, says) => {
    const { stderr, stdout, ...finished } = await robustjs(args, cwd);
    expect(stderr).toMatch(says);
    expect(finished.code).toBe(code);
    expect(stdout).not.toMatch(/^ {4}at /m);
    expect(stderr).not.toMatch(/^ {4}at /m);
  });

  it('is an object with --json also where the command line does not parse', async () => {
    const { code, stdout } = await robustjs(['bench', '--teir', 'smoke', '--json'], cwd);
    expect(code).toBe(2);
    const { error } = parsed<{ error: { code: string; message: string } }>(stdout);
    expect(error.code).toBe('RJS_USAGE');
    expect(error.message).toContain("unknown option '--teir'");
  });

  it('leaves no folder of a run behind', async () => {
    const { code, stdout } = await robustjs(['train', '--method', '@robustjs/trade'], cwd);
    expect(code).toBe(2);
    expect(stdout).toBe('');
    expect(existsSync(join(cwd, 'robustjs-runs'))).toBe(false);
  });

  it('points to a page that explains it', async () => {
    const { stdout } = await robustjs(['train', 'nowhere.json', '--json'], cwd);
    const [page = '', anchor = ''] = parsed<{ error: { docs: string } }>(stdout).error.docs.split('#');
    expect(readFileSync(join(ROOT, page), 'utf8')).toContain(`<a id="${anchor}"></a>`);
  });

  it('is an object with --json, and has a stack with --debug', async () => {
    const { code, stdout, stderr } = await robustjs(['train', 'nowhere.json', '--json', '--debug'], cwd);
    expect(code).toBe(3);
    expect(parsed(stdout)).toMatchObject({ error: { code: 'RJS_FILE', docs: 'docs/errors/README.md#rjs_file' } });
    expect(stderr).toMatch(/^ {4}at /m);
    expect(stderr).toContain('caused by');
  });
});
