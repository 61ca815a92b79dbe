import { branchedNorms } from '@robustjs/nn';
import { changedNames, expectClose, expectNoLeak, expectSameBits, numbersOf, snapshot, tinyBatch, tinyCnn, tinyResnet, useWasm } from '@robustjs/testkit';
import { concat, grad, slice, sum, type Tensor, type Tensor2D, tensor2d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { commitUpdates, dropUpdates, evaluation, type Kit, mix, type Model, one, rows, type Update } from '../src/index.ts';

useWasm();

const TWO = ['main', 'adversarial'];
const twoBranches = (kit: Kit): Kit => branchedNorms(kit, TWO);

/** A residual network with two branches that differ, and a batch of six. */
async function withNetwork(work: (network: Model, inputs: Tensor) => Promise<void>): Promise<void> {
  const network = tinyResnet({ kit: twoBranches });
  const batch = tinyBatch(network);
  for (const branch of TWO) {
    const updates: Update[] = [];
    const part = slice(batch.inputs, [branch === 'main' ? 0 : 3], [3]);
    network.forward(part, { train: true, route: one(branch), updates }).dispose();
    commitUpdates(updates);
    part.dispose();
  }
  await work(network, batch.inputs);
  batch.dispose();
  network.dispose();
}

describe('branches of one network', () => {
  it('mix of one-hot weights equals the hard branch of each row', async () => {
    await withNetwork(async (network, inputs) => {
      const weights = tensor2d([[1, 0], [0, 1], [0, 1], [1, 0], [1, 0], [0, 1]]);
      const soft = network.forward(inputs, evaluation(mix(TWO, weights)));
      const [main, adversarial] = await Promise.all(TWO.map(async (branch) => {
        const logits = network.forward(inputs, evaluation(one(branch)));
        const values = await numbersOf(logits);
        logits.dispose();
        return values;
      }));
      expect(main).not.toEqual(adversarial);
      await expectClose(soft, [0, 1, 1, 0, 0, 1].flatMap((k, row) => [main!, adversarial!][k]!.slice(3 * row, 3 * row + 3)), { relative: 1e-6 });
      [weights, soft].forEach((x) => x.dispose());
    });
  });

  it('rows through two branches equal two passes, in evaluation and in training', async () => {
    await withNetwork(async (network, inputs) => {
      for (const train of [false, true]) {
        const route = rows([{ branch: 'main', count: 2 }, { branch: 'adversarial', count: 4 }]);
        const stacked = network.forward(inputs, { train, route });
        const apart = tidy(() => concat([
          network.forward(slice(inputs, [0], [2]), { train, route: one('main') }),
          network.forward(slice(inputs, [2], [4]), { train, route: one('adversarial') }),
        ]));
        await expectClose(stacked, apart, { relative: 1e-5 });
        [stacked, apart].forEach((x) => x.dispose());
      }
    });
  });

  it('lets the gradient reach the selector weights: by finite differences', async () => {
    await withNetwork(async (network, inputs) => {
      const at = (values: number[]): Tensor2D => tensor2d(values, [6, 2]);
      const value = (weights: Tensor): Tensor => sum(slice(network.forward(inputs, evaluation(mix(TWO, weights as Tensor2D))), [0, 1], [6, 1]));
      const weights = at(Array<number>(12).fill(0.5));
      const gradient = grad(value)(weights);
      const numbers = await numbersOf(gradient);
      expect(numbers.every((g) => g !== 0)).toBe(true);
      for (const i of [0, 5, 11]) {
        const [above, below] = await Promise.all([0.01, -0.01].map(async (h) => {
          const x = tidy(() => value(at(Array.from({ length: 12 }, (_, j) => (j === i ? 0.5 + h : 0.5)))));
          const [y] = await numbersOf(x);
          x.dispose();
          return y!;
        }));
        expect(Math.abs((above! - below!) / 0.02 - numbers[i]!)).toBeLessThan(0.02 * Math.max(...numbers.map(Math.abs)));
      }
      [weights, gradient].forEach((x) => x.dispose());
    });
  });

  it('moves the statistics of routed branches only', async () => {
    await withNetwork(async (network, inputs) => {
      const before = await snapshot(network);
      const updates: Update[] = [];
      network.forward(inputs, { train: true, route: rows([{ branch: 'main', count: 6 }, { branch: 'adversarial', count: 0 }]), updates }).dispose();
      commitUpdates(updates);
      const changed = await changedNames(network, before);
      expect(changed.length).toBeGreaterThan(0);
      expect(changed.every((name) => /@main\/(mean|variance)$/.test(name))).toBe(true);
    });
  });

  it('moves nothing and leaks nothing in a training pass without a sink', async () => {
    await withNetwork(async (network, inputs) => {
      const before = await snapshot(network);
      const logits = await expectNoLeak(() => network.forward(inputs, { train: true, route: one('main') }), 1);
      logits.dispose();
      expect(await changedNames(network, before)).toEqual([]);
    });
  });

  it('gives the kept tensors of a sink back when they are dropped', async () => {
    await withNetwork(async (network, inputs) => {
      const before = await snapshot(network);
      await expectNoLeak(() => {
        const updates: Update[] = [];
        network.forward(inputs, { train: true, route: one('main'), updates }).dispose();
        dropUpdates(updates);
      });
      expect(await changedNames(network, before)).toEqual([]);
    });
  });

  it('refuses an unknown branch and names those it has, without a leak', async () => {
    await withNetwork(async (network, inputs) => {
      await expectNoLeak(() => {
        expect(() => network.forward(inputs, evaluation(one('aux')))).toThrow(expect.objectContaining({
          code: 'RJS_BRANCH', message: expect.stringContaining('main, adversarial') as string,
        }));
      });
    });
  });

  it('with one branch is the plain network, to the bit', async () => {
    for (const build of [tinyCnn, tinyResnet]) {
      const [plain, single] = [build(), build({ kit: (kit) => branchedNorms(kit, ['main']) })];
      const batch = tinyBatch(plain);
      for (const train of [false, true]) {
        const [a, b] = [plain, single].map((network) => network.forward(batch.inputs, { train, route: one('main') }));
        await expectSameBits(a!, b!);
        [a!, b!].forEach((x) => x.dispose());
      }
      [plain, single, batch].forEach((x) => x.dispose());
    }
  });

  it('leaves the norms that a method does not want branched single', () => {
    const network = tinyResnet({ kit: (kit) => branchedNorms(kit, TWO, ({ role }) => role !== 'shortcut') });
    const norms = network.parameters.map(({ name }) => name).filter((name) => name.endsWith('/scale'));
    expect(norms.filter((name) => name.includes('shortcut')).every((name) => !name.includes('@'))).toBe(true);
    expect(norms.filter((name) => !name.includes('shortcut')).every((name) => name.includes('@'))).toBe(true);
    expect(norms.some((name) => name.includes('shortcut'))).toBe(true);
    network.dispose();
  });
});
