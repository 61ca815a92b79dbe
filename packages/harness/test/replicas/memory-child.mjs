// Two replicas from the built package, one of which takes all the memory it may, the first time: prints what became of the jobs.
import { startReplicas } from '../../dist/replicas/index.js';

const lost = [];
const setup = { shared: new Int32Array(new SharedArrayBuffer(64)) };
const replicas = await startReplicas({ count: 2, module: new URL('work.mjs', import.meta.url), setup, onLost: ({ message }) => lost.push(message) });
const results = await Promise.all([replicas.run([['eatMemoryOnce', 4]]), replicas.run([['echo', 1]])]);
await replicas.close();
process.stdout.write(JSON.stringify({ results, lost }));
