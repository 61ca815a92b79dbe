import { evaluation, type Kit, one, type Pass, randomStream, rows } from '@robustjs/core';
import { add, grad, memory, mul, type Scalar, sum, type Tensor, tidy, variableGrads } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { addJoin, branchedNorms, buildNetwork, type Network, reluLayer, resnet, standardKit } from '../src/index.ts';
import { expectClose, normalTensor, onWasm, read } from './support.ts';

onWasm();

const inputShape = [6, 6, 2];
const BRANCHES = ['main', 'b'];

/** ReLUs and joins that no layer knows, so that each is computed by itself. */
const apart = (kit: Kit): Kit => ({ ...kit, act: () => ({ ...reluLayer }), join: () => ({ ...addJoin }) });

function network(change: (kit: Kit) => Kit): Network {
  const kit = change(branchedNorms(standardKit(randomStream(5)), BRANCHES));
  const built = buildNetwork(resnet({ inputShape, classes: 3, widths: [4, 8] }), { kit, inputShape });
  built.buffers.forEach(({ name, variable }, i) => {
    variable.assign(tidy(() => add(mul(normalTensor(variable.shape, 40 + i), 0.1), name.endsWith('variance') ? 1 : 0)));
  });
  return built;
}

const PASSES: readonly (readonly [string, Pass])[] = [
  ['evaluation', evaluation()],
  ['evaluation, rows through two branches', evaluation(rows([{ branch: 'main', count: 2 }, { branch: 'b', count: 3 }]))],
  ['training', { train: true, route: one('b') }],
  ['training, rows through two branches', { train: true, route: rows([{ branch: 'b', count: 4 }, { branch: 'main', count: 1 }]) }],
];

// Oracle: the same network computed operation by operation.
describe.each(PASSES)('norm, sum and ReLU computed together, %s', (_, pass) => {
  it('give the bits of one after the other, and gradients as close as float32 is', () => {
    const [together, separate] = [network((kit) => kit), network(apart)];
    const before = memory().numTensors;
    const results = [together, separate].map((net) => {
      const values: number[][] = [];
      tidy(() => {
        const x = normalTensor([5, ...inputShape], 3);
        const loss = (input: Tensor): Scalar => sum(mul(net.forward(input, pass), normalTensor([5, 3], 4)));
        const { grads } = variableGrads(() => loss(x), net.parameters.map(({ variable }) => variable));
        // Branches that a pass does not take have no gradient.
        const all = [net.forward(x, pass), grad(loss)(x), ...net.parameters.map(({ variable }) => grads[variable.name])];
        values.push(...all.map((tensor) => (tensor === undefined ? [] : read(tensor))));
      });
      return values;
    }) as [number[][], number[][]];
    expect(memory().numTensors).toBe(before);
    expect(results[0][0]).toEqual(results[1][0]);
    results[0].forEach((values, i) => expectClose(values, results[1][i]!));
    together.dispose();
    separate.dispose();
  });
});
