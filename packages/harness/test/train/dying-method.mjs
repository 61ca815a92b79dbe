// PGD adversarial training of one step for workers.test.ts, whose first `deaths` objectives off the main thread end that thread,
// one way or another; the marker files count them over all threads.
import { existsSync, writeFileSync } from 'node:fs';
import { isMainThread } from 'node:worker_threads';
import { RobustError } from '@robustjs/core';
import { dispose, mul } from '@tensorflow/tfjs-core';
import { pgdAt } from '@robustjs/pgd-at';

const ways = {
  exit: () => process.exit(9),
  // Outside of the job.
  throw: () => new Promise(() => setTimeout(() => { throw new Error('thrown beside the job'); })),
  refuse() {
    throw new RobustError('RJS_TEST', { expected: 'rows', got: 'others', fix: 'none' });
  },
};

/** Whether this death is still to come; it is taken at the same time. */
function due(marker, deaths) {
  for (let i = 0; i < deaths; i++) {
    if (existsSync(`${marker}${i}`)) continue;
    try {
      writeFileSync(`${marker}${i}`, '', { flag: 'wx' });
      return true;
    } catch {
      // Another thread was first.
    }
  }
  return false;
}

export const plugin = {
  id: 'dying',
  kind: 'defense',
  options: { parse: (value) => value, toJSONSchema: () => ({}) },
  create({ marker, deaths = 0, way = 'exit', hook = false }) {
    const defense = pgdAt({ norm: 'Linf', eps: 0.1, steps: 1, randomStart: true });
    return {
      async objective(model, batch, tools) {
        const objective = await defense.objective(model, batch, tools);
        if (!isMainThread && due(marker, deaths)) await ways[way]();
        return objective;
      },
      ...(hook && { before: async (model) => dispose(model.parameters.map(({ variable }) => { const less = mul(variable, 0.9); variable.assign(less); return less; })) }),
    };
  },
};
