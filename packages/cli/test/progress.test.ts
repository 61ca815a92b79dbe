import { describe, expect, it } from 'vitest';
import { duration } from '../src/ui/duration.ts';
import { lines } from '../src/ui/progress.ts';
import { textTable } from '../src/ui/table.ts';
import { nearest } from '../src/usage.ts';
import { resumeCommand } from '../src/interrupt.ts';

describe('progress in a pipe', () => {
  it('is at most one line in five seconds, with rate and time left since the stage began', () => {
    const written: string[] = [];
    let now = 100;
    const view = lines((text) => written.push(text), () => now);
    const update = (second: number, done: number, stage: string): void => {
      now = 100 + second;
      view.update({ name: 'a', stage, done, total: 100, unit: 'steps' });
    };
    update(0, 20, 'training');
    update(2, 30, 'training');
    update(5, 40, 'training'); // 20 steps in 5 seconds; 60 are left.
    update(9, 50, 'pgd');
    update(11, 60, 'pgd'); // 10 in 2 seconds; 40 are left.
    expect(written).toEqual([
      'a, training: 20/100 steps, starting',
      'a, training: 40/100 steps, 4.0 steps/s, 15 s left',
      'a, pgd: 60/100 steps, 5.0 steps/s, 8 s left',
    ]);
  });
});

describe('words', () => {
  it.each([[8.4, '8 s'], [59.6, '1:00 min'], [125, '2:05 min'], [4200, '1:10 h'], [-1, '0 s']])('%d seconds are %s', (seconds, text) => {
    expect(duration(seconds)).toBe(text);
  });

  it('aligns tables', () => {
    expect(textTable([['name', 'n'], ['a', '10'], ['long name', '5']])).toBe('name        n\n---------  --\na          10\nlong name   5');
    expect(textTable([['name', 'n'], ['a', 'x']], 'words')).toBe('name  n\n----  -\na     x');
  });

  it.each([['trade', 'trades'], ['pdg', 'pgd'], ['chess', undefined]])('takes %s for %s', (word, known) => {
    expect(nearest(word, ['pgd', 'trades', 'noise'])).toBe(known);
  });

  it('quotes what a shell would take apart, and adds the folder only once', () => {
    expect(resumeCommand(['bench', '--only', "it's"], 'runs/a b')).toMatch(/ bench --only 'it'\\''s' --out 'runs\/a b'$/);
    expect(resumeCommand(['bench', '--out=x'], 'x')).toMatch(/ bench --out=x$/);
  });
});
