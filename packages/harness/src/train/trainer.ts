import { createHash } from 'node:crypto';
import { type Batch, type NamedVariable, randomStream, RobustError } from '@robustjs/core';
import { batchCount, shuffledBatches } from '@robustjs/datasets';
import { encodeWeights } from '@robustjs/nn';
import { recipeHash } from '../recipe.ts';
import { startRuntime } from '../run/runtime.ts';
import { accuracyOn } from './accuracy.ts';
import { weightAverage } from './average.ts';
import { loadCheckpoint, readVariables, saveCheckpoint, writeVariables } from './checkpoint.ts';
import { localShards } from './local-shards.ts';
import { type BuiltModel, buildModel, variablesOf } from './model.ts';
import { optimizerOf } from './optimizer.ts';
import { meanCrossEntropy } from './plain-objective.ts';
import type { ShardContext } from './shard.ts';
import { type StepContext, trainingStep } from './step.ts';
import { addToTally, emptyTally, type Tally, tallyMeans } from './tally.ts';
import { type ThreadedShards, threadedShards } from './threaded-shards.ts';
import type { CurvePoint, Trained, TrainOptions } from './types.ts';
import { trainingWorkers } from './workers.ts';

/** What a checkpoint holds besides tensors. */
interface Progress {
  /** Steps done. */
  readonly step: number;
  /** Training examples seen, repetitions counted. */
  readonly examples: number;
  readonly gradientCalls: number;
  readonly curves: readonly CurvePoint[];
  /** The epoch under way. */
  readonly tally: Tally;
}

/** Everything of one run. */
interface Run {
  readonly options: TrainOptions;
  readonly built: BuiltModel;
  readonly step: StepContext;
  readonly stepsPerEpoch: number;
  /** Everything that training moves, by its name in a checkpoint. */
  readonly stored: readonly NamedVariable[];
  readonly recipeHash: string;
}

/**
 * Trains the network of a recipe. A run that was stopped or killed goes on from its checkpoint and ends with the same bits
 * as one that was not; a damaged checkpoint is passed over for the one before it.
 *
 * @throws RobustError `RJS_ABORTED` when stopped, `RJS_DIVERGED` when loss or gradient is no longer finite (both after a
 * checkpoint), `RJS_CHECKPOINT` for a checkpoint of another recipe, `RJS_TRAINING_DATA` for data without examples, and
 * what building the network or the method throws.
 */
export async function train(options: TrainOptions): Promise<Trained> {
  const started = performance.now();
  const run = startRun(options);
  const { built, step } = run;
  let threads: ThreadedShards | undefined;
  try {
    threads = await startThreads(run);
    const { curves, gradientCalls } = await runToEnd(threads === undefined ? run : { ...run, step: { ...step, shards: threads.shards } });
    step.average.swapIn().release();
    const weightsSha256 = createHash('sha256').update(await encodeWeights(built.model)).digest('hex');
    const seconds = (performance.now() - started) / 1000;
    return { ...built, curves, steps: step.steps, gradientCalls, weightsSha256, seconds };
  } catch (error) {
    built.network.dispose();
    built.model.dispose();
    throw error;
  } finally {
    await threads?.close();
    step.optimizer.dispose();
    step.average.dispose();
  }
}

function startRun(options: TrainOptions): Run {
  const { recipe, data, method, signal } = options;
  if (data.train.size === 0) {
    throw new RobustError('RJS_TRAINING_DATA', { expected: 'at least one training example', got: 'none', fix: 'raise data.train in the recipe, or choose other data' });
  }
  const stepsPerEpoch = batchCount(data.train.size, recipe.training);
  const built = buildModel(recipe, data.train, method);
  const { parameters, buffers } = variablesOf(built);
  const optimizer = optimizerOf(recipe.training.optimizer, parameters);
  const average = weightAverage(parameters, recipe.training.ema);
  const context: ShardContext = {
    model: built.network,
    parameters,
    defense: method.defense,
    random: randomStream(recipe.seed).split('train'),
    classes: data.train.classes,
    loss: meanCrossEntropy,
    steps: recipe.training.epochs * stepsPerEpoch,
  };
  return {
    options,
    built,
    step: { ...context, recipe: recipe.training, optimizer, average, shards: localShards(context, recipe.training.shards, signal) },
    stepsPerEpoch,
    stored: [...under('weights', [...parameters, ...buffers]), ...under('optimizer', optimizer.slots), ...under('average', average.averages)],
    recipeHash: recipeHash(recipe),
  };
}

