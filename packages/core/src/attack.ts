import type { Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Criterion, Objective } from './loss.ts';
import type { Bounds, Model } from './model.ts';
import type { RandomStream } from './random.ts';
import type { Route } from './route.ts';
import type { ThreatModel } from './threat.ts';

/** A search for adversarial inputs. It proposes; the framework projects, judges, counts and keeps the best. */
export interface Attack {
  /** Name in records and tables, such as `pgd`. */
  readonly id: string;
  /** Everything that determines it, ready for JSON: steps, step size, restarts. */
  readonly config: Readonly<Record<string, unknown>>;
  /** What it maximizes. */
  readonly objective: Objective;
  /** Looks for adversarial inputs through `search`, and ends with {@link Search.offer} on its last iterate. */
  search(search: Search): Promise<void>;
}

/** How a search looks at inputs. */
export interface LookOptions {
  /** What to differentiate and return instead of the attack's objective; taken as it is in a targeted search too. */
  readonly objective?: Objective;
  /** These inputs are no proposal, such as a transformed image: they are counted, but neither judged nor kept. */
  readonly probe?: boolean;
}

/** What a forward pass told of some inputs, row by row. */
export interface Seen {
  /** What the model gave, `[rows, K]`. */
  readonly outputs: Tensor;
  /** The objective, `[rows]`. */
  readonly values: Tensor1D;
  /** Whether the criterion holds, within the budget or beyond it, `[rows]` bool; also true of outputs that are not finite, but in a targeted search. */
  readonly adversarial: Tensor1D;
}

/**
 * What an attack's author works with. The batch shrinks as rows are broken: read `clean`, `ids` and `rows` again after
 * every {@link Search.compact}. All inputs handed in must lie in the threat model; {@link Search.project} sees to it.
 */
export interface Search {
  readonly threat: ThreatModel;
  readonly bounds: Bounds;
  /** The stream of this attack; split it by purpose, restart and step. */
  readonly random: RandomStream;
  /** The unperturbed inputs of the rows still searched; owned by the framework. */
  readonly clean: Tensor;
  /** Stable ids of the rows still searched. */
  readonly ids: Int32Array;
  /** How many rows are still searched; 0: return. */
  readonly rows: number;
  /** Labels of the rows still searched, or targets where it is {@link Search.targeted}; owned by the framework. */
  readonly goals: Tensor1D;
  readonly targeted: boolean;
  /** Gradient of the objective at these inputs, and a judgement of them from the same forward pass. */
  gradient(inputs: Tensor, options?: LookOptions): Tensor;
  /** A judgement of these inputs without a gradient. Returns the objective a row, `[rows]`. */
  query(inputs: Tensor, options?: LookOptions): Tensor1D;
  /** As {@link Search.gradient}, with everything that the forward pass told. The caller disposes. */
  differentiate(inputs: Tensor, options?: LookOptions): Seen & { readonly gradient: Tensor };
  /** As {@link Search.query}, with everything that the forward pass told. The caller disposes. */
  look(inputs: Tensor, options?: LookOptions): Seen;
  /** A judgement of an iterate that nothing follows; where only the last iterate is wanted, it is taken unjudged. */
  offer(inputs: Tensor): void;
  /** Allowed inputs near the given ones. */
  project(inputs: Tensor): Tensor;
  /** Lets broken rows leave. Takes the search's own row-wise tensors and returns them for the rows that stay. */
  compact<State extends Tensor[]>(...state: State): Promise<State>;
}

/** One batch to attack. */
export interface AttackProblem {
  readonly model: Model;
  /** `[N, ...inputShape]`, in the model's bounds. */
  readonly inputs: Tensor;
  /** True classes `[N]` int32; the attack moves away from them. */
  readonly labels: Tensor1D;
  /** Target classes `[N]` int32; present: the attack moves towards them and success means reaching them. */
  readonly targets?: Tensor1D;
  /** Stable ids of the examples; random draws are keyed by them. */
  readonly ids: ArrayLike<number>;
  /** With a budget of `Infinity`, for attacks that look for the nearest adversarial input, the nearest one found is kept. */
  readonly threat: ThreatModel;
  readonly random: RandomStream;
  /** Normalization branch to attack through. Default: main. Where it differs by rows, broken rows stay in the batch. */
  readonly route?: Route;
  /** Overrides the attack's own objective. */
  readonly objective?: Objective;
  /** Default: misclassified, or target reached where there are targets. Outputs that are not finite are adversarial besides, but reach no target. */
  readonly criterion?: Criterion;
  /**
   * `'best'` (default) returns the first adversarial iterate of a row, else the one with the largest objective, and a
   * broken row costs nothing more. `'last'` returns the last iterate unjudged, as adversarial training does, and reads
   * nothing from the device.
   */
  readonly keep?: 'best' | 'last';
  /** Stops between steps. */
  readonly signal?: AbortSignal;
}

/** What an attack found, row by row in the order of the problem. */
export interface AttackResult {
  /** `[N, ...inputShape]`; a row that was not broken holds the strongest attempt. The caller disposes. */
  readonly adversarial: Tensor;
  /** Whether the criterion holds; all false for `keep: 'last'`, where nothing was judged. */
  readonly success: readonly boolean[];
  /** Objective at the returned input; NaN where unjudged, and possibly where the outputs are not finite. */
  readonly values: Float32Array;
  /** Distance from the clean input, in the threat model's norm; NaN where unjudged. */
  readonly distances: Float32Array;
  /** Gradients taken, by row. */
  readonly gradientCalls: Int32Array;
  /** Forward passes without a gradient, by row. */
  readonly queries: Int32Array;
  /** Proposals that were not allowed or not finite, by row; they are never returned. Zero where unjudged. */
  readonly rejected: Int32Array;
}
