// Foolbox's minimum-norm attacks on the reference networks, with the records' own parameters, on some of the images; all of them are
// compared by npm run bench:reference. Every input of ours is checked in plain arithmetic by attackReference.
import type { Attack } from '@robustjs/core';
import { useWasm } from '@robustjs/testkit';
import { attackReference, compareWithRecord, type ReferenceRecord, referenceNetworks } from '@robustjs/testkit/reference';
import { describe, expect, it } from 'vitest';
import { cw, ddn, ead, fmn } from '../../src/index.ts';

useWasm();

type Params = Readonly<Record<string, number>>;
const constants = ({ binary_search_steps, steps }: Params): object => ({ binarySearchSteps: binary_search_steps, steps });

interface Case {
  readonly images: number;
  /** Networks it is run on here. Default: both. */
  readonly networks?: readonly string[];
  readonly ours: (params: Params) => Attack;
}

/** Ours for each record. C&W and EAD take thousands of gradients: they have few images, and one network each. */
const cases: Readonly<Record<string, Case>> = {
  DDN: { images: 40, ours: ({ steps, gamma, init_epsilon }) => ddn({ steps: steps!, gamma: gamma!, radius: init_epsilon! }) },
  LInfFMN: { images: 40, ours: ({ steps }) => fmn({ steps: steps! }) },
  L1FMN: { images: 40, ours: ({ steps }) => fmn({ steps: steps! }) },
  L2CarliniWagner: { images: 5, networks: ['adversarial'], ours: (params) => cw({ ...constants(params), alpha: params['stepsize']! }) },
  EAD: { images: 5, networks: ['standard'], ours: (params) => ead({ ...constants(params), alpha: params['initial_stepsize']!, beta: params['regularization']! }) },
};

for (const network of referenceNetworks()) {
  describe.skipIf(!network.present)(`the ${network.name} network`, () => {
    const here = Object.entries(cases).filter(([, { networks }]) => networks === undefined || networks.includes(network.name));
    it.each(here)('under %s: no more robust, and no farther by more than 2 %', async (name, { images, ours }) => {
      const reference = await network.load(images);
      const record = reference.records.find(({ attack, library }) => attack === name && library === 'foolbox') as ReferenceRecord;
      const run = await attackReference(reference, ours(record.params as Params), { norm: record.norm });
      reference.dispose();
      const { robust, medianNorm } = compareWithRecord(record, run);
      expect(robust.ours).toBe(0);
      expect(medianNorm!.ours / medianNorm!.theirs).toBeLessThan(1.02);
    });
  });
}
