import { backend, env, setBackend } from '@tensorflow/tfjs-core';
import { RobustError, type Runtime } from '@robustjs/core';
import { describeDevice } from './device.ts';
import { registerSecondGradients } from './gradients/register.ts';
import { withoutNewListeners } from './listeners.ts';
import { enableRelaxedSimd, linkNative } from './native/module.ts';
import { registerNative } from './native/register.ts';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';

/** How to start the WebAssembly runtime. */
export interface WasmOptions {
  /**
   * Where the three `tfjs-backend-wasm*.wasm` files are: a folder (a path or URL that ends in `/`), or a full path by file
   * name. Node finds them by itself; a browser needs it unless they are served beside the script.
   */
  readonly wasmPaths?: string | Readonly<Record<string, string>>;
  /**
   * Whether to use fused multiply-adds (relaxed SIMD) where the engine has them: faster, and rounded once instead of twice, so
   * that results differ in the last bits from those of other machines. Default true; the runtime's `variant` says what came of it.
   */
  readonly relaxed?: boolean;
}

let started: Promise<Runtime> | undefined;

/**
 * Starts TF.js on WebAssembly: registers TF.js's gradients and the kernels that its wasm backend lacks, and makes `wasm` the
 * backend in use. Later calls give the same runtime, whatever their options.
 *
 * @throws RobustError `RJS_WASM_START` where the backend does not come up (mostly: the .wasm files are not found); `RJS_WASM_SIMD`
 *   where the engine has no SIMD.
 */
export function startWasm(options: WasmOptions = {}): Promise<Runtime> {
  started ??= start(options).catch((error: unknown) => {
    started = undefined;
    throw error;
  });
  return started;
}

async function start(options: WasmOptions): Promise<Runtime> {
  const relaxed = options.relaxed ?? true;
  if (relaxed) enableRelaxedSimd();
  const [version] = await Promise.all([withoutNewListeners(() => startBackend(options)), import('@robustjs/backend-wasm/gradients')]);
  const wasm = backend() as BackendWasm;
  const native = await linkNative(wasm, relaxed);
  if (native === undefined) throw withoutSimd();
  registerSecondGradients();
  registerNative(wasm, native.functions);
  return { id: 'wasm', version, device: describeDevice(), variant: native.variant, missing: [] };
}

function withoutSimd(): RobustError {
  return new RobustError('RJS_WASM_SIMD', {
    expected: 'an engine with WebAssembly SIMD',
    got: 'one without it',
    fix: 'use Node 20, Chromium 91, Firefox 89, Safari 16.4 or later',
  });
}

/** Imports the backend (which registers it), brings it up and gives its version. */
async function startBackend({ wasmPaths }: WasmOptions): Promise<string> {
  const { setWasmPaths, version_wasm: version } = await import('@tensorflow/tfjs-backend-wasm');
  const up = await quietly(async () => {
    if (wasmPaths !== undefined) setWasmPaths(wasmPaths);
    return setBackend('wasm');
  });
  if (!up) throw notStarted(wasmPaths);
  return version;
}

/** TF.js reports a backend that does not start on the console; PROD is its flag against that. */
async function quietly(work: () => Promise<boolean>): Promise<boolean> {
  const before = env().getBool('PROD');
  env().set('PROD', true);
  try {
    return await work();
  } finally {
    env().set('PROD', before);
  }
}

function notStarted(wasmPaths: WasmOptions['wasmPaths']): RobustError {
  return new RobustError('RJS_WASM_START', {
    expected: 'the WebAssembly backend to start',
    got: wasmPaths === undefined ? 'no .wasm files beside the script' : `no usable .wasm files at ${JSON.stringify(wasmPaths)}`,
    fix: "copy node_modules/@tensorflow/tfjs-backend-wasm/dist/*.wasm where they can be loaded, and pass their folder as startWasm({ wasmPaths: '/wasm/' }) in a fresh process or page",
  });
}
