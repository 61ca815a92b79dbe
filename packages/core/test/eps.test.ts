import { describe, expect, it } from 'vitest';
import { parseEps, RobustError } from '../src/index.ts';

describe('parseEps', () => {
  it('reads numbers and fractions', () => {
    expect(parseEps(0.03)).toBe(0.03);
    expect(parseEps(0)).toBe(0);
    expect(parseEps('8/255')).toBe(8 / 255);
    expect(parseEps(' 8 / 255 ')).toBe(8 / 255);
    expect(parseEps('0.5')).toBe(0.5);
    expect(parseEps('1e-3')).toBe(0.001);
    expect(parseEps(Infinity)).toBe(Infinity);
  });

  it.each([-1, NaN, -Infinity, '', ' ', 'eight', '8/0', '8/255/2', '-1/255', '8/', '/255'])('refuses %o', (eps) => {
    expect(() => parseEps(eps)).toThrow(expect.objectContaining({ code: 'RJS_EPS' }));
  });

  it('says what it wants, what it got and what to do', () => {
    expect(() => parseEps('8/0')).toThrow(
      new RobustError('RJS_EPS', {
        expected: 'eps as a non-negative number or a fraction',
        got: '"8/0"',
        fix: "write 0.03 or '8/255', in the units of the model's bounds",
      }),
    );
  });
});

describe('RobustError', () => {
  it('reads as a sentence and keeps its code and cause', () => {
    const cause = new Error('disk');
    const error = new RobustError('RJS_SEED', { expected: 'a seed', got: 'none', fix: 'give one', cause });
    expect(error.message).toBe('Expected a seed, got none (give one)');
    expect([error.name, error.code, error.cause]).toEqual(['RobustError', 'RJS_SEED', cause]);
    expect(error).toBeInstanceOf(Error);
  });
});
