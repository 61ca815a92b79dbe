import { type Branch, evaluation, type Join, type Kit, type Layer, MAIN, one, type PlainLayer, RobustError, type Site } from '@robustjs/core';
import { type io, square, tensor1d, tidy } from '@tensorflow/tfjs-core';
import type { Network, Normalization } from './network.ts';
import { artifactsOf } from './plain-artifacts.ts';
import { type PlainGraph, plainGraph, type PlainValue } from './plain-graph.ts';

/**
 * One branch of a network as plain TF.js artifacts: any program loads them with `tf.loadLayersModel`, without RobustJS.
 * It is the network's architecture called once more, with a kit whose values are symbols. The weights are copies.
 *
 * @param branch which normalization branch to write. Default: main.
 * @throws RobustError `RJS_EXPORT` naming the site that tf.layers cannot express, `RJS_BRANCH` for an unknown branch.
 */
export async function exportPlain(network: Network, branch: Branch = MAIN): Promise<io.ModelArtifacts> {
  if (!network.branches.includes(branch)) {
    throw new RobustError('RJS_BRANCH', {
      expected: `a branch among ${network.branches.join(', ')}`,
      got: JSON.stringify(branch),
      fix: 'export one that the network has',
    });
  }
  const graph = plainGraph(network.inputShape);
  try {
    const normalized = network.normalization ? [plainNormalization(network.normalization)] : [];
    const input = graph.chain(normalized, graph.input, 'normalization');
    const output = network.architecture(symbolicKit(network, branch, graph)).apply(input, evaluation(one(branch)));
    return await artifactsOf(network.inputShape, graph.layers, output.from);
  } finally {
    graph.dispose();
  }
}

/** A kit whose layers write themselves into the graph when they are applied. */
function symbolicKit(network: Network, branch: Branch, graph: PlainGraph): Kit<PlainValue> {
  const stateless = { parameters: [], buffers: [] };
  const layer = ({ path }: Site): Layer<PlainValue> => ({
    ...stateless,
    apply: (input) => graph.chain(plainOf<Layer>(network, path, branch), input, path),
  });
  const join = ({ path }: Site, merge: PlainLayer): Join<PlainValue> => ({
    ...stateless,
    apply(shortcut, block) {
      const sides = plainOf<Join>(network, path, branch);
      const joined = [graph.chain(sides.shortcut, shortcut, `${path}/shortcut`), graph.chain(sides.block, block, `${path}/block`)] as const;
      return graph.merge(merge, joined, path);
    },
  });
  return {
    conv: layer,
    norm: layer,
    act: layer,
    pool: layer,
    dense: layer,
    flatten: layer,
    join: (site) => join(site, { className: 'Add', config: {}, weights: [] }),
    concat: (site) => join(site, { className: 'Concatenate', config: { axis: -1 }, weights: [] }),
  };
}

function plainOf<L extends Layer | Join>(network: Network, path: string, branch: Branch): ReturnType<NonNullable<L['plain']>> {
  const layer = network.sites.get(path);
  if (layer?.plain === undefined) {
    throw new RobustError('RJS_EXPORT', {
      expected: 'a network whose layers tf.layers can express',
      got: `a layer without a plain form at '${path}'`,
      fix: 'give the layer a plain() method, or use the network through RobustJS',
    });
  }
  return layer.plain(branch) as ReturnType<NonNullable<L['plain']>>;
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
