import { type Attack, evaluation } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { grad, sum, type Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { attackReference, compareWithRecord, expectClose, referenceNetworks, useWasm } from '../src/index.ts';

useWasm();

for (const network of referenceNetworks()) {
  describe.skipIf(!network.present)(`the reference network ${network.name}`, () => {
    it('has the logits and input gradients of PyTorch', async () => {
      const { model, inputs, labels, logits, inputGradient, dispose } = await network.load();
      const outputs = model.forward(inputs, evaluation());
      await expectClose(outputs, logits.flat(), { relative: 0, absolute: 1e-4 });
      const gradient = grad((x: Tensor) => sum(crossEntropy(model.forward(x, evaluation()), labels)))(inputs);
      await expectClose(gradient, inputGradient, { relative: 1e-4, absolute: 0 });
      // Image by image too, as magnitudes differ by orders; logits that differ by 1e-4 move a confident image's gradient by that share.
      const values = await gradient.data();
      for (let at = 0; at < values.length; at += 784) {
        await expectClose(values.subarray(at, at + 784), inputGradient.subarray(at, at + 784), { relative: 1e-3, absolute: 1e-9 });
      }
      [outputs, gradient].forEach((x) => x.dispose());
      dispose();
    });

    it('is cut to the first images, records too', async () => {
      const { inputs, labels, logits, records, dispose } = await network.load(7);
      expect([inputs.shape[0], labels.shape[0], logits.length]).toEqual([7, 7, 7]);
      for (const { stillCorrect, norms } of records) expect([stillCorrect.length, norms?.length ?? 7]).toEqual([7, 7]);
      dispose();
    });

    it('is broken by nothing under an attack that proposes the clean images', async () => {
      const reference = await network.load(20);
      const still: Attack = { id: 'still', config: {}, objective: (outputs, labels) => crossEntropy(outputs, labels), search: async (search) => search.offer(search.clean) };
      const run = await attackReference(reference, still, { norm: 'Linf', eps: 0.1 });
      const labels = await reference.labels.data();
      const right = reference.logits.map((row, i) => row.indexOf(Math.max(...row)) === labels[i]);
      expect(run.stillCorrect).toEqual(right);
      // FGSM broke some of them: each is one that this attack missed.
      const fgsm = reference.records.find(({ attack }) => attack === 'FGSM')!;
      const { robust, missed, medianNorm } = compareWithRecord(fgsm, run);
      expect(robust.ours - robust.theirs).toBe(missed.length);
      expect(missed.length).toBeGreaterThan(0);
      expect(medianNorm).toEqual({ theirs: 0.1, ours: Infinity });
      reference.dispose();
    });
  });
}
