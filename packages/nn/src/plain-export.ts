import { type Branch, evaluation, type Join, type Kit, type Layer, MAIN, one, type PlainLayer, RobustError, type Site } from '@robustjs/core';
import { dispose, square, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { io } from '@tensorflow/tfjs-core';
import type { Network, Normalization } from './network.ts';

/** A layer's output while a network is written down: the name of the plain layer that gives it. */
interface Symbol {
  readonly from: string;
}

/** A plain layer in its place: the layers it takes its inputs from, by name. */
interface PlacedLayer extends PlainLayer {
  readonly name: string;
  readonly inputs: readonly string[];
}

/**
 * One branch of a network as plain TF.js artifacts: any program loads them with `tf.loadLayersModel`, without RobustJS.
 * It is the network's architecture called once more, with a kit whose values are symbols.
 *
 * @param branch which normalization branch to write. Default: main.
 * @throws RobustError `RJS_EXPORT` naming the site that tf.layers cannot express, `RJS_BRANCH` for an unknown branch.
 */
export async function exportPlain(network: Network, branch: Branch = MAIN): Promise<io.ModelArtifacts> {
  if (!network.branches.includes(branch)) {
    throw new RobustError('RJS_BRANCH', { expected: `a branch among ${network.branches.join(', ')}`, got: JSON.stringify(branch), fix: 'export one that the network has' });
  }
  const layers: PlacedLayer[] = [];
  const chain = (plain: readonly PlainLayer[], input: Symbol, path: string): Symbol =>
    plain.reduce((from, layer, i) => {
      const name = safeName(i === 0 ? path : `${path}_${i}`);
      layers.push({ ...layer, name, inputs: [from.from] });
      return { from: name };
    }, input);
  const input: Symbol = { from: 'input' };
  const normalized = network.normalization ? chain([plainNormalization(network.normalization)], input, 'normalization') : input;
  const output = network.architecture(symbolKit(network, branch, layers, chain)).apply(normalized, evaluation(one(branch)));
  return artifactsOf(network, layers, output.from);
}

type Chain = (plain: readonly PlainLayer[], input: Symbol, path: string) => Symbol;

function symbolKit(network: Network, branch: Branch, layers: PlacedLayer[], chain: Chain): Kit<Symbol> {
  const stateless = { parameters: [], buffers: [] };
  const layer = ({ path }: Site): Layer<Symbol> => ({
    ...stateless,
    apply: (input) => chain(plainOf<readonly PlainLayer[]>(network, path, branch), input, path),
  });
  const join = ({ path }: Site, className: string): Join<Symbol> => ({
    ...stateless,
    apply(shortcut, block) {
      const sides = plainOf<{ shortcut: readonly PlainLayer[]; block: readonly PlainLayer[] }>(network, path, branch);
      const inputs = [chain(sides.shortcut, shortcut, `${path}_shortcut`), chain(sides.block, block, `${path}_block`)];
      const name = safeName(path);
      layers.push({ className, config: className === 'Concatenate' ? { axis: -1 } : {}, weights: [], name, inputs: inputs.map((s) => s.from) });
      return { from: name };
    },
  });
  return {
    conv: layer, norm: layer, act: layer, pool: layer, dense: layer, flatten: layer,
    join: (site) => join(site, 'Add'),
    concat: (site) => join(site, 'Concatenate'),
  };
}

function plainOf<P>(network: Network, path: string, branch: Branch): P {
  const layer = network.sites.get(path);
  if (layer?.plain === undefined) {
    throw new RobustError('RJS_EXPORT', {
      expected: 'a network whose layers tf.layers can express',
      got: `a layer without a plain form at '${path}'`,
      fix: 'give the layer a plain() method, or use the network through RobustJS',
    });
  }
  return layer.plain(branch) as P;
}

// With mean m and variance s^2, batch norm without epsilon is (x - m) / s.
function plainNormalization({ mean, std }: Normalization): PlainLayer {
  return {
    className: 'BatchNormalization',
    config: { axis: -1, momentum: 0.99, epsilon: 0, center: false, scale: false },
    weights: [
      { name: 'moving_mean', value: tensor1d([...mean]) },
      { name: 'moving_variance', value: tidy(() => square(tensor1d([...std]))) },
    ],
  };
}

async function artifactsOf(network: Network, layers: readonly PlacedLayer[], output: string): Promise<io.ModelArtifacts> {
  const weights = layers.flatMap((layer) => layer.weights.map(({ name, value }) => ({ name: `${layer.name}/${name}`, value })));
  const buffers = await Promise.all(weights.map(async ({ value }) => Float32Array.from(await value.data())));
  const specs = weights.map(({ name, value }) => ({ name, shape: value.shape, dtype: 'float32' as const }));
  dispose(weights.map(({ value }) => value));
  const inputLayer = {
    class_name: 'InputLayer',
    name: 'input',
    config: { batch_input_shape: [null, ...network.inputShape], dtype: 'float32', sparse: false, name: 'input' },
    inbound_nodes: [],
  };
  const placed = layers.map(({ className, config, name, inputs }) => ({
    class_name: className,
    name,
    config: { ...config, name, trainable: true },
    inbound_nodes: [inputs.map((from) => [from, 0, 0, {}])],
  }));
  return {
    format: 'layers-model',
    generatedBy: 'RobustJS',
    convertedBy: null,
    modelTopology: {
      class_name: 'Model',
      config: { name: 'network', layers: [inputLayer, ...placed], input_layers: [['input', 0, 0]], output_layers: [[output, 0, 0]] },
    },
    weightSpecs: specs,
    weightData: joined(buffers),
  };
}

function joined(arrays: readonly Float32Array[]): ArrayBuffer {
  const all = new Float32Array(arrays.reduce((size, a) => size + a.length, 0));
  let offset = 0;
  for (const values of arrays) {
    all.set(values, offset);
    offset += values.length;
  }
  return all.buffer;
}

// A slash in a layer's name would be read as part of a weight's.
const safeName = (path: string): string => path.replaceAll(/[^A-Za-z0-9_.-]/g, '_');
