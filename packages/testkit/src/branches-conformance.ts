import { type Branch, commitUpdates, type Defense, evaluation, MAIN, one, type Update } from '@robustjs/core';
import { copyBranch, type Network } from '@robustjs/nn';
import type { Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { expectSameBits, numbersOf } from './close.ts';
import type { TestFunctions } from './conformance.ts';
import { changedNames, disturb, snapshot, variablesOf } from './state.ts';
import { tinyBatch } from './tiny-batch.ts';
import { tinyNetworkFor } from './tiny-cnn.ts';
import { trainingStep } from './training.ts';

/** What holds of every defense whose network has normalization branches. */
export function branchesConformance(create: () => Defense, { describe, it }: TestFunctions): void {
  const onNetwork = async (work: (network: Network, inputs: Tensor, deployed: Branch, others: readonly Branch[]) => Promise<void>): Promise<void> => {
    const defense = create();
    const network = tinyNetworkFor(defense);
    const batch = tinyBatch(network);
    await trainingStep(defense, network, batch);
    const deployed = defense.deploys ?? MAIN;
    await work(network, batch.inputs, deployed, network.branches.filter((branch) => branch !== deployed));
    batch.dispose();
    network.dispose();
  };

  describe('branches', () => {
    it('has the branch that is deployed, and others', async () => {
      await onNetwork(async (network, _inputs, deployed, others) => {
        expect(network.branches).toContain(deployed);
        expect(others.length).toBeGreaterThan(0);
      });
    });

    it('moves the statistics of the branch that a pass is routed to, and of no other', async () => {
      await onNetwork(async (network, inputs) => {
        for (const branch of network.branches) {
          const before = await snapshot(network);
          const updates: Update[] = [];
          network.forward(inputs, { train: true, route: one(branch), updates }).dispose();
          commitUpdates(updates);
          const changed = await changedNames(network, before);
          expect(changed.filter((name) => name.includes(`@${branch}/`)).length).toBeGreaterThan(0);
          expect(changed.filter((name) => network.branches.some((other) => other !== branch && name.includes(`@${other}/`)))).toEqual([]);
        }
      });
    });

    it('deploys a branch that nothing in the others reaches', async () => {
      await onNetwork(async (network, inputs, deployed, others) => {
        const before = await outputOf(network, inputs, deployed);
        disturb(network, (name) => others.some((other) => name.includes(`@${other}/`)));
        await expectSameBits(await outputOf(network, inputs, deployed), before);
      });
    });

    it('copies a branch onto another', async () => {
      await onNetwork(async (network, inputs, deployed, others) => {
        for (const other of others) {
          disturb(network, (name) => name.includes(`@${other}/`));
          expect(await outputOf(network, inputs, other)).not.toEqual(await outputOf(network, inputs, deployed));
          copyBranch(network, deployed, other);
          await expectSameBits(await outputOf(network, inputs, other), await outputOf(network, inputs, deployed));
        }
      });
    });

    it('names its variables apart', async () => {
      await onNetwork(async (network) => {
        const names = variablesOf(network).map(({ name }) => name);
        expect(new Set(names).size).toBe(names.length);
      });
    });
  });
}

async function outputOf(network: Network, inputs: Tensor, branch: Branch): Promise<number[]> {
  const logits = network.forward(inputs, evaluation(one(branch)));
  const values = await numbersOf(logits);
  logits.dispose();
  return values;
}
