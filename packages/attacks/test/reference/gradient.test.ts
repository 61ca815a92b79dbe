// FGSM, PGD and MI-FGSM of torchattacks and APGD-CE of the authors, with the records' own parameters, on all 200 images of both networks: no
// more robust than the records say by more than the tolerance of the references, one percent. Every input of ours is checked in plain
// arithmetic by attackReference.
import type { Attack } from '@robustjs/core';
import { useWasm } from '@robustjs/testkit';
import { attackReference, compareWithRecord, referenceNetworks } from '@robustjs/testkit/reference';
import { describe, expect, it } from 'vitest';
import { apgdCe, fgsm, miFgsm, pgd } from '../../src/index.ts';

useWasm();

type Params = Readonly<Record<string, number>>;

const descent = ({ steps, alpha }: Params): Attack => pgd({ steps: steps!, alpha: alpha!, randomStart: false });

/** Ours for each record, and how many records a network has. */
const cases: readonly (readonly [attack: string, records: number, ours: (params: Params) => Attack])[] = [
  ['FGSM', 1, () => fgsm()],
  ['PGD', 1, descent],
  ['PGDL2', 1, descent],
  ['MIFGSM', 1, ({ steps, alpha, decay }) => miFgsm({ steps: steps!, alpha: alpha!, decay: decay! })],
  ['APGD-CE', 6, ({ n_iter, n_restarts }) => apgdCe({ steps: n_iter!, restarts: n_restarts! })],
];

for (const network of referenceNetworks()) {
  describe.skipIf(!network.present).each(cases)(`%s on the ${network.name} network`, (name, count, ours) => {
    it('breaks as many of all images as the record says, under each norm and budget', async () => {
      const reference = await network.load();
      const records = reference.records.filter(({ attack }) => attack === name);
      expect(records).toHaveLength(count);
      for (const record of records) {
        const { norm, eps, params } = record;
        const { robust } = compareWithRecord(record, await attackReference(reference, ours(params as Params), { norm, eps: eps! }));
        expect(robust.ours, `${norm} ${eps}`).toBeLessThanOrEqual(robust.theirs + 0.01 * reference.ids.length);
      }
      reference.dispose();
    });
  });
}
