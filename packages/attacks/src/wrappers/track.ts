import type { Attack, Search, Seen } from '@robustjs/core';
import { cast, dispose, keep, norm, type Tensor, type Tensor1D, tidy } from '@tensorflow/tfjs-core';
import { flatRows } from '../rows.ts';
import { watched } from './watched.ts';

/** One pass of an attack, row by row of those still searched. */
export interface TrackedStep {
  /** Passes of this search before it. */
  readonly step: number;
  /** Ids of the rows. */
  readonly ids: Int32Array;
  /** Whether the attack only asked, without proposing the inputs. */
  readonly probe: boolean;
  /** The objective, larger is better for the attack. */
  readonly loss: Float32Array;
  /** Euclidean length of its gradient; absent where none was taken. */
  readonly gradientNorm?: Float32Array;
  /** Distance from the clean input, in the threat model's norm. */
  readonly distance: Float32Array;
  /** Whether the criterion holds, in the budget or beyond it. */
  readonly success: readonly boolean[];
  /** The inputs as they were, `[rows, ...inputShape]` flat. */
  readonly inputs: Float32Array;
}

/** What is waiting to be read from the device. */
interface Pending extends Pick<TrackedStep, 'step' | 'ids' | 'probe'> {
  readonly loss: Tensor;
  readonly gradientNorm?: Tensor;
  readonly distance: Tensor;
  readonly success: Tensor;
  readonly inputs: Tensor;
}

/**
 * The same attack, telling of each of its passes: gradients, queries and judged offers. It finds what it would have found, to the bit, with
 * the same id and configuration. What is told is read when the attack next lets rows leave, so `onStep` is called a little later than
 * the pass, in order.
 *
 * @param onStep called once a pass and waited for; what it throws ends the attack.
 */
export function track(attack: Attack, onStep: (step: TrackedStep) => void | Promise<void>): Attack {
  return { ...attack, search: (search) => trackedSearch(attack, search, onStep) };
}

async function trackedSearch(attack: Attack, search: Search, onStep: (step: TrackedStep) => void | Promise<void>): Promise<void> {
  let step = 0;
  let pending: Pending[] = [];
  const note = (inputs: Tensor, probe: boolean, { values, adversarial, gradient }: Seen & { readonly gradient?: Tensor }): void => {
    const kept = tidy(() => ({
      loss: keep(values.clone()),
      distance: keep(search.threat.distance(inputs, search.clean)),
      success: keep(cast(adversarial, 'int32')),
      inputs: keep(inputs.clone()),
      ...(gradient && { gradientNorm: keep(norm(flatRows(gradient), 2, 1)) }),
    }));
    pending.push({ step: step++, ids: Int32Array.from(search.ids), probe, ...kept });
  };
  const tell = async (): Promise<void> => {
    for (let first = pending.shift(); first !== undefined; first = pending.shift()) await onStep(await read(first));
  };
  const watching = watched(search, {
    differentiate(inputs, options) {
      const seen = search.differentiate(inputs, options);
      note(inputs, options.probe ?? false, seen);
      return seen;
    },
    look(inputs, options) {
      const seen = search.look(inputs, options);
      note(inputs, options.probe ?? false, seen);
      return seen;
    },
    async compact(...state) {
      try {
        await tell();
      } catch (error) {
        dispose(state);
        throw error;
      }
      return search.compact(...state);
    },
  });
  try {
    await attack.search(watching);
    await tell();
  } finally {
    pending.forEach(release);
    pending = [];
  }
}

async function read(pending: Pending): Promise<TrackedStep> {
  const { step, ids, probe, loss, gradientNorm, distance, success, inputs } = pending;
  const [values, distances, successes, points] = await Promise.all([loss, distance, success, inputs].map((x) => x.data()));
  const norms = await gradientNorm?.data();
  release(pending);
  return {
    step,
    ids,
    probe,
    loss: values as Float32Array,
    ...(norms && { gradientNorm: norms as Float32Array }),
    distance: distances as Float32Array,
    success: Array.from(successes!, Boolean),
    inputs: points as Float32Array,
  };
}

const release = ({ loss, gradientNorm, distance, success, inputs }: Pending): void =>
  dispose([loss, distance, success, inputs, ...(gradientNorm === undefined ? [] : [gradientNorm])] as Tensor1D[]);
