import { createHash } from 'node:crypto';
import { createServer } from 'node:http';
import { readFile, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { basename, join } from 'node:path';
import { evaluation, linf, randomStream, runAttack } from '@robustjs/core';
import { fgsm } from '@robustjs/attacks';
import { useWasm } from '@robustjs/testkit';
import { getGradient, grad, memory, round, slice, sum, type Tensor, tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openModel, type OpenOptions, type OpenedModel } from '../src/index.ts';
import { graphFile, layersFile, type ModelFile, node, temporaryFolder, written } from './support.ts';

const W = [[1, -2, 0.5], [0, 1, -1], [2, 0, 0], [-1, 1, 1]];
const b = [0.1, 0.2, -0.3];
const x = [0.2, 0.4, 0.6, 0.8];

/** x W + b in plain arithmetic. */
const logitsOf = (input: readonly number[]): number[] => b.map((bias, k) => input.reduce((total, value, i) => total + value * W[i]![k]!, bias));

const folder = temporaryFolder();
useWasm();

/** Opens, works and closes; leaves no tensor. */
async function opened<T>(source: Parameters<typeof openModel>[0], work: (opened: OpenedModel) => Promise<T> | T, options: OpenOptions = {}): Promise<T> {
  const before = memory().numTensors;
  const model = await openModel(source, options);
  try {
    return await work(model);
  } finally {
    model.model.dispose();
    expect(memory().numTensors).toBe(before);
  }
}

async function outputs({ model }: OpenedModel, input: readonly number[] = x): Promise<number[]> {
  const image = tensor([...input], [1, ...model.inputShape]);
  const output = model.forward(image, evaluation());
  const values = [...(await output.data())];
  image.dispose();
  output.dispose();
  return values;
}

async function slope({ model }: OpenedModel): Promise<number[]> {
  const image = tensor([...x], [1, ...model.inputShape]);
  const gradient = grad((input: Tensor) => sum(slice(model.forward(input, evaluation()), [0, 0], [1, 1])))(image);
  const values = [...(await gradient.data())];
  image.dispose();
  gradient.dispose();
  return values;
}

const softmax = node('probabilities', 'Softmax', ['logits']);
const closeTo = (values: readonly number[], expected: readonly number[]): void => values.forEach((value, i) => expect(value).toBeCloseTo(expected[i]!, 5));

describe.each([
  ['tf.LayersModel', layersFile(W, b), layersFile(W, b, 'softmax')],
  ['tf.GraphModel', graphFile(W, b), graphFile(W, b, [softmax, node('Identity', 'Identity', ['probabilities'])])],
] as const)('%s', (architecture, plain, soft) => {
  it('gives its logits and their gradient', async () => {
    await opened(written(join(folder, `${architecture}-plain`), plain), async (model) => {
      expect(model).toMatchObject({ architecture, classes: 3, softmaxRemoved: false, outputs: 'logits', preprocessing: 'none', gradients: { missing: [], flat: [], open: true } });
      expect(model.model).toMatchObject({ inputShape: [2, 2, 1], bounds: [0, 1], differentiable: true });
      expect(model.sha256).toMatch(/^[0-9a-f]{64}$/);
      closeTo(await outputs(model), logitsOf(x));
      closeTo(await slope(model), W.map((row) => row[0]!));
    });
  });

  it('loses a softmax at its end', async () => {
    await opened(written(join(folder, `${architecture}-soft`), soft), async (model) => {
      expect(model).toMatchObject({ softmaxRemoved: true, outputs: 'logits' });
      closeTo(await outputs(model), logitsOf(x));
    });
  });

  it('has preprocessing as a part, with bounds in the units of inputs', async () => {
    const preprocessing = { scale: 1 / 255, mean: [0.5], std: 0.25 };
    await opened(written(join(folder, `${architecture}-pre`), plain), async (model) => {
      expect(model.preprocessing).toBe(`(${1 / 255} * x - [0.5]) / 0.25`);
      expect(model.model.bounds).toEqual([0, 255]);
      closeTo(await outputs(model, x.map((value) => value * 255)), logitsOf(x.map((value) => (value - 0.5) / 0.25)));
    }, { preprocessing, bounds: [0, 255] });
  });

  it('comes from a server, weights and all, and nothing else of it', async () => {
    const path = written(join(folder, `${architecture}-server`), plain);
    const asked: string[] = [];
    const server = createServer((request, response) => {
      asked.push(request.url!);
      void readFile(join(folder, `${architecture}-server`, basename(request.url!))).then((bytes) => response.end(bytes), () => response.writeHead(404).end());
    }).listen(0);
    const base = `http://localhost:${(server.address() as AddressInfo).port}/models`;
    try {
      const local = await opened(path, outputs);
      expect(await opened(`${base}/model.json`, outputs)).toEqual(local);
      expect(asked).toEqual(['/models/model.json', '/models/weights.bin']);
      await expect(openModel(`${base}/other.json`)).rejects.toThrow(/RJS_MODEL_FILE|status 404/);
    } finally {
      server.close();
    }
  });
});

describe('numbers in a topology', () => {
  const layered = (change: (layers: { class_name: string; config: Record<string, unknown> }[]) => void): ModelFile => {
    const file = structuredClone(layersFile(W, b));
    change((file.json['modelTopology'] as { config: { layers: { class_name: string; config: Record<string, unknown> }[] } }).config.layers);
    return file;
  };

  it('may be large where they are no sizes', async () => {
    const initializer = { class_name: 'GlorotUniform', config: { seed: 20240101 } };
    const seeded = layered((layers) => {
      layers[1]!.config['kernel_initializer'] = initializer;
      layers.splice(1, 0, { class_name: 'Dropout', config: { name: 'dropout', rate: 0.5, seed: 20240101 } });
    });
    await opened(written(join(folder, 'seeded'), seeded), async (model) => closeTo(await outputs(model), logitsOf(x)));
  });

  it.each(['units', 'batch_input_shape'])('are refused as %s before anything is made of them', async (name) => {
    const huge = layered((layers) => (layers.find(({ config }) => name in config)!.config[name] = name === 'units' ? 20240101 : [null, 2, 2, 20240101]));
    const attempt = openModel(written(join(folder, `huge-${name}`), huge));
    await expect(attempt).rejects.toMatchObject({ code: 'RJS_MODEL_FORMAT' });
    await expect(attempt).rejects.toThrow('20240101');
  });
});

describe('gradients', () => {
  const rounded = graphFile(W, b, [], [node('steps', 'Round', ['x'])]);

  it('names operations whose gradient is zero, and takes them for the identity where asked', async () => {
    const path = written(join(folder, 'rounded'), rounded);
    const before = getGradient('Round');
    await opened(path, async (model) => {
      expect(model.gradients).toEqual({ missing: [], flat: ['Round'], open: false });
      expect(await slope(model)).toEqual([0, 0, 0, 0]);
    });
    await opened(path, async (model) => {
      closeTo(await outputs(model), logitsOf(x.map(Math.round)));
      closeTo(await slope(model), W.map((row) => row[0]!));
    }, { straightThrough: ['Round'] });
    // The registry is as before.
    expect(getGradient('Round')).toBe(before);
    await expect(openModel(path, { straightThrough: ['ArgMax'] })).rejects.toThrow(expect.objectContaining({ code: 'RJS_MODEL_GRADIENT' }));
  });

  it('names operations that TF.js has no gradient for: such a model is only asked', async () => {
    const one = node('one', 'Const', [], { dtype: { type: 'DT_FLOAT' } });
    const compared = graphFile(W, b, [], [one, node('above', 'Greater', ['x', 'one']), node('picked', 'Select', ['above', 'x', 'x'])]);
    const json = structuredClone(compared.json) as { weightsManifest: { weights: object[] }[] };
    json.weightsManifest[0]!.weights.push({ name: 'one', shape: [], dtype: 'float32' });
    const weights = Uint8Array.from([...compared.weights, ...new Uint8Array(Float32Array.of(1).buffer)]);
    await opened(written(join(folder, 'compared'), { json: json, weights }), async ({ model, gradients }) => {
      expect(gradients).toEqual({ missing: ['Greater'], flat: [], open: true });
      expect(model.differentiable).toBe(false);
      const inputs = tensor([...x], [1, 2, 2, 1]);
      const labels = tensor1d([0], 'int32');
      const attacked = runAttack(fgsm(), { model, inputs, labels, ids: [0], threat: linf(0.1), random: randomStream(0) });
      await expect(attacked).rejects.toThrow(expect.objectContaining({ code: 'RJS_NO_GRADIENT' }));
      inputs.dispose();
      labels.dispose();
    });
  });
});

describe('a module with predict', () => {
  const source = `
    export const inputShape = [2, 2, 1];
    export const predict = (inputs) => inputs.arraySync().map((image) => image.flat(2)).map(([a, b]) => [a, b, a + b]);`;

  it('is only asked', async () => {
    const path = join(folder, 'predict.mjs');
    await writeFile(path, source);
    await opened(path, async (model) => {
      expect(model).toMatchObject({ architecture: 'function', classes: 3, sha256: createHash('sha256').update(source).digest('hex') });
      expect(model.gradients).toBeUndefined();
      expect(model.model.differentiable).toBe(false);
      closeTo(await outputs(model), [0.2, 0.4, 0.6]);
    });
  });

  it('lets gradients pass where it says so', async () => {
    const predict = (inputs: Tensor): Tensor => tidy(() => round(slice(inputs, [0, 0], [-1, 2])));
    await opened({ inputShape: [4], predict, differentiable: true }, ({ model, gradients }) => {
      expect(gradients).toEqual({ missing: [], flat: ['Round'], open: false });
      expect(model.differentiable).toBe(true);
    });
  });

  it.each([
    ['no predict', { inputShape: [4] }, 'RJS_MODEL_FORMAT'],
    ['a promise', { inputShape: [4], predict: async () => [[1, 2]] }, 'RJS_MODEL_OUTPUT'],
    ['rows of different lengths', { inputShape: [4], predict: () => [[1, 2], [3]] }, 'RJS_MODEL_OUTPUT'],
    ['one output', { inputShape: [4], predict: (inputs: Tensor) => slice(inputs, [0, 0], [-1, 1]) }, 'RJS_MODEL_OUTPUT'],
    ['an error', { inputShape: [4], predict: () => { throw new TypeError('no'); } }, 'RJS_MODEL_OUTPUT'],
  ] as const)('is refused with %s', async (_what, module, code) => {
    const attempt = openModel({ ...module } as never);
    await expect(attempt).rejects.toThrow(expect.objectContaining({ code }));
  });
});

it('flags probabilities whose softmax cannot be cut', async () => {
  const halves = node('powers', 'Exp', ['logits']);
  const sums = node('sums', 'Sum', ['powers', 'axis'], { keep_dims: { b: true }, Tidx: { type: 'DT_INT32' } });
  const file = graphFile(W, b, [halves, node('axis', 'Const', [], { dtype: { type: 'DT_INT32' } }), sums, node('shares', 'RealDiv', ['powers', 'sums'])]);
  const json = structuredClone(file.json) as { weightsManifest: { weights: object[] }[] };
  json.weightsManifest[0]!.weights.push({ name: 'axis', shape: [1], dtype: 'int32' });
  const weights = Uint8Array.from([...file.weights, ...new Uint8Array(Int32Array.of(1).buffer)]);
  await opened(written(join(folder, 'shares'), { json: json, weights }), (model) => {
    expect(model).toMatchObject({ softmaxRemoved: false, outputs: 'probabilities' });
  });
});
