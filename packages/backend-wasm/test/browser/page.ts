import { backend, fill } from '@tensorflow/tfjs-core';
import { startWasm } from '../../src/index.ts';
import { step } from './step.ts';

/** What the test reads from the page. */
export interface PageResult {
  readonly variant: string;
  readonly isolated: boolean;
  readonly sharedMemory: boolean;
  readonly step: Awaited<ReturnType<typeof step>>;
  /** The same after the memory has grown. */
  readonly again: Awaited<ReturnType<typeof step>>;
}

async function run(): Promise<PageResult> {
  const { location } = globalThis as unknown as { location: { search: string } };
  const { variant } = await startWasm({ wasmPaths: '/wasm/', relaxed: location.search !== '?plain' });
  const first = await step();
  fill([2 ** 24], 1);
  const { HEAPU8 } = (backend() as unknown as { wasm: { HEAPU8: Uint8Array } }).wasm;
  const shared = typeof SharedArrayBuffer !== 'undefined' && (HEAPU8.buffer) instanceof SharedArrayBuffer;
  const { crossOriginIsolated: isolated } = globalThis as unknown as { crossOriginIsolated: boolean };
  return { variant: variant ?? '', isolated, sharedMemory: shared, step: first, again: await step() };
}

(globalThis as unknown as { result: Promise<PageResult> }).result = run();
