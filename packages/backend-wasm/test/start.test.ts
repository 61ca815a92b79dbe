import { execFile } from 'node:child_process';
import { promisify } from 'node:util';
import { getBackend, getGradient, getKernel, grad, memory, square, tensor1d } from '@tensorflow/tfjs-core';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { startWasm } from '../src/index.ts';

const METHODS = ['debug', 'error', 'info', 'log', 'warn'] as const;
let spies: ReturnType<typeof vi.spyOn>[] = [];

beforeEach(() => {
  spies = METHODS.map((method) => vi.spyOn(console, method));
});
afterEach(() => {
  for (const spy of spies) expect(spy).not.toHaveBeenCalled();
  vi.restoreAllMocks();
});

const EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

test('starts once, reports itself, and leaves console, tensors and exception listeners as they were', async () => {
  const mine = (): void => undefined;
  for (const event of EVENTS) process.on(event, mine);
  const before = EVENTS.map((event) => process.listeners(event as 'uncaughtException'));
  const [first, second] = await Promise.all([startWasm(), startWasm()]);
  expect(second).toBe(first);
  expect(await startWasm()).toBe(first);
  expect(first).toMatchObject({ id: 'wasm', version: '4.22.0', variant: 'relaxed-simd', missing: [] });
  expect(first.device).toMatch(/.+, \d+ cores$/);
  expect(EVENTS.map((event) => process.listeners(event as 'uncaughtException'))).toEqual(before);
  for (const event of EVENTS) process.removeListener(event, mine);
  expect(getBackend()).toBe('wasm');
  expect(memory().numTensors).toBe(0);
});

test('registers gradients and kernels with the tfjs-core that the user imports', async () => {
  await startWasm();
  expect(getGradient('Conv2D')).toBeDefined();
  expect(getKernel('Conv2DBackpropFilter', 'wasm')).toBeDefined();
  // d/dx of x^2 is 2x.
  const [x, weight] = [tensor1d([1, -2, 3]), tensor1d([1, 1, 1])];
  const slope = grad((v) => square(v))(x, weight);
  expect([...(await slope.data())]).toEqual([2, -4, 6]);
  for (const tensor of [x, weight, slope]) tensor.dispose();
  expect(memory().numTensors).toBe(0);
});

const run = promisify(execFile);

/** Runs a program against the built package in a Node of its own. */
async function program(source: string): Promise<{ stdout: string; stderr: string }> {
  return run(process.execPath, ['--input-type=module', '-e', source], { cwd: new URL('..', import.meta.url), timeout: 30_000 });
}

test('plain Node: the built package works, prints nothing of its own, and the process ends by itself', async () => {
  const { stdout, stderr } = await program(`
    import { grad, square, tensor1d } from '@tensorflow/tfjs-core';
    import { startWasm } from '@robustjs/backend-wasm';
    const { id } = await startWasm();
    console.log(id, ...(await grad((x) => square(x))(tensor1d([1, 2])).data()));
  `);
  expect([stdout, stderr]).toEqual(['wasm 2 4\n', '']);
});

test('where the .wasm files are missing the error says what to do', async () => {
  const { stdout } = await program(`
    import { startWasm } from '@robustjs/backend-wasm';
    await startWasm({ wasmPaths: '/nowhere/' }).catch((error) => console.log(error.code, error.message));
  `);
  expect(stdout).toContain('RJS_WASM_START');
  expect(stdout).toContain("wasmPaths: '/wasm/'");
});
