// APGD-T beside the authors' code: on the first images, with each record's own steps and targets. All 200 images:
// npm run bench:reference.
import { attackReference, compareWithRecord, type Reference, referenceNetworks, type ReferenceRecord, useWasm } from '@robustjs/testkit';
import { describe, expect, it } from 'vitest';
import { apgdT } from '../../src/index.ts';

useWasm();

/** At most one image more is left than theirs leave: the luck of a random start. What was broken is checked on the way. */
async function expectAsStrong(reference: Reference, record: ReferenceRecord): Promise<void> {
  const { n_iter: steps, n_target_classes: targets } = record.params as Record<string, number>;
  const attack = apgdT({ steps: steps!, targets: targets! });
  const { robust } = compareWithRecord(record, await attackReference(reference, attack, { norm: record.norm, eps: record.eps! }));
  expect(robust.ours, JSON.stringify(record.params)).toBeLessThanOrEqual(robust.theirs + 1);
}

for (const network of referenceNetworks()) {
  describe.skipIf(!network.present)(`on the reference network ${network.name}`, () => {
    const compared = (images: number, wanted: (record: ReferenceRecord) => boolean) => async (): Promise<void> => {
      const reference = await network.load(images);
      const records = reference.records.filter((record) => record.attack === 'APGD-T' && wanted(record));
      expect(records.length).toBeGreaterThan(0);
      for (const record of records) await expectAsStrong(reference, record);
      reference.dispose();
    };

    // Nine targets cost nine times as much: each norm has its turn on one of the networks.
    const turns = network.name === 'standard' ? ['L2', 'L1'] : ['Linf'];
    it.each(turns)('APGD-T is as strong at the larger %s budget, on 4 images', (norm) =>
      compared(4, (record) => record.norm === norm && record.eps! > { Linf: 0.05, L2: 0.5, L1: 5 }[norm]!)());
  });
}
