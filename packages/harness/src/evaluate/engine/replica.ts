// What each thread of an evaluation does: opens the model and the examples, then does one job after another.
import type { ReplicaWork } from '../../replicas/index.ts';
import { startRuntime } from '../../run/runtime.ts';
import { datasetOfExamples } from '../examples-input.ts';
import { type Evaluable, subjectOf } from '../subject.ts';
import { AttackBook } from './attack-ref.ts';
import { perform } from './executor.ts';
import type { ReplicaSetup, SubjectModule } from './replica-setup.ts';
import type { Job, JobResult } from './task.ts';

/** Opens the work of one thread. */
export async function open(setup: ReplicaSetup): Promise<ReplicaWork<Job, JobResult>> {
  const { source, examples, runtime, inputShape, bounds, route, seed, weightsSha256, from } = setup;
  await startRuntime(runtime.id, runtime.variant);
  const { openSubject } = (await import(source.module)) as SubjectModule;
  const { evaluable } = await openSubject(source.setup as never);
  const { model, weightsHash } = subjectOf(evaluable as Evaluable, { inputShape, bounds });
  const labels = Array.from(new Int32Array(examples.labels));
  const dataset = datasetOfExamples({ images: new Float32Array(examples.images), labels, ids: Int32Array.from(new Int32Array(examples.ids)) }, examples.info);
  const book = new AttackBook(from);
  const bench = { model, dataset, route, seed, weightsSha256, weightsHash, others: {}, attack: (ref: Parameters<AttackBook['attack']>[0]) => book.attack(ref) };
  return {
    run: (job, _report, signal) => perform({ ...bench, signal }, job),
    close: () => model.dispose(),
  };
}
