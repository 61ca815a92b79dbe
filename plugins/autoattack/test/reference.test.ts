// The suite beside the authors' code, on the first images. All 200 images: npm run bench:reference.
import { attackReference, compareWithRecord, referenceNetworks, useWasm } from '@robustjs/testkit';
import { describe, expect, it } from 'vitest';
import { autoAttack } from '../src/index.ts';

useWasm();

for (const network of referenceNetworks()) {
  describe.skipIf(!network.present)(`on the reference network ${network.name}`, () => {
    // An image that stands to the end costs 1900 gradients: one norm each.
    const [norm, eps] = network.name === 'standard' ? ['L2', 1] as const : ['Linf', 0.1] as const;
    it(`AutoAttack under ${norm} of ${eps} breaks what the authors' breaks, of 3 images`, async () => {
      const reference = await network.load(3);
      const record = reference.records.find((one) => one.attack === 'AutoAttack-standard' && one.norm === norm && one.eps === eps)!;
      const attack = autoAttack({ queries: Number(record.params['square_queries']) });
      const { robust, missed } = compareWithRecord(record, await attackReference(reference, attack, { norm, eps }));
      expect(missed).toEqual([]);
      expect(robust.ours).toBeLessThanOrEqual(robust.theirs);
      reference.dispose();
    });
  });
}
