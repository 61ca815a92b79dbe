// What each thread of an evaluation of embeddings does: opens the model and the examples, then attacks one batch of queries after another.
import { box, type Model, threatModel } from '@robustjs/core';
import type { SubjectModule } from '../evaluate/engine/replica-setup.ts';
import { datasetOfExamples } from '../evaluate/examples-input.ts';
import type { ReplicaWork } from '../replicas/index.ts';
import { startRuntime } from '../run/runtime.ts';
import { type AttackedQueries, type QueryJob, queryWork, type QueryWork } from './attack-queries.ts';
import { queryAttack } from './attacks.ts';
import { type Gallery, galleryOf } from './gallery.ts';
import type { QueryThreadSetup } from './query-threads.ts';

/** Opens the work of one thread. */
export async function open({ source, examples, runtime, seed }: QueryThreadSetup): Promise<ReplicaWork<QueryJob, AttackedQueries>> {
  await startRuntime(runtime.id, runtime.variant);
  const { openSubject } = (await import(source.module)) as SubjectModule;
  const model = (await openSubject(source.setup as never)).evaluable as Model;
  const labels = Array.from(new Int32Array(examples.labels));
  const dataset = datasetOfExamples({ images: new Float32Array(examples.images), labels, ids: Int32Array.from(new Int32Array(examples.ids)) }, examples.info);
  // Jobs of one branch, and of one attack, follow each other: what they share is kept until another comes.
  let gallery: { readonly branch: string; readonly held: Gallery } | undefined;
  let work: { readonly key: string; readonly held: QueryWork } | undefined;

  const release = (): void => {
    work?.held.dispose();
    work = undefined;
  };
  const workFor = async ({ branch, attack, queries, rows }: QueryJob): Promise<QueryWork> => {
    const key = JSON.stringify([branch, attack, Array.from(queries)]);
    if (work?.key === key) return work.held;
    release();
    const route = { kind: 'one', branch } as const;
    if (gallery?.branch !== branch) {
      gallery?.held.dispose();
      gallery = { branch, held: await galleryOf(model, route, dataset) };
    }
    work = { key, held: queryWork({ model, route, dataset, gallery: gallery.held, batchSize: rows.length, seed }, queries, queryAttack(attack)) };
    return work.held;
  };
  return {
    run: async (job) => (await workFor(job)).run(job.rows, job.threat.norm === 'box' ? box(model.bounds) : threatModel(job.threat.norm, job.threat.eps)),
    close() {
      release();
      gallery?.held.dispose();
      model.dispose();
    },
  };
}
