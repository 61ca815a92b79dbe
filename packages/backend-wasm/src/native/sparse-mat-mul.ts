import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import type { Keep, Sizes } from './mat-mul.ts';
import type { NativeFunctions } from './module.ts';
import { type PackedEnding, packStrips, SPARSE_COLUMNS, STRIP_STEP, stripCount } from './multiply.ts';
import { remembered } from '../kernels/remembered.ts';
import { address, withScratch } from './scratch.ts';
import { allFinite, lister, pays, type SparseWork } from './sparse.ts';

/** Addresses of the left operand and of the result, and the right operand, perhaps transposed, a layer's weights. */
interface MatMulOperands {
  readonly a: number;
  readonly b: TensorInfo;
  readonly turned: boolean;
  readonly to: number;
  readonly ending: PackedEnding;
}

/** The product without what is zero in its left operand; false, and nothing is done, where that is not faster. */
export function sparseMatMul(
  native: NativeFunctions, backend: BackendWasm, { rows, inner, columns }: Sizes, { a, b, turned, to, ending }: MatMulOperands, keep: Keep,
): boolean {
  if (inner % 4 !== 0 || columns < SPARSE_COLUMNS) return false;
  if (!pays(native, workOf(inner, columns), rows, inner, a) || !allFinite(native, backend, b)) return false;
  const [rowStep, columnStep] = turned ? [4, inner * 4] : [columns * 4, 4];
  const packed = keep(`sparse product ${inner} ${columns} ${turned}`, stripCount(columns) * inner * SPARSE_COLUMNS, (at) =>
    packStrips(native, { at: address(backend, b), rows: inner, rowStep, columnStep }, columns, at),
  );
  withScratch(backend, (scratch) => {
    // A row is an image of one pixel.
    const shape = { height: 1, width: 1, channels: inner, top: 0, bottom: 0, left: 0, right: 0 };
    const { sources, firsts, targets } = lines(inner, columns);
    const atOnce = Math.min(sources.length, rows);
    const list = lister(native, scratch, a, shape, atOnce, STRIP_STEP);
    const [at, first, result] = [sources, firsts, targets].map((table) => scratch.table(table.subarray(0, atOnce))) as [number, number, number];
    for (let row = 0; row < rows; row += atOnce) {
      const count = Math.min(atOnce, rows - row);
      const starts = list(row, count);
      native.sparseProduct(count, at, first, result, starts, 1, 4, 0, inner * STRIP_STEP, packed, columns, to + row * columns * 4, ending.bias, ending.rectified);
    }
  });
  return true;
}

/** Of one row. */
function workOf(inner: number, columns: number): SparseWork {
  return {
    dense: inner * 2 * Math.ceil(columns / 8), sparse: inner * 8 * stripCount(columns), stretches: stripCount(columns), values: inner, strip: inner * STRIP_STEP,
  };
}

/** Rows that are taken at a time: their entries stay in the second-level cache. */
const lines = remembered((inner: number, columns: number) => {
  const atOnce = Math.min(1000, Math.max(1, Math.floor(50_000 / inner)));
  const places = Uint32Array.from({ length: atOnce }, (_, row) => row);
  return { sources: places.map((row) => row * 4), firsts: new Uint32Array(atOnce), targets: places.map((row) => row * columns * 4) };
});
