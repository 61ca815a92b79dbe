import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { backend_util, type NamedAttrMap, type TensorInfo } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs, runStock, view } from '../kernels/heap.ts';
import { type Ending, finish, packedEnding } from './ending.ts';
import { keptFor } from './kept-weights.ts';
import type { NativeFunctions } from './module.ts';
import { endsInProduct, multiply, NOTHING, pack, type PackedEnding, packedSize, TILE_ROWS } from './multiply.ts';
import { remembered } from '../kernels/remembered.ts';
import { address, type Scratch, withScratch } from './scratch.ts';
import { sparseMatMul } from './sparse-mat-mul.ts';

/**
 * Matrix products of float32 tensors, any operand transposed, batches included. A transposed right operand is turned while it
 * is packed; a transposed left one makes it a sum of outer products, which reads both operands as they lie.
 */
export const matMulKernels = (native: NativeFunctions): AddedKernel[] => [
  { kernelName: 'BatchMatMul', floats: true, run: (args) => endedMatMul(native, args, {}) },
  // A fully connected layer: x `[N, in]`, weights `[in, out]` and a bias if there is one; attribute relu. Its gradient is in gradients/dense.ts.
  { kernelName: 'Dense', floats: true, run: (args) => dense(native, args) },
];

function dense(native: NativeFunctions, { inputs, attrs, backend }: KernelArgs): TensorInfo {
  const { x, weights, bias } = inputs as Record<string, TensorInfo>;
  return endedMatMul(native, { inputs: { a: x!, b: weights! }, attrs: {}, backend }, { bias, rectified: attrs['relu'] === true });
}

/** The product of `a` and `b`, and what it ends with. */
export function endedMatMul(native: NativeFunctions, args: KernelArgs, ending: Ending): TensorInfo {
  const { backend, attrs } = args;
  const [a, b] = [input(args, 'a'), input(args, 'b')];
  const sizes = sizesOf(a, b, attrs);
  if (sizes === undefined) {
    const y = runStock(backend, 'BatchMatMul', { a, b }, attrs);
    finish(native, backend, y, ending);
    return y;
  }
  const { shape, batch, rows, inner, columns } = sizes;
  const out = backend.makeOutput([...shape, rows, columns], 'float32');
  const [stepA, stepB, stepC] = [sizes.repeatsA ? 0 : rows * inner * 4, sizes.repeatsB ? 0 : inner * columns * 4, rows * columns * 4];
  const [turnedA, turned, keep] = [attrs['transposeA'] === true, attrs['transposeB'] === true, keeperOf(backend, b, sizes)];
  const packed = turnedA ? NOTHING : packedEnding(native, backend, columns, ending);
  const operands = { a: address(backend, a), b, turned, to: address(backend, out), ending: packed };
  if (!turnedA && keep !== undefined && sparseMatMul(native, backend, sizes, operands, keep)) return out;
  if (turnedA) view(backend, out).fill(0);
  withScratch(backend, (scratch) => {
    const compute = turnedA
      ? transposedProduct(native, scratch, sizes, turned)
      : plainProduct(native, scratch, sizes, turned, packed, keep);
    for (let i = 0; i < batch; i++) compute(address(backend, a) + i * stepA, address(backend, b) + i * stepB, address(backend, out) + i * stepC);
  });
  if (turnedA || !endsInProduct(columns)) finish(native, backend, out, ending);
  return out;
}

export interface Sizes {
  /** Shape of the batch, and its size. */
  readonly shape: number[];
  readonly batch: number;
  readonly repeatsA: boolean;
  readonly repeatsB: boolean;
  readonly rows: number;
  readonly inner: number;
  readonly columns: number;
}

/** Undefined where the operands are broadcast in another way than one product against many. */
function sizesOf(a: TensorInfo, b: TensorInfo, attrs: NamedAttrMap): Sizes | undefined {
  const count = ({ shape }: TensorInfo): number => shape.slice(0, -2).reduce((x, y) => x * y, 1);
  const [batchA, batchB] = [count(a), count(b)];
  const [firstA, secondA, firstB, secondB] = [...a.shape.slice(-2), ...b.shape.slice(-2)] as [number, number, number, number];
  const [rows, inner] = attrs['transposeA'] === true ? [secondA, firstA] : [firstA, secondA];
  const columns = attrs['transposeB'] === true ? firstB : secondB;
  const oneAgainstMany = batchA === batchB || batchA === 1 || batchB === 1;
  if (!oneAgainstMany) return undefined;
  const shape = backend_util.assertAndGetBroadcastShape(a.shape.slice(0, -2), b.shape.slice(0, -2));
  const batch = shape.reduce((x, y) => x * y, 1);
  return { shape, batch, repeatsA: batchA === 1, repeatsB: batchB === 1, rows, inner, columns };
}

