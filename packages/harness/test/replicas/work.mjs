// Jobs of replicas.test.ts. A job is a list of instructions; `shared` are counters that all replicas see.
import { setTimeout as sleep } from 'node:timers/promises';
import { threadId } from 'node:worker_threads';
import { RobustError } from '@robustjs/core';

export async function open({ shared, refuseFrom = Infinity }) {
  const opened = Atomics.add(shared, 0, 1);
  if (opened >= refuseFrom) throw new RobustError('RJS_TEST_OPEN', { expected: 'to open', got: `replica ${opened}`, fix: 'none' });
  const steps = {
    thread: () => threadId,
    echo: (_, value) => value,
    add: (_, [index, value]) => Atomics.add(shared, index, value),
    sleep: (_, milliseconds) => sleep(milliseconds),
    /** Waits until a counter has a value: whoever raises it must run at the same time. */
    meet(_, [index, value]) {
      Atomics.add(shared, index, 1);
      Atomics.notify(shared, index);
      for (let seen = Atomics.load(shared, index); seen < value; seen = Atomics.load(shared, index)) Atomics.wait(shared, index, seen, 5000);
    },
    loop() {
      for (;;);
    },
    report: (_, value, report) => report(value),
    /** Only the first times that anyone comes here. */
    async dieTimes(_, { index, times, how }) {
      if (Atomics.add(shared, index, 1) >= times) return 'survived';
      if (how === 'exit') process.exit(7);
      setTimeout(() => { throw new RangeError('out of the blue'); });
      return sleep(60_000);
    },
    eatMemoryOnce(_, index) {
      const eaten = [];
      while (Atomics.add(shared, index, 1) < 1 || eaten.length > 0) eaten.push(new Array(100_000).fill(eaten.length));
      return 'sated';
    },
    dieLater: () => void setTimeout(() => process.exit(5), 20),
    robust() {
      throw new RobustError('RJS_TEST', { expected: 'this', got: 'that', fix: 'mend it', cause: new TypeError('below') });
    },
    plain() {
      throw Object.assign(new RangeError('too far'), { code: 'ERR_FAR' });
    },
    unclonable: () => () => {},
    untilAborted: (_, __, ___, signal) => new Promise((resolve) => signal.addEventListener('abort', resolve)),
  };
  return {
    async run(job, report, signal) {
      let result;
      for (const [name, argument] of job) result = await steps[name](result, argument, report, signal);
      return result;
    },
    close: () => void Atomics.add(shared, 1, 1),
  };
}
