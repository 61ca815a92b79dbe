import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { imageFloats, type PaddedShape } from './images.ts';
import { keptFor } from './kept-weights.ts';
import { heapOf, type NativeFunctions } from './module.ts';
import { remembered } from '../kernels/remembered.ts';
import { address, type Scratch } from './scratch.ts';

/*
 * When a product leaves out what is zero in its left operand. Where weights are finite results have the same bits (assembly/sparse-product.ts says
 * but for what), so it is chosen by time.
 */

/** What one image, or one row of a matrix, takes. */
export interface SparseWork {
  /** Multiply-adds of four values: those of a tile's product, and those of a sparse one if nothing were zero. */
  readonly dense: number;
  readonly sparse: number;
  /** Stretches of the list that are gone through. */
  readonly stretches: number;
  /** Values that are listed. */
  readonly values: number;
  /** Bytes of the filter that are in use at a time. */
  readonly strip: number;
}

/** A strip of a filter that is read in no order has to stay in the first-level cache. */
const STRIP_BYTES = 40_000;

/** Cycles, measured on Node 20 (decision 12): the end of a stretch is a branch that is mispredicted. */
const [TILE, ENTRY, STRETCH, LIST, PAD] = [0.55, 0.5, 30, 1.4, 0.3];

/** Images that are looked at. */
const SAMPLE = 4;

/** Whether leaving out zeros is faster for a batch of images of `size` values at `from`, by the share of zeros in some of them, the same ones each time. */
export function pays(native: NativeFunctions, { dense, sparse, stretches, values, strip }: SparseWork, batch: number, size: number, from: number): boolean {
  const least = STRETCH * stretches + LIST * values;
  const most = TILE * dense + PAD * values;
  if (batch === 0 || strip > STRIP_BYTES || !(least < most)) return false;
  const count = Math.min(SAMPLE, batch);
  let nonzeros = 0;
  for (let i = 0; i < count; i++) nonzeros += native.countNonzeros(size, from + Math.floor((i * batch) / count) * size * 4);
  return least + (ENTRY * sparse * nonzeros) / (count * size) < most;
}

/** Whether all weights are finite: an infinite one times zero is not zero. Looked up once for a tensor's data. */
export function allFinite(native: NativeFunctions, backend: BackendWasm, weights: TensorInfo): boolean {
  const flag = (at: number): Int32Array => new Int32Array(heapOf(backend).HEAPU8.buffer, at, 1);
  const size = util.sizeFromShape(weights.shape);
  return flag(keptFor(backend, weights, 'finite', 1, (at) => void (flag(at)[0] = native.allFinite(size, address(backend, weights)))))[0] !== 0;
}

/** Gives where the starts of the entries of `count` padded images from the `first` on are; valid until the next call. */
export type ListImages = (first: number, count: number) => number;

/** Images of a batch as assembly/nonzeros.ts lists them, for a filter with `step` bytes a value. `keptBy`: as images.ts has it. */
export function lister(native: NativeFunctions, scratch: Scratch, from: number, shape: PaddedShape, atOnce: number, step: number, keptBy = 0): ListImages {
  const { height, width, channels, top, bottom, left, right } = shape;
  const size = height * width * channels;
  const entries = scratch.floats(2 * atOnce * size);
  const starts = scratch.floats(atOnce * (imageFloats(shape) / channels) + 1);
  const shuffles = scratch.table(shufflesOf(step));
  return (first, count) => {
    const skip = first * size * 4;
    native.listNonzeros(count, from + skip, keptBy && keptBy + skip, height, width, channels, top, bottom, left, right, step, shuffles, entries, starts);
    return starts;
  };
}

/** For each set of four values: the bytes that bring them to the front, and the offsets that they then have. */
const shufflesOf = remembered((step: number) => {
  const table = new Uint32Array(16 * 8);
  for (let set = 0; set < 16; set++)
    [0, 1, 2, 3].filter((lane) => (set >> lane) & 1).forEach((lane, i) => {
      table[set * 8 + i] = 0x03020100 + lane * 0x04040404;
      table[set * 8 + 4 + i] = lane * step;
    });
  return table;
});
