import type { Attack } from './attack.ts';
import type { Defense } from './defense.ts';
import { RobustError } from './errors.ts';

/** Where a method was published. */
export interface Paper {
  readonly title: string;
  readonly authors: string;
  readonly venue: string;
  readonly year: number;
  /** Address of the paper. */
  readonly url: string;
  /** True where our sheet of the method was pieced together without the paper's text. */
  readonly reconstruction?: boolean;
}

/** A schema of options; any zod object schema is one. */
export interface OptionsSchema<Options> {
  /** Checked options with defaults filled in; throws on unknown keys and bad values. */
  parse(value: unknown): Options;
  /** The JSON Schema of the options. */
  toJSONSchema(): object;
}

/** What a plugin can do; drives which conformance tests it runs. */
export type Capability =
  /** Its objective trains an image classifier. */
  | 'image-classification'
  /** Its objective trains embeddings for retrieval. */
  | 'metric-learning'
  /** Its network has normalization branches. */
  | 'branches'
  /** It draws random numbers. */
  | 'stochastic'
  /** It needs gradients with respect to the input. */
  | 'input-gradients';

interface PluginBase<Options> {
  /** Name in recipes and tables, such as `pgd-at`. */
  readonly id: string;
  readonly paper: Paper;
  readonly capabilities: readonly Capability[];
  readonly options: OptionsSchema<Options>;
}

/** A plugin that makes models robust. */
export interface DefensePlugin<Options = unknown> extends PluginBase<Options> {
  readonly kind: 'defense';
  /** The defense with these options, which have been parsed. */
  create(options: Options): Defense;
}

/** A plugin that attacks models. */
export interface AttackPlugin<Options = unknown> extends PluginBase<Options> {
  readonly kind: 'attack';
  /** The attack with these options, which have been parsed. */
  create(options: Options): Attack;
}

/** A published method as a plain value. Importing its package registers nothing. */
export type Plugin<Options = unknown> = DefensePlugin<Options> | AttackPlugin<Options>;

/**
 * Declares a plugin and fixes the types of its options.
 *
 * @throws RobustError `RJS_PLUGIN_ID` when the id is not lower-case words joined by hyphens.
 */
export function definePlugin<Options>(plugin: DefensePlugin<Options>): DefensePlugin<Options>;
export function definePlugin<Options>(plugin: AttackPlugin<Options>): AttackPlugin<Options>;
export function definePlugin(plugin: Plugin): Plugin {
  if (!/^[a-z][a-z0-9]*(-[a-z0-9]+)*$/.test(plugin.id)) {
    throw new RobustError('RJS_PLUGIN_ID', {
      expected: 'a plugin id of lower-case words joined by hyphens',
      got: JSON.stringify(plugin.id),
      fix: "rename it, for example 'pgd-at'",
    });
  }
  return Object.freeze(plugin);
}
