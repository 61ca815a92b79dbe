import { readFileSync } from 'node:fs';
import { attacks, catalogue } from '@robustjs/attacks';
import { expect, it } from 'vitest';
import { attacksPage } from '../src/attacks-page.ts';
import { parsed, robustjs, temporaryFolder } from './support.ts';

it('docs/attacks.md is what `robustjs leaderboard` makes of the catalogue', () => {
  expect(readFileSync(new URL('../../../docs/attacks.md', import.meta.url), 'utf8')).toBe(attacksPage());
});

it('shows every attack with what it takes and costs, and one in full with its defaults', async () => {
  const cwd = temporaryFolder();
  const { code, stdout } = await robustjs(['list', 'attacks', '--json'], cwd);
  expect(code).toBe(0);
  const { attacks: rows } = parsed<{ attacks: { id: string }[] }>(stdout);
  expect(rows.map(({ id }) => id)).toEqual(Object.keys(catalogue));
  expect(rows.find(({ id }) => id === 'pgd')).toMatchObject({ targeted: 'yes', needs: 'gradients', cost: 'gradients: steps * restarts; queries: restarts' });
  const one = await robustjs(['list', 'attacks', 'hop-skip-jump', '--json'], cwd);
  expect(parsed(one.stdout)).toMatchObject({ ...catalogue['hop-skip-jump'], id: 'hop-skip-jump', defaults: attacks['hop-skip-jump']!().config });
  expect((await robustjs(['list', 'attacks'], cwd)).stdout).toMatch(/^square +Linf L2 L1 /m);
});
