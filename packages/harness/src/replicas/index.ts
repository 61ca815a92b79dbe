import { throwIfAborted } from '@robustjs/core';
import { inlineReplica } from './inline.ts';
import { threadReplicas } from './threads.ts';
import type { ReplicaOptions, Replicas } from './types.ts';

export type { ReplicaModule, ReplicaOptions, Replicas, ReplicaWork } from './types.ts';

/**
 * Opens replicas of the work that a module describes, each in a thread with a runtime of its own, or one in the calling
 * thread. A replica that dies is replaced and its job runs again; a job that two died of is given up. What kills the whole
 * process, such as the system for want of memory, ends the replicas too.
 *
 * @throws RobustError `RJS_ABORTED`, `RJS_REPLICA` when a thread does not start, and what the module's `open` throws.
 */
export async function startReplicas<Setup, Job, Result>(options: ReplicaOptions<Setup>): Promise<Replicas<Job, Result>> {
  throwIfAborted(options.signal);
  return options.count > 1 ? threadReplicas(options) : inlineReplica(options);
}
