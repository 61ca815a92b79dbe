import { describe, expect, it } from 'vitest';
import type { Recipe } from '@robustjs/harness';
import { budgetOf } from '../src/budget.ts';
import { remarksOn } from '../src/remarks.ts';

const elsewhere = { bounds: [0, 1] } as const;
const trained = { bounds: [0, 1], recipe: { evaluation: { norm: 'Linf', eps: [0.1, 0.2] } } as unknown as Recipe } as const;

describe('the budget', () => {
  it('is what was asked for, and then nothing is remarked', () => {
    expect(budgetOf(trained, { threat: 'L2', eps: ['0.5', '1'] })).toEqual({ norm: 'L2', eps: ['0.5', '1'] });
  });

  it('else is the recipe’s, or Linf 8/255 in [0, 1], and so it is said', () => {
    expect(budgetOf(trained, {})).toEqual({ norm: 'Linf', eps: [0.2], remark: 'Not asked for, so taken from its recipe: threat Linf, eps 0.2.' });
    expect(budgetOf(elsewhere, {})).toEqual({ norm: 'Linf', eps: ['8/255'], remark: 'Not asked for, so taken by default: threat Linf, eps 8/255.' });
    expect(budgetOf(elsewhere, { threat: 'Linf' })).toMatchObject({ remark: 'Not asked for, so taken by default: eps 8/255.' });
  });

  it.each([
    ['of another norm than the recipe’s', trained, { threat: 'L2' }, /--eps beside L2/],
    ['of L1', elsewhere, { threat: 'L1' }, /--eps beside L1/],
    ['in pixels', elsewhere, { threat: 'patch' }, /--eps beside patch, a number of pixels.*--eps 5/],
    ['in gray levels', { bounds: [0, 255] as const }, {}, /inputs in \[0, 255\].*--eps 8\)/],
  ])('is not guessed %s', (_, subject, flags, says) => {
    expect(() => budgetOf(subject, flags)).toThrow(says);
  });
});

describe('remarks on a model', () => {
  const opened = { softmaxRemoved: false, outputs: 'logits', architecture: 'tf.GraphModel' } as const;
  const flat = (...operations: string[]): typeof opened & { gradients: { missing: string[]; flat: string[]; open: boolean } } => ({ ...opened, gradients: { missing: [], flat: operations, open: false } });

  it('propose to pass straight through what can be, and what else there is for the rest', () => {
    expect(remarksOn(flat('ArgMax', 'Round'))).toEqual([
      'The gradient of Round is zero: --straight-through Round lets attacks pass (BPDA).',
      expect.stringMatching(/^The gradient of ArgMax is zero, and the identity is no stand-in for it: attack by queries .*square.*module that exports predict/),
    ]);
  });

  it('say nothing of what is passed already', () => {
    expect(remarksOn(flat('Round'), ['Round'])).toEqual([]);
    expect(remarksOn(flat('Round', 'Sign'), ['Round'])).toEqual(['The gradient of Sign is zero: --straight-through Round,Sign lets attacks pass (BPDA).']);
  });
});
