import { type Architecture, type Bounds, type Join, type Kit, type Layer, MAIN, type Model, RobustError, type Site } from '@robustjs/core';
import { div, sub, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';

/** A model built from an architecture and a kit; it can be saved, loaded and exported. */
export interface Network extends Model {
  readonly architecture: Architecture;
  /** The layer that the kit made at each site path. */
  readonly sites: ReadonlyMap<string, Layer | Join>;
  readonly normalization: Normalization | undefined;
}

/** Normalization of inputs inside a network, by channel: `(x - mean) / std`, in the units of the bounds. */
export interface Normalization {
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

/** Options of {@link buildNetwork}. */
export interface NetworkOptions {
  readonly kit: Kit;
  /** Shape of one input, without the batch axis; channels last. */
  readonly inputShape: readonly number[];
  /** Default [0, 1]. */
  readonly bounds?: Bounds;
  readonly normalization?: Normalization;
}

/**
 * Builds a network.
 *
 * @throws RobustError `RJS_SITE` when two sites have the same path.
 */
export function buildNetwork(architecture: Architecture, options: NetworkOptions): Network {
  const sites = new Map<string, Layer | Join>();
  const body = architecture(recording(options.kit, sites));
  const { normalization } = options;
  const variables = [...body.parameters, ...body.buffers];
  return {
    architecture,
    sites,
    normalization,
    inputShape: options.inputShape,
    bounds: options.bounds ?? [0, 1],
    branches: body.branches ?? [MAIN],
    parameters: body.parameters,
    buffers: body.buffers,
    forward: (inputs, pass) => tidy(() => body.apply(normalization ? normalize(inputs, normalization) : inputs, pass)),
    dispose: () => variables.forEach(({ variable }) => variable.dispose()),
  };
}

const normalize = (inputs: Tensor, { mean, std }: Normalization): Tensor => div(sub(inputs, tensor1d([...mean])), tensor1d([...std]));

/** The same kit, noting what it made where. */
function recording(kit: Kit, sites: Map<string, Layer | Join>): Kit {
  const note = <L extends Layer | Join>({ path }: Site, layer: L): L => {
    if (sites.has(path)) {
      throw new RobustError('RJS_SITE', { expected: 'a path of its own for every site', got: `'${path}' twice`, fix: 'rename one in the architecture' });
    }
    sites.set(path, layer);
    return layer;
  };
  return {
    conv: (site, options) => note(site, kit.conv(site, options)),
    norm: (site) => note(site, kit.norm(site)),
    act: (site) => note(site, kit.act(site)),
    pool: (site, options) => note(site, kit.pool(site, options)),
    dense: (site, options) => note(site, kit.dense(site, options)),
    flatten: (site) => note(site, kit.flatten(site)),
    join: (site) => note(site, kit.join(site)),
    concat: (site) => note(site, kit.concat(site)),
  };
}
