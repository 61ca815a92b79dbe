// The suite is worth what it catches: each test here hands it something broken in one way and expects one test to fail.
import { pgd } from '@robustjs/attacks';
import { startWasm } from '@robustjs/backend-wasm';
import { type Attack, commitUpdates, type Defense, linf, MAIN, mean, one, type TrainingObjective } from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { add, clipByValue, customGrad, mul, scalar, type Scalar, type Tensor, tensor, tidy } from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { attackConformance, defenseConformance, type TestFunctions } from '../src/index.ts';

type Body = (context: { skip(): never }) => unknown;

/** The tests that a suite declares, by name, instead of running them. */
function declared(declare: (functions: TestFunctions) => void): Map<string, Body> {
  const tests = new Map<string, Body>();
  const functions = {
    describe: (_name: string, body: () => void) => body(),
    it: (name: string, body: Body) => void tests.set(name, body),
  };
  declare(functions as unknown as TestFunctions);
  return tests;
}

const skip = (): never => {
  throw new Error('skipped');
};

/** Names of the declared tests that fail. */
async function failures(tests: Map<string, Body>): Promise<string[]> {
  const names: string[] = [];
  for (const [name, body] of tests) {
    try {
      await body({ skip });
    } catch (error) {
      if ((error as Error).message !== 'skipped') names.push(name);
    }
  }
  return names;
}

const good: Required<Pick<Defense, 'objective'>> = {
  async objective(model, batch, tools): Promise<TrainingObjective> {
    const adversarial = await tools.attack({ attack: pgd({ steps: 2 }), threat: linf(0.05) });
    return {
      loss: () => mean(crossEntropy(model.forward(adversarial, { train: true, route: one(MAIN), updates: tools.updates }), batch.labels)),
      dispose: () => adversarial.dispose(),
    };
  },
};

/** The good defense with something done to its loss. */
const changed = (change: (loss: Scalar) => Scalar): Defense => ({
  async objective(...args) {
    const objective = await good.objective(...args);
    return { ...objective, loss: (log) => change(objective.loss(log)) };
  },
});

const attacking = (attack: Attack): Defense => ({
  async objective(model, batch, tools) {
    return good.objective(model, batch, { ...tools, attack: (asked) => tools.attack({ ...asked, attack }) });
  },
});

/** An attack whose one proposal is the clean rows moved like this. */
const moving = (move: (clean: Tensor, search: Parameters<Attack['search']>[0]) => Tensor): Attack => ({
  ...pgd(),
  id: 'moving',
  async search(search) {
    const inputs = tidy(() => move(search.clean, search));
    search.offer(inputs);
    inputs.dispose();
  },
});

let calls = 0;
const broken: [string, Defense, string][] = [
  ['leaves the ball', attacking(moving((x) => clipByValue(add(x, 0.2), 0, 1))), 'attacks within the budget and the box'],
  ['leaves the box', attacking(moving((x) => add(x, 0.05))), 'attacks within the budget and the box'],
  ['draws by place', attacking(moving((x, { random }) => add(x, mul(tensor(random.uniform(x.size), x.shape), 0.04)))), 'makes the same adversarial row of an example wherever it stands in the batch'],
  ['has a state of its own', changed((loss) => add(loss, (calls += 1))), 'gives the same loss and gradients for the same seed, to the bit'],
  ['hides a part of its gradient', changed((loss) => customGrad((x) => ({ value: mul(x as Tensor, 2), gradFunc: (dy: Tensor) => dy }))(loss) as Scalar), 'has the gradient that finite differences give'],
  ['climbs', changed((loss) => customGrad((x) => ({ value: mul(x as Tensor, 1), gradFunc: (dy: Tensor) => mul(dy, -1) }))(loss) as Scalar), 'has a loss that one small step lowers'],
  ['draws nothing and says it does', attacking(moving((x) => x.clone())), 'gives something else for another seed, where it is stochastic'],
  ['moves statistics by itself', {
    async objective(model, batch, tools) {
      const objective = await good.objective(model, batch, tools);
      tidy(() => model.forward(batch.inputs, { train: true, route: one(MAIN), updates: tools.updates }));
      commitUpdates(tools.updates.splice(0));
      return objective;
    },
  }, 'leaves parameters and statistics as they are, to the bit'],
  ['leaks', {
    async objective(...args) {
      scalar(1);
      return good.objective(...args);
    },
  }, 'leaks no tensor'],
  ['keeps what it made where its attack is stopped', {
    async objective(...args) {
      const made = scalar(1);
      const objective = await good.objective(...args);
      made.dispose();
      return objective;
    },
  }, 'leaks no tensor when its attack is stopped'],
  ['ignores eps', good, 'attacks with the clean rows themselves when eps is 0'],
];

describe('the suite for defenses', () => {
  beforeAll(async () => void (await startWasm()));

  it('passes one that is right', async () => {
    const tests = declared((functions) => defenseConformance(() => good, { ...functions, stochastic: true, eps: false }));
    expect(tests.size).toBeGreaterThan(8);
    expect(await failures(tests)).toEqual([]);
  });

  it.each(broken)('catches one that %s', async (_what, defense, expected) => {
    const tests = declared((functions) => defenseConformance(() => defense, { ...functions, stochastic: true, eps: true }));
    expect(await failures(tests)).toContain(expected);
  });
});

describe('the suite for attacks', () => {
  beforeAll(async () => void (await startWasm()));

  const tested = (attack: Attack): Promise<string[]> =>
    failures(declared((functions) => attackConformance('attack', () => attack, { ...functions, threats: [linf(0.1)] })));

  it('passes one that is right', async () => {
    expect(await tested(moving((x, search) => search.project(add(x, 0.3))))).toEqual([]);
  });

  it.each<[string, Attack, string]>([
    ['leaves the ball', moving((x) => clipByValue(add(x, 0.3), 0, 1)), 'stays in the ball and in the box, judged again from outside'],
    ['draws by place', moving((x, s) => s.project(add(x, mul(tensor(s.random.uniform(x.size), x.shape), 0.04)))), 'gives a row the same bytes alone, in another order and in the whole batch'],
    ['has a state of its own', moving((x, s) => s.project(add(x, 0.001 * (calls += 1)))), 'gives the same bytes for the same seed, and leaves the model alone'],
  ])('catches one that %s', async (_what, attack, expected) => {
    expect(await tested(attack)).toContain(expected);
  });
});
