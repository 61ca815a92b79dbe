import { expect, it } from 'vitest';
import type { Attacked } from '../../src/evaluate/attack-rows.ts';
import { type Hits, Found } from '../../src/evaluate/found.ts';

const LABELS = Int32Array.of(0, 1, 2, 0, 1);

/** An attack on rows 1 and 3 that ended in these classes at these distances; it says that it broke both. */
const finding = (predicted: number[], more: Partial<Hits> = {}, distances = [0.1, 0.1]): Hits => {
  const none = new Int32Array(2);
  const attacked: Attacked = {
    broken: [true, true], predicted: Int32Array.from(predicted), distances: Float32Array.from(distances), gradientCalls: none, queries: none, changed: [true, true], kept: new Map(),
    violations: 0, disagreements: 0, weightsMoved: false,
  };
  return { step: { part: 'sanity', name: 'S15', eps: 0.1 }, threat: { norm: 'Linf', eps: 0.1 }, rows: Int32Array.of(1, 3), labels: LABELS, attacked, ...more };
};
const after = (...findings: Hits[]): ReturnType<Found['among']> => {
  const found = new Found({ norm: 'Linf', eps: 0.1 });
  findings.forEach((one) => found.note(one));
  return found.among([0, 1, 2, 3]);
};

// Row 1 has label 1, row 3 label 0.
it('counts rows that are misclassified within the budget, each once, and says by what', () => {
  expect(after()).toEqual({ broken: 0, by: [] });
  expect(after(finding([1, 2]))).toEqual({ broken: 1, by: ['S15'] });
  expect(after(finding([1, 2]), finding([-1, 2], { step: { part: 'curve', name: 'pgd', eps: 0.05 }, threat: { norm: 'Linf', eps: 0.05 } }))).toEqual({ broken: 2, by: ['S15', 'curve'] });
  expect(after(finding([2, 2], { step: { part: 'attack', name: 'fgsm', eps: 0.05 }, threat: { norm: 'Linf', eps: 0.05 } }))).toEqual({ broken: 2, by: ['fgsm at 0.05'] });
});

it('leaves out what is beyond the budget, of another norm, or about another model', () => {
  // Of a search without a budget the row at 0.1 counts.
  expect(after(finding([2, 2], { threat: { norm: 'Linf', eps: Infinity } }, [0.11, 0.09]))).toEqual({ broken: 1, by: ['S15'] });
  for (const more of [{ threat: { norm: 'L2', eps: 0.1 } }, { threat: { norm: 'Linf', eps: 0.2 } }, { instead: 'backbone' }, { frozen: true }]) expect(after(finding([2, 2], more, [0.2, NaN]))).toEqual({ broken: 0, by: [] });
});
