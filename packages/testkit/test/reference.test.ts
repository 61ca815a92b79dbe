import { type Attack, evaluation } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { grad, sum, type Tensor } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { attackReference, compareWithRecord, expectClose, referenceNetworks, useWasm } from '../src/index.ts';

useWasm();

for (const network of referenceNetworks()) {
  describe.skipIf(!network.present)(`the reference network ${network.name}`, () => {
    it('has the logits and input gradients of PyTorch', async () => {
      const reference = await network.load();
      const { model, inputs, labels, logits, inputGradient } = reference;
      const outputs = model.forward(inputs, evaluation());
      await expectClose(outputs, logits.flat(), { relative: 0, absolute: 1e-4 });
      const gradient = grad((x: Tensor) => sum(crossEntropy(model.forward(x, evaluation()), labels)))(inputs);
      await expectClose(gradient, inputGradient, { relative: 1e-4, absolute: 0 });
      // Image by image too: where the class's probability is nearly 1, `p - 1` carries float32's 6e-8, times the network's slope. One
      // image may differ more: in the adversarial network's image 15 a value before a ReLU is exactly zero, and its last bit decides.
      const values = await gradient.data();
      const differing = Array.from({ length: values.length / 784 }, (_, image) => {
        const [ours, theirs] = [values, inputGradient].map((all) => Array.from(all.subarray(image * 784, (image + 1) * 784))) as [number[], number[]];
        const off = Math.max(...ours.map((value, i) => Math.abs(value - theirs[i]!)));
        return off > 1e-4 * Math.max(...theirs.map(Math.abs)) + 5e-7;
      });
      expect(differing.filter(Boolean).length).toBeLessThanOrEqual(1);
      [outputs, gradient].forEach((x) => x.dispose());
      reference.dispose();
    });

    it('is cut to the first images, records too', async () => {
      const reference = await network.load(7);
      const { inputs, labels, logits, records } = reference;
      expect([inputs.shape[0], labels.shape[0], logits.length]).toEqual([7, 7, 7]);
      for (const { stillCorrect, norms } of records) expect([stillCorrect.length, norms?.length ?? 7]).toEqual([7, 7]);
      reference.dispose();
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