type Compute = (a: number, b: number, c: number) => void;

/** Keeps a packed right operand under a key; see kept-weights.ts. */
export type Keep = (key: string, floats: number, fill: (to: number) => void) => number;

const multipliedBefore = new WeakSet<object>();

/** One product's right operand that comes a second time is a layer's weights: for a few rows, packing them takes longer than the product. */
function keeperOf(backend: BackendWasm, b: TensorInfo, { batch }: Sizes): Keep | undefined {
  if (batch !== 1) return undefined;
  if (multipliedBefore.has(b.dataId)) return (key, floats, fill) => keptFor(backend, b, key, floats, fill);
  multipliedBefore.add(b.dataId);
  return undefined;
}

function plainProduct(native: NativeFunctions, scratch: Scratch, { rows, inner, columns }: Sizes, turned: boolean, ending: PackedEnding, keep?: Keep): Compute {
  const { atOnce, sources, targets } = lines(inner, columns);
  const gathered = { sources: scratch.table(sources), targets: scratch.table(targets), segments: 1, length: inner, pitch: 0 };
  const [rowStep, columnStep] = turned ? [4, inner * 4] : [columns * 4, 4];
  const size = packedSize(inner, columns);
  const own = keep === undefined ? scratch.floats(size) : 0;
  return (a, b, c) => {
    const fill = (to: number): void => pack(native, [{ at: b, rows: inner, rowStep, columnStep }], columns, to);
    const packed = keep?.(`product ${inner} ${columns} ${turned}`, size, fill) ?? own;
    if (keep === undefined) fill(packed);
    for (let row = 0; row < rows; row += atOnce)
      multiply(native, Math.min(atOnce, rows - row), gathered, a + row * inner * 4, packed, columns, c + row * columns * 4, ending);
  };
}

/** Rows of a left operand that are taken at a time, and where they and their results lie. */
const lines = remembered((inner: number, columns: number) => {
  // Few enough for the second-level cache.
  const atOnce = TILE_ROWS * Math.min(200, Math.max(4, Math.floor(26_000 / Math.max(1, inner))));
  const sources = Uint32Array.from({ length: atOnce }, (_, row) => row * inner * 4);
  return { atOnce, sources, targets: sources.map((_, row) => row * columns * 4) };
});

const PANEL = 8;
const BLOCK = 192;
/** Values of a row that a tile reads. */
const TILE = 4;

/** Both operands with the summed axis first; where tiles would read beyond an operand it is copied with wider rows. */
function transposedProduct(native: NativeFunctions, scratch: Scratch, { rows, inner, columns }: Sizes, turned: boolean): Compute {
  const wideA = Math.max(TILE, rows);
  const wideB = Math.ceil(columns / PANEL) * PANEL;
  const left = wideA === rows ? undefined : scratch.floats(inner * wideA);
  const right = wideB === columns && !turned ? undefined : scratch.floats(inner * wideB);
  const scratchB = turned ? scratch.floats(inner * columns) : 0;
  return (a, b, c) => {
    let [fromA, fromB] = [a, b];
    if (left !== undefined) native.pad(1, a, 1, inner, rows, (fromA = left), 0, 0, 0, 0, wideA);
    if (turned) native.packColumns(b, columns, inner * 4, inner, 4, (fromB = scratchB), columns * 4);
    if (right !== undefined) {
      native.pad(1, fromB, 1, inner, columns, right, 0, 0, 0, 0, wideB);
      fromB = right;
    }
    const [stepA, stepB] = [wideA * 4, wideB * 4];
    for (let k = 0; k < inner; k += BLOCK)
      native.outer(1, Math.min(BLOCK, inner - k), fromA + k * stepA, 0, stepA, fromB + k * stepB, 0, stepB, 1, rows, 0, columns, c);
  };
}
