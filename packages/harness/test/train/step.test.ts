import { startWasm } from '@robustjs/backend-wasm';
import { pgd } from '@robustjs/attacks';
import { commitUpdates, type Defense, type Kit, linf, one, randomStream, type Update } from '@robustjs/core';
import { readBatch } from '@robustjs/datasets';
import { crossEntropy, identity } from '@robustjs/nn';
import { add, dispose, mean, memory, type Scalar, sum, tidy, variableGrads } from '@tensorflow/tfjs-core';
import { beforeAll, expect, it } from 'vitest';
import { plugin as pgdAt } from '@robustjs/pgd-at';
import { weightAverage } from '../../src/train/average.ts';
import { buildModel, type LoadedMethod, train, type Trained } from '../../src/train/index.ts';
import { optimizerOf } from '../../src/train/optimizer.ts';
import { meanCrossEntropy, plainObjective } from '../../src/train/plain-objective.ts';
import { cutRows } from '../../src/train/shard.ts';
import { trainingStep } from '../../src/train/step.ts';
import { localShards } from '../../src/train/local-shards.ts';
import { digits, standard, tinyRecipe } from './support.ts';

beforeAll(() => startWasm());

const SGD = { id: 'sgd', momentum: 0, weightDecay: 0 };
const withoutNorm = (kit: Kit): Kit => ({ ...kit, norm: () => identity() });
const plainNet: LoadedMethod = { ...standard, defense: { kit: withoutNorm } };

async function weightsOf({ network }: Pick<Trained, 'network'>): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const { name, variable } of [...network.parameters, ...network.buffers]) values.set(name, Float32Array.from(await variable.data()));
  return values;
}

/** The gradient of the plain loss on all examples at the initial weights, taken by TF.js directly. */
async function initialGradient(method: LoadedMethod): Promise<{ weights: Map<string, Float32Array>; gradient: Map<string, Float32Array>; buffers: Map<string, Float32Array> }> {
  const data = await digits(32);
  const { network } = buildModel(tinyRecipe({}), data.train, method);
  const weights = await weightsOf({ network });
  const updates: Update[] = [];
  const batch = await readBatch(data.train, data.train.ids.map((_, row) => row));
  const loss = (): Scalar => mean(crossEntropy(network.forward(batch.inputs, { train: true, route: one('main'), updates }), batch.labels));
  const { value, grads } = variableGrads(loss, network.parameters.map(({ variable }) => variable));
  const gradient = new Map<string, Float32Array>();
  for (const { name, variable } of network.parameters) gradient.set(name, Float32Array.from(await grads[variable.name]!.data()));
  commitUpdates(updates);
  const buffers = await weightsOf({ network: { ...network, parameters: [] } });
  dispose([value, ...Object.values(grads), batch.inputs, batch.labels]);
  network.dispose();
  return { weights, gradient, buffers };
}

const length = (gradient: Map<string, Float32Array>): number =>
  Math.sqrt([...gradient.values()].reduce((total, values) => total + values.reduce((squares, g) => squares + g * g, 0), 0));

it('one step of plain SGD is the gradient times the rate, and statistics move by what the batch showed', async () => {
  const data = await digits(32);
  const { weights, gradient, buffers } = await initialGradient(standard);
  const trained = await train({ recipe: tinyRecipe({ optimizer: SGD, schedule: { id: 'constant' }, learningRate: 0.1 }), data: { train: data.train }, method: standard });
  const after = await weightsOf(trained);
  for (const [name, g] of gradient) {
    after.get(name)!.forEach((value, i) => expect(value, name).toBeCloseTo(weights.get(name)![i]! - 0.1 * g[i]!, 5));
  }
  for (const [name, values] of buffers) {
    expect(values).not.toEqual(weights.get(name));
    after.get(name)!.forEach((value, i) => expect(value, name).toBeCloseTo(values[i]!, 5));
  }
  trained.network.dispose();
});

