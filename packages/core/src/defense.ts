import type { Scalar, Tensor, Tensor1D } from '@tensorflow/tfjs-core';
import type { Attack } from './attack.ts';
import type { Kit } from './kit.ts';
import type { Objective } from './loss.ts';
import type { Model } from './model.ts';
import type { Update } from './pass.ts';
import type { RandomStream } from './random.ts';
import type { Branch, Route } from './route.ts';
import type { ThreatModel } from './threat.ts';

/** One batch of training examples. The trainer owns the tensors. */
export interface Batch {
  /** `[N, ...inputShape]`, in the model's bounds. */
  readonly inputs: Tensor;
  /** Class indices, `[N]` int32. */
  readonly labels: Tensor1D;
  /** Stable ids of the examples; random draws are keyed by them. */
  readonly ids: Int32Array;
}

/** What {@link TrainingTools.attack} is asked for. */
export interface TrainingAttack {
  readonly attack: Attack;
  readonly threat: ThreatModel;
  /** Normalization branch that the attack goes through. Default: main. */
  readonly route?: Route;
  /** Rows to attack instead of the step's batch. */
  readonly batch?: Batch;
  /** Targets `[N]`, which the attack moves towards; absent: away from the labels. */
  readonly targets?: Tensor1D;
  /** What the attack maximizes instead of its own objective. */
  readonly objective?: Objective;
}

/** What a defense gets for one training step besides the model and the batch. */
export interface TrainingTools {
  /** The stream of this step. */
  readonly random: RandomStream;
  /** Share of the training that is done, in [0, 1). */
  readonly progress: number;
  /** Number of classes in the data set. */
  readonly classes: number;
  /** Where training passes append the statistics they saw; the trainer commits them after the step. */
  readonly updates: Update[];
  /** What the track minimizes of outputs and labels, for defenses that leave it to the track: mean cross-entropy of logits, or a loss over embeddings. */
  readonly loss: (outputs: Tensor, labels: Tensor1D) => Scalar;
  /** Adversarial rows: the attack's last iterate, in evaluation mode, weights and statistics untouched. The caller disposes. */
  attack(options: TrainingAttack): Promise<Tensor>;
}

/**
 * What a training step minimizes. `loss` is called once under TF.js's tape, so it is synchronous and does not throw;
 * attacks are over by then. `log` notes a part of the loss for the training curves.
 */
export interface TrainingObjective {
  /** The number to minimize. */
  loss(log: (name: string, value: Scalar) => void): Scalar;
  /** Releases what the objective made, such as adversarial rows. */
  dispose?(): void;
}

/** A way to make models robust. It fills the seams it needs and leaves the rest to the framework. */
export interface Defense {
  /** Replaces parts before a network is built. */
  kit?(kit: Kit): Kit;
  /** One training step. Absent: the plain loss on the clean batch. */
  objective?(model: Model, batch: Batch, tools: TrainingTools): Promise<TrainingObjective>;
  /** Runs when the objective is made, before its gradient is taken, for example to perturb weights. */
  before?(model: Model, batch: Batch, tools: TrainingTools): Promise<void>;
  /** Runs after the optimizer's step. */
  after?(model: Model, batch: Batch, tools: TrainingTools): Promise<void>;
  /** What is deployed and attacked at test time. Absent: the model itself. */
  wrap?(model: Model): Model;
  /** The branch that is deployed. Default: main. */
  readonly deploys?: Branch;
}
