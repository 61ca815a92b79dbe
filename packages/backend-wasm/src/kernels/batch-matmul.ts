import { backend_util, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type AddedKernel, input, type KernelArgs, runStock, view, zeros } from './heap.ts';

/**
 * Matrix product of float32 tensors. TF.js has a fast routine for a single product without transposition, and a plain loop
 * (15 times slower, another rounding) for the rest, gradients included. Here transposed operands are turned first and a batch
 * is taken product by product, so that all go the fast way and a batch of one rounds like any other.
 */
export const batchMatMul: AddedKernel = { kernelName: 'BatchMatMul', run };

const PLAIN: NamedAttrMap = { transposeA: false, transposeB: false };

function run(args: KernelArgs): TensorInfo {
  const { backend, attrs } = args;
  const [a, b] = [input(args, 'a'), input(args, 'b')];
  const [batchA, batchB] = [batchOf(a), batchOf(b)];
  const broadcastsOne = batchA === batchB || batchA === 1 || batchB === 1;
  if (!broadcastsOne || a.dtype !== 'float32' || b.dtype !== 'float32') return runStock(backend, 'BatchMatMul', { a, b }, attrs);
  const left = matrices(backend, a, attrs['transposeA'] === true);
  const right = matrices(backend, b, attrs['transposeB'] === true);
  const shape = [...backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2)), left.shape[1]!, right.shape[2]!];
  const out = multiply(backend, left, right);
  if (left.dataId !== a.dataId) backend.disposeData(left.dataId);
  if (right.dataId !== b.dataId) backend.disposeData(right.dataId);
  return { ...out, shape };
}

function batchOf(tensor: TensorInfo): number {
  return tensor.shape.slice(0, -2).reduce((x, y) => x * y, 1);
}

/** The operand as [batch, rows, columns], turned where asked. */
function matrices(backend: BackendWasm, tensor: TensorInfo, turned: boolean): TensorInfo {
  const [rows, columns] = tensor.shape.slice(-2) as [number, number];
  const flat = { ...tensor, shape: [batchOf(tensor), rows, columns] };
  if (!turned) return flat;
  return runStock(backend, 'Transpose', { x: flat }, { perm: [0, 2, 1] });
}

function multiply(backend: BackendWasm, a: TensorInfo, b: TensorInfo): TensorInfo {
  const batch = a.shape[0] === 0 || b.shape[0] === 0 ? 0 : Math.max(a.shape[0]!, b.shape[0]!);
  const [rows, inner, columns] = [a.shape[1]!, a.shape[2]!, b.shape[2]!];
  if (batch * rows * inner * columns === 0) return zeros(backend, [batch, rows, columns]);
  if (batch === 1) return runStock(backend, 'BatchMatMul', { a, b }, PLAIN);
  const out = backend.makeOutput([batch, rows, columns], 'float32');
  for (let i = 0; i < batch; i++) {
    const [left, right] = [matrix(backend, a, i), matrix(backend, b, i)];
    const product = runStock(backend, 'BatchMatMul', { a: left, b: right }, PLAIN);
    view(backend, out).set(view(backend, product), i * rows * columns);
    for (const used of [left, right, product]) backend.disposeData(used.dataId);
  }
  return out;
}

/** A copy of matrix i; a batch of one serves every i. */
function matrix(backend: BackendWasm, tensor: TensorInfo, i: number): TensorInfo {
  const [batch, rows, columns] = tensor.shape as [number, number, number];
  const start = batch === 1 ? 0 : i * rows * columns;
  const out = backend.makeOutput([1, rows, columns], 'float32');
  view(backend, out).set(view(backend, tensor).subarray(start, start + rows * columns));
  return out;
}