it('a gradient longer than clipNorm is cut to it; a shorter one is left', async () => {
  const data = await digits(32);
  const { weights, gradient } = await initialGradient(plainNet);
  for (const share of [0.25, 2]) {
    const clipNorm = share * length(gradient);
    const recipe = tinyRecipe({ optimizer: SGD, schedule: { id: 'constant' }, learningRate: 1, clipNorm });
    const trained = await train({ recipe, data: { train: data.train }, method: plainNet });
    const moved = new Map([...(await weightsOf(trained))].map(([name, values]) => [name, values.map((value, i) => value - weights.get(name)![i]!)]));
    expect(length(moved)).toBeCloseTo(Math.min(1, share) * length(gradient), 4);
    trained.network.dispose();
  }
});

it('two shards give the gradient of one, without batch norm', async () => {
  // 100 examples in batches of 32: the last batch of 4 and its shards of 2 included.
  const data = await digits(100);
  const results = [];
  for (const shards of [1, 2, 3, 3]) {
    const method: LoadedMethod = { ...standard, defense: { ...pgdAt.create(pgdAt.options.parse({ steps: 2, eps: 0.1 })), kit: withoutNorm } };
    const trained = await train({ recipe: tinyRecipe({ shards, optimizer: { id: 'sgd' } }), data: { train: data.train }, method });
    results.push({ weights: await weightsOf(trained), sha: trained.weightsSha256, calls: trained.gradientCalls });
    trained.network.dispose();
  }
  const [whole, two, three, again] = results;
  for (const other of [two, three]) {
    for (const [name, values] of whole!.weights) other!.weights.get(name)!.forEach((value, i) => expect(Math.abs(value - values[i]!), name).toBeLessThan(1e-6));
  }
  // Other sums, other bits; the same sums, the same bits.
  expect(three!.sha).not.toBe(two!.sha);
  expect(again!.sha).toBe(three!.sha);
  // Every example: two attack steps and one training step, whatever the shards.
  expect(results.map(({ calls }) => calls)).toEqual([300, 300, 300, 300]);
});

it('shards average running statistics by rows', async () => {
  const data = await digits(32);
  const recipe = (shards: number) => tinyRecipe({ shards, optimizer: SGD, learningRate: 1e-6 });
  const one = await train({ recipe: recipe(1), data: { train: data.train }, method: standard });
  const two = await train({ recipe: recipe(2), data: { train: data.train }, method: standard });
  const means = [await weightsOf(one), await weightsOf(two)].map((weights) => weights.get('norm0/mean')!);
  // The mean over a batch is the mean of the means over its halves, before the first norm.
  means[0]!.forEach((value, i) => expect(means[1]![i]).toBeCloseTo(value, 6));
  one.network.dispose();
  two.network.dispose();
});

it('gives the attacks of one step streams of their own, by example, and the share of the training done', async () => {
  const data = await digits(64);
  const seen: { progress: number; rows: Map<number, number[]>[] }[] = [];
  const attack = { ...pgd({ steps: 1, alpha: 0 }), id: 'start' };
  const run = async (shards: number): Promise<typeof seen> => {
    const method: LoadedMethod = {
      ...standard,
      defense: {
        async objective(model, batch, tools) {
          const rows: Map<number, number[]>[] = [];
          for (let i = 0; i < 2; i++) {
            const adversarial = await tools.attack({ attack, threat: linf(0.1) });
            const values = Array.from(await adversarial.data());
            rows.push(new Map(Array.from(batch.ids, (id, row) => [id, values.slice(784 * row, 784 * (row + 1))])));
            adversarial.dispose();
          }
          seen.push({ progress: tools.progress, rows });
          return { loss: () => mean<Scalar>(crossEntropy(model.forward(batch.inputs, { train: true, route: one('main') }), batch.labels)) };
        },
      },
    };
    (await train({ recipe: tinyRecipe({ shards }), data: { train: data.train }, method })).network.dispose();
    return seen.splice(0);
  };
  const whole = await run(1);
  expect(whole.map(({ progress }) => progress)).toEqual([0, 0.5]);
  for (const { rows: [first, second] } of whole) for (const [id, values] of first!) expect(second!.get(id)).not.toEqual(values);
  // Cut into two, an example starts where it did.
  const halves = await run(2);
  expect(halves.map(({ progress }) => progress)).toEqual([0, 0, 0.5, 0.5]);
  halves.forEach(({ rows }, i) => rows.forEach((starts, k) => starts.forEach((values, id) => expect(values).toEqual(whole[i >> 1]!.rows[k]!.get(id)))));
});

