import { type EvaluatedRetrieval, evaluateRetrieval } from '../retrieval/index.ts';
import type { BenchmarkParts } from '@robustjs/datasets';
import { examplesToJsonl } from '../evaluate/index.ts';
import type { MetricRecipe } from '../metric-recipe.ts';
import { builtFile } from '../replicas/built.ts';
import type { Timing } from '../report/index.ts';
import type { Trained } from '../train/index.ts';
import { aboutOf } from './about.ts';
import { type ArmFiles, prettyJson, writeWhole } from './files.ts';
import { storeRetrievalDetails } from './retrieval-details.ts';
import { type Running, stageOf, type Subject } from './run-recipe.ts';
import type { Arm } from './tracks.ts';

/** Whether an arm is of the track `metric-learning`. */
export const isRetrieval = (arm: Arm): arm is Arm<MetricRecipe> => arm.recipe.track === 'metric-learning';

/** Evaluates the network of an arm. */
export function evaluateRetrievalArm({ id, recipe }: Arm<MetricRecipe>, files: ArmFiles, { trained, method, runtime, data }: Subject, pictures: number, { signal, onEvent, workers = 1, from }: Running): Promise<EvaluatedRetrieval> {
  const { evaluation, loss, seed } = recipe;
  return evaluateRetrieval(trained.model, data, {
    id,
    evaluation,
    loss,
    seed,
    route: trained.deployedRoute,
    about: aboutOf(recipe, method, trained),
    runtime,
    pictures,
    workers,
    source: { module: builtFile('run/network-subject.js').href, setup: { path: files.network, from } },
    onNote: (message) => onEvent({ kind: 'note', id, message }),
    ...(signal && { signal }),
    onProgress: (progress) => onEvent({ kind: 'progress', id, stage: stageOf(progress), done: progress.done, total: progress.total, unit: 'queries' }),
  });
}

/** Writes what an evaluation came to, the entry last. */
export async function storeRetrieval(files: ArmFiles, evaluated: EvaluatedRetrieval, { timing, trained, data }: { timing: Timing; trained: Trained; data: BenchmarkParts }): Promise<void> {
  const { pictures, projection, statistics, examples, entry } = evaluated;
  const { curves, chosenEpoch } = trained;
  await storeRetrievalDetails(files.details, { timing, curves, pictures, projection, statistics, classNames: data.test.classNames, ...(chosenEpoch !== undefined && { chosenEpoch }) });
  await writeWhole(files.examples, examplesToJsonl(examples));
  await writeWhole(files.entry, prettyJson(entry));
}
