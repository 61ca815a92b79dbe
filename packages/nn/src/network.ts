import { type Architecture, type Bounds, type Join, type Kit, type Layer, MAIN, type Model, type NamedVariable, RobustError, type Site } from '@robustjs/core';
import { div, sub, type Tensor, tensor1d, tidy } from '@tensorflow/tfjs-core';

/** A model built from an architecture and a kit; it can be saved, loaded and exported. */
export interface Network extends Model {
  /** What it was built from; called again with symbols for export. */
  readonly architecture: Architecture;
  /** The layer that the kit made at each site path. */
  readonly sites: ReadonlyMap<string, Layer | Join>;
  /** How inputs are normalized before the first layer; undefined: not at all. */
  readonly normalization: Normalization | undefined;
}

/** Normalization of inputs inside a network, by channel: `(x - mean) / std`, in the units of the bounds. */
export interface Normalization {
  /** One number a channel. */
  readonly mean: readonly number[];
  /** One number a channel, above 0. */
  readonly std: readonly number[];
}

/** Options of {@link buildNetwork}. */
export interface NetworkOptions {
  /** What layers are made by. */
  readonly kit: Kit;
  /** Shape of one input, without the batch axis; channels last. */
  readonly inputShape: readonly number[];
  /** Smallest and largest input value. Default [0, 1]. */
  readonly bounds?: Bounds;
  /** Default: inputs go to the first layer as they are. */
  readonly normalization?: Normalization;
}

/**
 * Builds a network. It owns the variables that the kit makes; where building fails, they are released.
 *
 * @throws RobustError `RJS_SITE` when two sites have the same path or two variables the same name, `RJS_NORMALIZATION` for
 * a normalization that does not fit the channels.
 */
export function buildNetwork(architecture: Architecture, options: NetworkOptions): Network {
  const { kit, inputShape, bounds = [0, 1], normalization } = options;
  checkNormalization(normalization, inputShape.at(-1) ?? 0);
  const sites = new Map<string, Layer | Join>();
  const dispose = (): void => sites.forEach(release);
  try {
    const body = architecture(recording(kit, sites));
    return {
      architecture,
      sites,
      normalization,
      inputShape,
      bounds,
      branches: body.branches ?? [MAIN],
      ...variablesOf(body),
      forward: (inputs, pass) => tidy(() => body.apply(normalization ? normalize(inputs, normalization) : inputs, pass)),
      dispose,
    };
  } catch (error) {
    dispose();
    throw error;
  }
}

const normalize = (inputs: Tensor, { mean, std }: Normalization): Tensor => div(sub(inputs, tensor1d([...mean])), tensor1d([...std]));

function checkNormalization(normalization: Normalization | undefined, channels: number): void {
  if (normalization === undefined) return;
  const { mean, std } = normalization;
  const fits = mean.length === channels && std.length === channels && [...mean, ...std].every(Number.isFinite) && std.every((s) => s > 0);
  if (!fits) {
    throw new RobustError('RJS_NORMALIZATION', {
      expected: `a finite mean and a std above 0 for each of ${channels} channels`,
      got: `mean [${mean.join(', ')}], std [${std.join(', ')}]`,
      fix: 'give one number a channel, in the units of the bounds',
    });
  }
}

/** The same kit, noting what it made where. */
function recording(kit: Kit, sites: Map<string, Layer | Join>): Kit {
  const note = <L extends Layer | Join>({ path }: Site, layer: L): L => {
    if (sites.has(path)) {
      release(layer);
      throw twice('a path of its own for every site', path);
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

/** The variables of a layer, each once: a layer that an architecture uses twice is still trained once. */
function variablesOf(layer: Pick<Layer, 'parameters' | 'buffers'>): Pick<Layer, 'parameters' | 'buffers'> {
  const parameters = [...new Set(layer.parameters)];
  const buffers = [...new Set(layer.buffers)];
  const names = new Set<string>();
  for (const { name } of [...parameters, ...buffers]) {
    if (names.has(name)) throw twice('a name of its own for every variable', name);
    names.add(name);
  }
  return { parameters, buffers };
}

const release = ({ parameters, buffers }: { parameters: readonly NamedVariable[]; buffers: readonly NamedVariable[] }): void =>
  [...parameters, ...buffers].forEach(({ variable }) => variable.dispose());

const twice = (expected: string, name: string): RobustError =>
  new RobustError('RJS_SITE', { expected, got: `'${name}' twice`, fix: 'rename one, in the architecture or in the kit' });
