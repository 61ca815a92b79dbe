import { expect, it } from 'vitest';
import { type PerformanceRecord, performanceTable, renderPerformance } from '../../src/index.ts';

const record: PerformanceRecord = {
  format: 3,
  processor: 'A processor, 2 cores',
  rounds: 3,
  versions: { ours: 'tfjs 4.22.0', peer: 'PyTorch 1.13' },
  tasks: {
    'cnn-pgd10-training': {
      'relaxed-simd': { seconds: 0.5, ratio: 1.234, lowest: 1.1, highest: 1.3, avx2: { ratio: 1.5, lowest: 1.4, highest: 1.6 }, gigabytes: 2, gigaflops: 30, shares: { arithmetic: 1.2, bytes: 0.25 }, limit: 'arithmetic' },
      simd: { seconds: 2, gigabytes: 2, gigaflops: 30, shares: { arithmetic: 0.3, bytes: 0.4 }, limit: 'bytes' },
    },
  },
  kernels: { simd: { peak: 50, bandwidth: 12.5, convolutions: { '1 16 28 1': { forward: 20, input: 10, filter: 30 } } } },
  branches: { 'one branch': [0.3, 0.1, 0.2], 'two branches': [0.22, 0.5, 0.1] },
  workers: { job: 'a job', 'two threads / two copies': { median: 0.95, lowest: 0.9, highest: 0.99 } },
};

// Expected by hand: 64 / 0.5 s, 64 / 2 s; medians 0.2 and 0.22.
it('shows tasks beside the peer, what limits them, single kernels and branches', () => {
  const table = performanceTable(record);
  expect(table).toContain('| cnn-pgd10-training | relaxed-simd | 128.0 | 1.23 [1.10, 1.30] | 1.50 [1.40, 1.60] | 2.00 | 30.0 | 120 % | 25 % | arithmetic |');
  expect(table).toContain('| cnn-pgd10-training | simd | 32.0 | – | – | 2.00 | 30.0 | 30 % | 40 % | bytes |');
  expect(table).toContain('| 1 16 28 1 | simd | 20.0 | 10.0 | 30.0 |');
  expect(table).toContain('two branches 1.10 x that of one');
  expect(table).toContain('Two threads of one training (a job) take 0.95 [0.90, 0.99] times the steps');
  expect(table).toContain('simd: 50.0 GFLOP/s, 12.5 GB/s');
});

it('goes between its markers, and nowhere without them', () => {
  const page = 'a\n<!-- performance:start -->\nold\n<!-- performance:end -->\nb\n';
  const once = renderPerformance(page, record);
  expect(once).not.toContain('old');
  expect(renderPerformance(once, record)).toBe(once);
  expect(renderPerformance('no markers', record)).toBe('no markers');
});
