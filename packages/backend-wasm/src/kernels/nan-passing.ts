import type { NamedAttrMap, NamedTensorInfoMap, TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { runStock, view } from './heap.ts';

/*
 * XNNPACK's convolutions, which dilated ones go to, give -Infinity where the result is NaN (their clamp drops NaN), and the next ReLU
 * makes that a zero: a diverged network would look healthy. Rows that were given a NaN get it back.
 */

/** The backend's own kernel over rows [n, ...], with NaN kept. */
export function runNanPassing(backend: BackendWasm, name: string, inputs: NamedTensorInfoMap & { x: TensorInfo }, attrs: NamedAttrMap): TensorInfo {
  const out = runStock(backend, name, inputs, attrs);
  const everywhere = inputs['filter'] !== undefined && holdsNan(view(backend, inputs['filter']));
  const [from, to, batch] = [view(backend, inputs.x), view(backend, out), inputs.x.shape[0]!];
  for (let n = 0; n < batch; n++) if (everywhere || holdsNan(row(from, n, batch))) restore(row(to, n, batch));
  return out;
}

function row(values: Float32Array, n: number, batch: number): Float32Array {
  const size = values.length / batch;
  return values.subarray(n * size, (n + 1) * size);
}

/** A sum is NaN if any term is; infinities of both signs make one too, so that case is looked at closely. */
function holdsNan(values: Float32Array): boolean {
  let [a, b, c, d] = [0, 0, 0, 0];
  const even = values.length - (values.length % 4);
  for (let i = 0; i < even; i += 4) {
    a += values[i]!;
    b += values[i + 1]!;
    c += values[i + 2]!;
    d += values[i + 3]!;
  }
  for (let i = even; i < values.length; i++) a += values[i]!;
  return Number.isNaN(a + b + c + d) && values.some(Number.isNaN);
}

function restore(values: Float32Array): void {
  for (let i = 0; i < values.length; i++) if (values[i] === Number.NEGATIVE_INFINITY) values[i] = Number.NaN;
}
