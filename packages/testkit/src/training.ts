import {
  type Batch, commitUpdates, type Defense, dropUpdates, MAIN, mean, type Model, one, randomStream, runAttack, type TrainingAttack,
  type TrainingObjective, type TrainingTools, type Update,
} from '@robustjs/core';
import { crossEntropy } from '@robustjs/nn';
import { clone, dispose, keep, mul, type Scalar, sub, type Tensor, tidy, type Variable, variableGrads, zerosLike } from '@tensorflow/tfjs-core';

/** An attack that a defense asked for, and the rows it got. */
export interface RecordedAttack {
  /** As asked, with a copy of the targets; the recorder disposes it. */
  readonly asked: TrainingAttack;
  /** A copy of the rows attacked; the recorder disposes it. */
  readonly inputs: Tensor;
  /** A copy of the adversarial rows; the recorder disposes it. */
  readonly adversarial: Tensor;
}

/** {@link TrainingTools} that record the attacks asked for. */
export interface RecordingTools extends TrainingTools {
  readonly attacks: readonly RecordedAttack[];
  /** Releases the recorded rows and drops the statistics not committed. */
  dispose(): void;
}

/** Options of {@link trainingTools}. */
export interface ToolsOptions {
  /** Default 0. */
  readonly seed?: number;
  /** Default 3. */
  readonly classes?: number;
  /** Default 0. */
  readonly progress?: number;
  /** The track's loss. Default: mean cross-entropy. */
  readonly loss?: TrainingTools['loss'];
}

const meanCrossEntropy: TrainingTools['loss'] = (logits, labels) => mean(crossEntropy(logits, labels));

/** What a trainer hands to a defense for one step, recorded. */
export function trainingTools(model: Model, batch: Batch, { seed = 0, classes = 3, progress = 0, loss = meanCrossEntropy }: ToolsOptions = {}): RecordingTools {
  const attacks: RecordedAttack[] = [];
  const updates: Update[] = [];
  const random = randomStream(seed).split('step', 0);
  return {
    random,
    progress,
    classes,
    updates,
    loss,
    attacks,
    async attack(asked) {
      const stream = random.split('attack', attacks.length);
      const { batch: rows = batch, ...rest } = asked;
      const { adversarial } = await runAttack(asked.attack, { ...rest, ...rows, model, random: stream, keep: 'last' });
      const { targets } = asked;
      attacks.push({ asked: { ...asked, ...(targets && { targets: clone(targets) }) }, inputs: clone(rows.inputs), adversarial: clone(adversarial) });
      return adversarial;
    },
    dispose() {
      for (const { asked, inputs, adversarial } of attacks) dispose([inputs, adversarial, ...(asked.targets ? [asked.targets] : [])]);
      dropUpdates(updates.splice(0));
    },
  };
}

/** The objective of one step: the defense's, or the plain loss on the clean batch where it has none. */
export async function objectiveOf(defense: Defense, model: Model, batch: Batch, tools: TrainingTools): Promise<TrainingObjective> {
  if (defense.objective) return defense.objective(model, batch, tools);
  return {
    loss: () =>
      tools.loss(model.forward(batch.inputs, { train: true, route: one(defense.deploys ?? MAIN), updates: tools.updates }), batch.labels),
  };
}

/** The loss of an objective, and its gradient with respect to the model's parameters in their order. */
export interface LossAndGradients {
  readonly loss: number;
  /** One tensor a parameter; zero where the loss does not depend on it. The caller disposes them. */
  readonly gradients: readonly Tensor[];
  /** What the objective noted, by name. */
  readonly logs: Readonly<Record<string, number>>;
}

/** Takes the gradient of an objective as a trainer does. */
export async function lossAndGradients(objective: TrainingObjective, model: Model): Promise<LossAndGradients> {
  const noted: [string, Scalar][] = [];
  const variables: Variable[] = model.parameters.map(({ variable }) => variable);
  const { value, grads } = variableGrads(() => objective.loss((name, scalar) => noted.push([name, keep(clone(scalar))])), variables);
  const [loss = NaN] = await value.data();
  const logs = Object.fromEntries(await Promise.all(noted.map(async ([name, scalar]) => [name, (await scalar.data())[0]!] as const)));
  dispose([value, ...noted.map(([, scalar]) => scalar)]);
  return { loss, gradients: variables.map((variable) => grads[variable.name] ?? zerosLike(variable)), logs };
}

/** The loss of an objective without a gradient; it may be taken again and again, since the adversarial rows stay. */
export async function lossOf(objective: TrainingObjective): Promise<number> {
  const value = tidy(() => objective.loss(() => {}));
  const [loss = NaN] = await value.data();
  value.dispose();
  return loss;
}

/** Makes the objective of one step, hands it to some work, and releases everything. */
export async function withObjective<Result>(
  defense: Defense,
  model: Model,
  batch: Batch,
  work: (objective: TrainingObjective, tools: RecordingTools) => Promise<Result>,
  options: ToolsOptions = {},
): Promise<Result> {
  const tools = trainingTools(model, batch, options);
  const objective = await objectiveOf(defense, model, batch, tools);
  try {
    return await work(objective, tools);
  } finally {
    objective.dispose?.();
    tools.dispose();
  }
}

/** Moves every parameter against its gradient, `w <- w - rate * g`. */
export function descend(model: Model, gradients: readonly Tensor[], rate: number): void {
  model.parameters.forEach(({ variable }, i) => tidy(() => variable.assign(sub(variable, mul(gradients[i]!, rate)))));
}

/** One whole training step as a trainer makes it: objective, hooks, gradient, plain descent, statistics. Returns the loss before it. */
export async function trainingStep(
  defense: Defense,
  model: Model,
  batch: Batch,
  { rate = 0.05, ...options }: ToolsOptions & { readonly rate?: number } = {},
): Promise<number> {
  const tools = trainingTools(model, batch, options);
  const objective = await objectiveOf(defense, model, batch, tools);
  await defense.before?.(model, batch, tools);
  const { loss, gradients } = await lossAndGradients(objective, model);
  descend(model, gradients, rate);
  await defense.after?.(model, batch, tools);
  commitUpdates(tools.updates.splice(0));
  dispose([...gradients]);
  objective.dispose?.();
  tools.dispose();
  return loss;
}