/** Threads for the shards, where more than one is wanted and the method allows it. */
async function startThreads({ options, built, step }: Run): Promise<ThreadedShards | undefined> {
  const { recipe, data, method, signal, workers = 1, onNote = () => {} } = options;
  const { count, reason } = trainingWorkers(workers, recipe.training, method);
  if (count === 1) {
    if (reason !== undefined) onNote(`trains in one thread: ${reason}`);
    return undefined;
  }
  onNote(`trains in ${count} threads`);
  const { inputShape, classes } = data.train;
  return threadedShards({
    ...variablesOf(built),
    runtime: await startRuntime(recipe.runtime),
    workers: count,
    recipe,
    from: method.from!,
    shape: { inputShape, classes },
    steps: step.steps,
    signal,
    onLost: ({ message }) => onNote(message),
  });
}

async function runToEnd(run: Run): Promise<Progress> {
  const { stepsPerEpoch, step: { steps } } = run;
  const { recipe, data, signal } = run.options;
  let progress = await resume(run);
  try {
    while (progress.step < steps) {
      const epoch = Math.floor(progress.step / stepsPerEpoch);
      const order = { batchSize: recipe.training.batchSize, seed: recipe.seed, epoch, start: progress.step % stepsPerEpoch };
      for await (const batch of shuffledBatches(data.train, { ...order, ...(signal && { signal }) })) {
        progress = await advance(run, batch, progress);
      }
    }
    return progress;
  } catch (error) {
    if (error instanceof RobustError && ['RJS_ABORTED', 'RJS_DIVERGED'].includes(error.code)) await save(run, progress);
    throw error;
  }
}

/** One step, and what is due after it. */
async function advance(run: Run, batch: Batch, before: Progress): Promise<Progress> {
  const { checkpointEverySteps = 200, onProgress } = run.options;
  const { steps } = run.step;
  const rows = batch.ids.length;
  const result = await trainingStep(run.step, batch, before.step);
  const step = before.step + 1;
  let progress: Progress = {
    step,
    examples: before.examples + rows,
    gradientCalls: before.gradientCalls + result.gradientCalls,
    curves: before.curves,
    tally: addToTally(before.tally, result, rows),
  };
  if (step % run.stepsPerEpoch === 0) progress = await closeEpoch(run, progress, result.learningRate);
  if (step % checkpointEverySteps === 0 || step === steps) await save(run, progress);
  onProgress?.({ kind: 'train', step, steps, examples: progress.examples, loss: result.loss });
  await nextTurn();
  return progress;
}

async function closeEpoch(run: Run, progress: Progress, learningRate: number): Promise<Progress> {
  const { step, curves, tally } = progress;
  const clean = await validationAccuracy(run);
  const point: CurvePoint = {
    step,
    epoch: step / run.stepsPerEpoch,
    learningRate,
    ...tallyMeans(tally),
    ...(clean !== undefined && { validation: { clean } }),
  };
  return { ...progress, curves: [...curves, point], tally: emptyTally };
}

/** Of what would be deployed now: averaged weights where there are any. */
async function validationAccuracy({ options, built, step }: Run): Promise<number | undefined> {
  const { validation } = options.data;
  if (validation === undefined || validation.size === 0) return undefined;
  const live = step.average.swapIn();
  try {
    return await accuracyOn(built.model, built.deployedRoute, validation);
  } finally {
    live.restore();
    live.release();
  }
}

async function resume({ options, stored, recipeHash: hash }: Run): Promise<Progress> {
  const checkpoint = options.checkpointDir === undefined ? undefined : await loadCheckpoint(options.checkpointDir, hash);
  if (checkpoint === undefined) return { step: 0, examples: 0, gradientCalls: 0, curves: [], tally: emptyTally };
  writeVariables(stored, checkpoint);
  return JSON.parse(checkpoint.state) as Progress;
}

async function save({ options, stored, recipeHash: hash }: Run, progress: Progress): Promise<void> {
  if (options.checkpointDir === undefined) return;
  await saveCheckpoint(options.checkpointDir, { recipeHash: hash, state: JSON.stringify(progress), tensors: await readVariables(stored) });
}

/** Lets timers and signals run. */
const nextTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const under = (folder: string, variables: readonly NamedVariable[]): NamedVariable[] =>
  variables.map(({ name, variable }) => ({ name: `${folder}/${name}`, variable }));
