// FAB and Square of the authors' AutoAttack and DeepFool of torchattacks on the reference networks, with the records' own
// parameters, on some of the images; all of them are compared by npm run bench:reference. Every input of ours is checked in
// plain arithmetic by attackReference.
import type { Attack } from '@robustjs/core';
import { useWasm } from '@robustjs/testkit';
import { attackReference, compareWithRecord, referenceNetworks } from '@robustjs/testkit/reference';
import { describe, expect, it } from 'vitest';
import { deepFool, fab, square } from '../../src/index.ts';

useWasm();

type Params = Readonly<Record<string, number>>;

/** Ours for each record, and on how many images. */
const cases: readonly (readonly [attack: string, images: number, ours: (params: Params) => Attack])[] = [
  ['FAB', 12, ({ n_iter, n_restarts }) => fab({ steps: n_iter!, restarts: n_restarts! })],
  ['Square', 24, ({ n_queries, p_init }) => square({ queries: n_queries!, initialShare: p_init! })],
  ['DeepFool', 24, ({ steps, overshoot }) => deepFool({ steps: steps!, overshoot: overshoot! })],
];

for (const network of referenceNetworks()) {
  describe.skipIf(!network.present).each(cases)(`%s on the ${network.name} network`, (name, images, ours) => {
    it('leaves at most one image more than the record does, and goes no farther by more than 2 %', async () => {
      const reference = await network.load(images);
      const records = reference.records.filter(({ attack }) => attack === name);
      expect(records.length).toBeGreaterThan(0);
      for (const record of records) {
        const { norm, eps, params } = record;
        const run = await attackReference(reference, ours(params as Params), { norm, ...(eps !== undefined && { eps }) });
        const { robust, medianNorm } = compareWithRecord(record, run);
        expect(robust.ours, `${norm} ${eps ?? ''}`).toBeLessThanOrEqual(robust.theirs + 1);
        if (eps === undefined) expect(medianNorm!.ours / medianNorm!.theirs, norm).toBeLessThan(1.02);
      }
      reference.dispose();
    });
  });
}
