import { expect, test } from 'vitest';
import { startWasm } from '../src/index.ts';

// The first start of a process decides: everything below runs on the build without fused multiply-adds.
const runtime = await startWasm({ relaxed: false });

test('relaxed SIMD can be refused', async () => {
  expect(runtime.variant).toBe('simd');
  expect((await startWasm()).variant).toBe('simd');
});

await import('./activations.test.ts');
await import('./batch-norm.test.ts');
await import('./blocks.test.ts');
await import('./chromium.test.ts');
await import('./conv2d.test.ts');
await import('./convolutions.test.ts');
await import('./cross-entropy.test.ts');
await import('./empty.test.ts');
await import('./fused.test.ts');
await import('./kept-weights.test.ts');
await import('./native.test.ts');
await import('./ops.test.ts');
await import('./optimizer.test.ts');
await import('./pools.test.ts');
await import('./projected-step.test.ts');
await import('./rows.test.ts');
await import('./second-order.test.ts');
await import('./slopes.test.ts');
await import('./special-values.test.ts');
await import('./training.test.ts');
