import { startWasm } from '@robustjs/backend-wasm';
import { namedVariable } from '@robustjs/nn';
import { dispose, memory, tensor } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import type { OptimizerRecipe } from '../../src/recipe.ts';
import { optimizerOf } from '../../src/train/optimizer.ts';

beforeAll(() => startWasm());

const sgd = { id: 'sgd', momentum: 0.9, nesterov: false, weightDecay: 0, decayNorm: false } as const;
const adam = { id: 'adam', beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0, decayNorm: false } as const;
const GRADIENTS = [[0.5, -1], [-0.25, 2], [4, 0.125]];
const START = [1, -2];
const RATES = [0.1, 0.05, 0.2];

/** The values of a matrix [1, 2] after each gradient. */
async function trajectory(recipe: OptimizerRecipe): Promise<number[][]> {
  const before = memory().numTensors;
  const parameter = namedVariable('kernel', tensor(START, [1, 2]));
  const optimizer = optimizerOf(recipe, [parameter]);
  const seen: number[][] = [];
  for (const [step, values] of GRADIENTS.entries()) {
    const gradient = tensor(values, [1, 2]);
    optimizer.apply([gradient], RATES[step]!, step);
    dispose(gradient);
    seen.push([...(await parameter.variable.data())]);
  }
  optimizer.dispose();
  parameter.variable.dispose();
  expect(memory().numTensors).toBe(before);
  return seen;
}

// torch.optim.SGD: d = g + decay p; b = d at first, then momentum b + d; step along b, or along d + momentum b.
function torchSgd(momentum: number, nesterov: boolean, decay: number): number[][] {
  const p = [...START];
  const b = [0, 0];
  return GRADIENTS.map((g, step) => {
    for (let i = 0; i < p.length; i++) {
      const d = g[i]! + decay * p[i]!;
      b[i] = step === 0 ? d : momentum * b[i]! + d;
      p[i] = p[i]! - RATES[step]! * (nesterov ? d + momentum * b[i]! : b[i]!);
    }
    return [...p];
  });
}

// torch.optim.Adam, its documentation's algorithm with mean and variance corrected before the division.
function torchAdam(beta1: number, beta2: number, epsilon: number, decay: number): number[][] {
  const p = [...START];
  const m = [0, 0];
  const v = [0, 0];
  return GRADIENTS.map((g, step) => {
    for (let i = 0; i < p.length; i++) {
      const d = g[i]! + decay * p[i]!;
      m[i] = beta1 * m[i]! + (1 - beta1) * d;
      v[i] = beta2 * v[i]! + (1 - beta2) * d * d;
      const mean = m[i]! / (1 - beta1 ** (step + 1));
      const variance = v[i]! / (1 - beta2 ** (step + 1));
      p[i] = p[i]! - (RATES[step]! * mean) / (Math.sqrt(variance) + epsilon);
    }
    return [...p];
  });
}

const expectClose = (seen: number[][], oracle: number[][]): void =>
  seen.forEach((row, step) => row.forEach((value, i) => expect(value, `step ${step}`).toBeCloseTo(oracle[step]![i]!, 5)));

describe('SGD', () => {
  it('takes the steps worked out by hand', async () => {
    // First value, no decay: b = 0.5, 0.2, 4.18; p = 1 - 0.05, - 0.01, - 0.836.
    const seen = await trajectory(sgd);
    expect(seen.map(([first]) => first)).toEqual([0.95, 0.94, 0.104].map((value) => expect.closeTo(value, 6) as unknown));
  });

  it.each([
    ['without momentum', 0, false, 0],
    ['with momentum and decay', 0.9, false, 0.01],
    ['with Nesterov momentum and decay', 0.9, true, 0.01],
  ])('agrees with PyTorch %s', async (_, momentum, nesterov, weightDecay) => {
    expectClose(await trajectory({ ...sgd, momentum, nesterov, weightDecay }), torchSgd(momentum, nesterov, weightDecay));
  });
});

describe('Adam', () => {
  it.each([
    ['with its defaults', 1e-8, 0],
    ['with a large epsilon and decay', 0.1, 0.01],
  ])('agrees with PyTorch %s', async (_, epsilon, weightDecay) => {
    expectClose(await trajectory({ ...adam, epsilon, weightDecay }), torchAdam(0.9, 0.999, epsilon, weightDecay));
  });

  it('moves by the learning rate at first, whatever the size of the gradient', async () => {
    const [first] = await trajectory(adam);
    expect(first).toEqual([expect.closeTo(1 - 0.1, 5), expect.closeTo(-2 + 0.1, 5)]);
  });
});

describe('weight decay', () => {
  // With a zero gradient, rate 1 and decay 0.5, a decayed value halves.
  it.each([[false, [2, 2]], [true, [1, 1]]])('decayNorm %s gives biases and norms %j', async (decayNorm, vector) => {
    const kernel = namedVariable('conv/kernel', tensor([4, 4], [2, 1]));
    const scale = namedVariable('norm/scale', tensor([2, 2]));
    const optimizer = optimizerOf({ ...sgd, momentum: 0, weightDecay: 0.5, decayNorm }, [kernel, scale]);
    const zeros = [tensor([0, 0], [2, 1]), tensor([0, 0])];
    optimizer.apply(zeros, 1, 0);
    expect([...(await kernel.variable.data())]).toEqual([2, 2]);
    expect([...(await scale.variable.data())]).toEqual(vector);
    optimizer.dispose();
    dispose([...zeros, kernel.variable, scale.variable]);
  });
});

it('leaves a parameter without a gradient alone, slots included', async () => {
  const parameter = namedVariable('kernel', tensor(START, [1, 2]));
  const optimizer = optimizerOf({ ...adam, weightDecay: 0.1 }, [parameter]);
  optimizer.apply([undefined], 1, 0);
  expect([...(await parameter.variable.data())]).toEqual(START);
  for (const slot of optimizer.slots) expect([...(await slot.variable.data())]).toEqual([0, 0]);
  optimizer.dispose();
  parameter.variable.dispose();
});
