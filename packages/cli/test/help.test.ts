import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { exitCodeOf } from '../src/exit-codes.ts';
import { programOf } from '../src/program.ts';
import { MAIN, ROOT, robustjs } from './support.ts';

const commands = programOf(() => {}).commands.map((command) => [command.name(), command] as const);

describe('--help', () => {
  it.each(commands)('of %s shows every option, argument and the global ones', async (name, command) => {
    const { code, stdout } = await robustjs([name, '--help'], ROOT);
    expect(code).toBe(0);
    expect(command.description()).not.toBe('');
    for (const { flags, description } of command.options) {
      expect(stdout).toContain(flags);
      expect(description).not.toBe('');
    }
    for (const argument of command.registeredArguments) expect(stdout).toContain(argument.name());
    for (const flag of ['--json', '--debug']) expect(stdout).toContain(flag);
  });

  it('loads nothing but commander: that is what keeps it fast', () => {
    // Static imports only; what a command needs is imported when it runs.
    const seen = new Set<string>();
    const outside = new Set<string>();
    const follow = (file: string): void => {
      if (seen.has(file)) return;
      seen.add(file);
      for (const [, from = ''] of readFileSync(file, 'utf8').matchAll(/^(?:import|export)\b[^;]*?from '([^']+)'|^import '([^']+)'/gm)) {
        if (from.startsWith('.')) follow(join(dirname(file), from));
        else outside.add(from);
      }
    };
    follow(MAIN);
    expect([...outside].filter((name) => !name.startsWith('node:'))).toEqual(['commander']);
  });

  it('prints the version of the package', async () => {
    const { version } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8')) as { version: string };
    expect(await robustjs(['--version'], ROOT)).toMatchObject({ code: 0, stdout: `${version}\n` });
  });
});

describe('exit statuses', () => {
  // As docs/guides/cli.md lists them.
  it.each([
    ['RJS_USAGE', 2], ['RJS_EPS', 2], ['RJS_METHOD', 2], ['RJS_DATA_ID', 2], ['RJS_EVALUATE_OPTION', 2],
    ['RJS_DATA_MISSING', 3], ['RJS_RECIPE', 3], ['RJS_EVALUATE_RANGE', 3], ['RJS_INPUT_RANGE', 3],
    ['RJS_ABORTED', 130], ['RJS_DIVERGED', 1], ['RJS_WASM_START', 1], ['RJS_DATA', 1],
  ])('%s: %i', (code, status) => {
    expect(exitCodeOf(code)).toBe(status);
  });
});
