import { type Branch, type Defense, evaluation, MAIN, one, RobustError } from '@robustjs/core';
import { decodeWeights, encodeWeights, exportPlain, type Network } from '@robustjs/nn';
import type { io, Tensor } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { expectClose, expectSameBits } from './close.ts';
import type { TestFunctions } from './conformance.ts';
import { tinyBatch } from './tiny-batch.ts';
import { tinyNetworkFor } from './tiny-cnn.ts';
import { trainingStep } from './training.ts';

/** What holds of every defense's network when it leaves the program. */
export function exportConformance(create: () => Defense, { describe, it }: TestFunctions): void {
  describe('leaving the program', () => {
    it('exports the deployed branch to plain TF.js with the same logits, or names the site that cannot be', async () => {
      const defense = create();
      const network = tinyNetworkFor(defense);
      const batch = tinyBatch(network);
      await trainingStep(defense, network, batch);
      await expectPlainExport(network, batch.inputs, defense.deploys ?? MAIN).catch((error: unknown) => {
        if (!(error instanceof RobustError) || error.code !== 'RJS_EXPORT') throw error;
        expect([...network.sites.keys()].some((path) => error.message.includes(`'${path}'`))).toBe(true);
      });
      batch.dispose();
      network.dispose();
    });

    it('gives the same logits after its weights are written and read', async () => {
      const defense = create();
      const network = tinyNetworkFor(defense);
      const batch = tinyBatch(network);
      await trainingStep(defense, network, batch);
      const bytes = await encodeWeights(network, { recipe: 'tiny' });
      const other = tinyNetworkFor(defense, { seed: 1 });
      expect(decodeWeights(other, bytes)).toEqual({ recipe: 'tiny' });
      for (const branch of network.branches) {
        const [before, after] = [network, other].map((model) => model.forward(batch.inputs, evaluation(one(branch))));
        await expectSameBits(after!, before!);
        before!.dispose();
        after!.dispose();
      }
      batch.dispose();
      network.dispose();
      other.dispose();
    });
  });
}

/** Expects one branch, loaded by `tf.loadLayersModel` alone, to give the same logits to 1e-5 of the largest. */
export async function expectPlainExport(network: Network, inputs: Tensor, branch: Branch = MAIN): Promise<void> {
  const artifacts = await exportPlain(network, branch);
  const { loadLayersModel } = await import('@tensorflow/tfjs-layers');
  const loader: io.IOHandler = { load: () => Promise.resolve(artifacts) };
  const plain = await loadLayersModel(loader);
  const expected = network.forward(inputs, evaluation(one(branch)));
  const actual = plain.predict(inputs) as Tensor;
  try {
    await expectClose(actual, expected, { relative: 1e-5, absolute: 0 });
  } finally {
    expected.dispose();
    actual.dispose();
    plain.dispose();
  }
}