it('cuts rows evenly and leaves out empty parts', () => {
  expect(cutRows(7, 3)).toEqual([{ start: 0, count: 2 }, { start: 2, count: 2 }, { start: 4, count: 3 }]);
  expect(cutRows(2, 3)).toEqual([{ start: 0, count: 1 }, { start: 1, count: 1 }]);
});

it('runs hooks around the optimizer, and ends with the error of one that fails', async () => {
  const before = memory().numTensors;
  const data = await digits(64);
  const order: string[] = [];
  const method: LoadedMethod = {
    ...standard,
    defense: {
      async objective(model, batch, tools) {
        order.push('objective');
        expect(tools.classes).toBe(10);
        return {
          loss(log) {
            const value = mean<Scalar>(crossEntropy(model.forward(batch.inputs, { train: true, route: one('main'), updates: tools.updates }), batch.labels));
            // The last value of a name counts.
            log('loss', sum<Scalar>(batch.inputs));
            log('loss', value);
            return value;
          },
          dispose: () => order.push('dispose'),
        };
      },
      async before() {
        order.push('before');
      },
      async after(_model, _batch, tools) {
        order.push(`after ${tools.progress}`);
        if (tools.progress > 0) throw new Error('the second step fails');
      },
    },
  };
  const states: number[] = [];
  const failing = train({ recipe: tinyRecipe({}), data: { train: data.train }, method, onProgress: ({ loss }) => states.push(loss) });
  await expect(failing).rejects.toThrow('the second step fails');
  expect(order).toEqual(['objective', 'before', 'after 0', 'dispose', 'objective', 'before', 'after 0.5', 'dispose']);
  expect(states).toHaveLength(1);
  expect(memory().numTensors).toBe(before);
});

it('leaves everything as it was when a step fails after weights, slots and statistics could have moved', async () => {
  const data = await digits(32);
  const recipe = tinyRecipe({ shards: 2, optimizer: { id: 'adam' } });
  const { network } = buildModel(recipe, data.train, standard);
  const optimizer = optimizerOf(recipe.training.optimizer, network.parameters);
  const average = weightAverage(network.parameters, 0.9);
  const state = async (): Promise<Float32Array[]> => {
    const variables = [...network.parameters, ...network.buffers, ...optimizer.slots, ...average.averages];
    return Promise.all(variables.map(async ({ variable }) => Float32Array.from(await variable.data())));
  };
  const [before, tensors] = [await state(), memory().numTensors];
  const defense: Defense = {
    async before(model) {
      for (const { variable } of model.parameters) tidy(() => variable.assign(add(variable, 1)));
    },
    async after() {
      throw new Error('on purpose');
    },
  };
  const batch = await readBatch(data.train, data.train.ids.map((_, row) => row));
  const context = { model: network, parameters: network.parameters, defense, random: randomStream(0), classes: 10, goal: { loss: meanCrossEntropy, plain: plainObjective }, steps: 1 };
  const step = trainingStep({ ...context, recipe: recipe.training, optimizer, average, shards: localShards(context, 2, undefined) }, batch, 0);
  await expect(step).rejects.toThrow('on purpose');
  expect(await state()).toEqual(before);
  expect(memory().numTensors).toBe(tensors);
  [network, optimizer, average].forEach((owner) => owner.dispose());
});

it('gives every step its own stream, and the same one every time', async () => {
  const data = await digits(64);
  const draw = async (seed: number): Promise<number[]> => {
    const seen: number[] = [];
    const method: LoadedMethod = {
      ...standard,
      defense: {
        async after(_model, _batch, { random }) {
          seen.push(random.uniform(1)[0]!);
        },
      },
    };
    (await train({ recipe: tinyRecipe({}, { seed }), data: { train: data.train }, method })).network.dispose();
    return seen;
  };
  const draws = await draw(1);
  expect(draws).toEqual([0, 1].map((step) => randomStream(1).split('train', step).uniform(1)[0]));
  expect(await draw(2)).not.toEqual(draws);
});
