import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { relaxedSimd, sharedRelaxedSimd, sharedSimd, simd } from '@robustjs/backend-wasm/modules';

/** Addresses and sizes are bytes unless they count something; all work in place on the backend's memory. */
export interface NativeFunctions {
  /** assembly/product.ts */
  product(
    rows: number, sources: number, targets: number, a: number, segments: number, length: number, pitch: number,
    b: number, columns: number, c: number, bias: number, rectified: boolean,
  ): void;
  /** assembly/dots.ts */
  dots(rows: number, sources: number, targets: number, a: number, segments: number, length: number, pitch: number, b: number, columns: number, c: number): void;
  /** assembly/outer.ts */
  outer(
    rows: number, columns: number, a: number, rowA: number, stepA: number, b: number, rowB: number, stepB: number,
    segments: number, length: number, pitch: number, count: number, c: number,
  ): void;
  /** assembly/pad.ts */
  pad(
    count: number, from: number, height: number, width: number, channels: number,
    to: number, top: number, bottom: number, left: number, right: number, channelsOut: number,
  ): void;
  padKept(
    count: number, from: number, y: number, height: number, width: number, channels: number,
    to: number, top: number, bottom: number, left: number, right: number,
  ): void;
  zero(to: number, size: number): number;
  /** assembly/pack.ts */
  packPanels(from: number, rows: number, rowStep: number, columns: number, columnStep: number, to: number, panelSize: number): void;
  packColumns(from: number, rows: number, rowStep: number, columns: number, columnStep: number, to: number, columnSize: number): void;
  packStrip(from: number, rows: number, rowStep: number, width: number, columnStep: number, to: number, step: number): void;
  /** assembly/nonzeros.ts */
  allFinite(count: number, from: number): number;
  countNonzeros(count: number, from: number): number;
  listNonzeros(
    count: number, from: number, y: number, height: number, width: number, channels: number,
    top: number, bottom: number, left: number, right: number, step: number, shuffles: number, to: number, starts: number,
  ): void;
  /** assembly/sparse-product.ts */
  sparseProduct(
    rows: number, sources: number, firsts: number, targets: number, starts: number,
    segments: number, span: number, pitch: number, segmentSize: number,
    b: number, columns: number, c: number, bias: number, rectified: boolean,
  ): void;
  /** assembly/sparse-input-gradient.ts */
  sparseInputGradient(
    count: number, starts: number, image: number, line: number, rows: number,
    columns: number, sources: number, firsts: number, targets: number, span: number,
    b: number, stripSize: number, channels: number, c: number, imageOut: number, lineOut: number, rowsOut: number, before: number,
  ): void;
  /** assembly/batch-norm.ts */
  moments(count: number, channels: number, x: number, mean: number, variance: number): void;
  gains(channels: number, scale: number, variance: number, epsilon: number, gain: number): void;
  normalize(
    count: number, channels: number, x: number, center: number, gain: number, offset: number, plus: number, rectified: boolean, y: number,
  ): void;
  rectifiedGain(count: number, channels: number, dy: number, y: number, gain: number, kept: number, dx: number): void;
  gradientSums(
    count: number, channels: number, dy: number, x: number, center: number, gain: number, offset: number, sums: number, products: number,
  ): void;
  gradientTerms(
    count: number, channels: number, gain: number, variance: number, epsilon: number,
    sums: number, products: number, slope: number, level: number,
  ): void;
  inputGradient(
    count: number, channels: number, dy: number, x: number, center: number,
    gain: number, offset: number, slope: number, level: number, dx: number,
  ): void;
  /** assembly/binary.ts */
  binary(operation: number, outer: number, middle: number, inner: number, large: number, small: number, to: number): void;
  /** assembly/compare.ts */
  compare(greater: boolean, count: number, from: number, other: number, step: number, to: number): void;
  /** assembly/plane.ts */
  planeDisplacement(
    rows: number, size: number, points: number, normal: number, offset: number, weighted: number, low: number, high: number,
    held: number, to: number,
  ): void;
  /** assembly/projected-step.ts */
  linfStep(
    count: number, x: number, gradient: number, clean: number, previous: number, alpha: number, plain: number, eps: number,
    low: number, high: number, to: number,
  ): void;
  l2Step(
    rows: number, size: number, x: number, gradient: number, clean: number, alpha: number, eps: number, low: number, high: number, to: number,
  ): void;
  /** assembly/judge.ts */
  l2Distance(rows: number, size: number, x: number, clean: number, to: number): void;
  linfDistance(rows: number, size: number, x: number, clean: number, to: number): void;
  judgeOutputs(rows: number, size: number, outputs: number, holds: number, targeted: number, finite: number, adversarial: number): void;
  judgeRows(
    rows: number, size: number, x: number, distances: number, finite: number, values: number, adversarial: number,
    keptValues: number, keptDistances: number, success: number, rejected: number, most: number, low: number, high: number, nearest: number,
    better: number, toValues: number, toDistances: number, toSuccess: number, toRejected: number,
  ): void;
  selectRows(rows: number, size: number, mask: number, yes: number, no: number, to: number): void;
  /** assembly/relu.ts */
  relu(from: number, to: number, count: number): void;
  reluGradient(dy: number, x: number, to: number, count: number): void;
  /** assembly/winograd.ts */
  winogradFilter(
    from: number, down: number, across: number, rows: number, rowStep: number, columns: number, columnStep: number,
    to: number, plane: number,
  ): void;
  winogradInput(tiles: number, sources: number, a: number, line: number, channels: number, to: number, plane: number, lines: number): void;
  winogradProduct(
    tiles: number, sources: number, targets: number, a: number, planeA: number,
    channels: number, b: number, planeB: number, columns: number, c: number, planeC: number,
  ): void;
  winogradOutput(
    tiles: number, targets: number, from: number, plane: number, channels: number, to: number, line: number, lines: number,
    bias: number, rectified: boolean,
  ): number;
  /** assembly/pool.ts; `geometry` as {@link axisTable} writes it, for depth, rows and columns. */
  maxPool(count: number, channels: number, geometry: number, x: number, y: number): void;
  averagePool(count: number, channels: number, geometry: number, x: number, y: number): void;
  maxPoolGradient(count: number, channels: number, geometry: number, dy: number, x: number, dx: number): void;
  maxPoolGather(count: number, channels: number, geometry: number, from: number, x: number, y: number): void;
  averagePoolGradient(count: number, channels: number, geometry: number, dy: number, dx: number): void;
  /** assembly/depthwise.ts; `geometry` for rows and columns. */
  depthwise(
    rows: number, columns: number, channels: number, a: number, down: number, across: number,
    filter: number, tapRows: number, tapColumns: number, tapDown: number, tapAcross: number, y: number,
  ): void;
  depthwiseInput(channels: number, geometry: number, dy: number, filter: number, dx: number): void;
  depthwiseFilter(channels: number, geometry: number, x: number, dy: number, dw: number): void;
  widen(count: number, times: number, from: number, to: number): void;
  narrow(count: number, times: number, from: number, to: number): void;
  /** assembly/depth.ts */
  unfoldDepth(
    outputs: number, taps: number, stride: number, dilation: number, before: number,
    depth: number, pixels: number, channels: number, from: number, to: number,
  ): void;
  foldDepth(
    outputs: number, taps: number, stride: number, before: number,
    depth: number, pixels: number, channels: number, from: number, to: number,
  ): void;
  /** assembly/activations.ts */
  activation(kind: number, count: number, alpha: number, x: number, y: number): void;
  activationGradient(kind: number, count: number, alpha: number, dy: number, x: number, dx: number): void;
  /** assembly/clip.ts */
  clip(count: number, from: number, low: number, high: number, to: number): void;
  /** assembly/cross-entropy.ts; labels or probabilities, the other address is 0. */
  crossEntropy(rows: number, classes: number, logits: number, labels: number, probabilities: number, smoothing: number, to: number): void;
  crossEntropyGradient(
    rows: number, classes: number, dy: number, logits: number, labels: number, probabilities: number,
    smoothing: number, held: number, to: number,
  ): void;
  /** assembly/objectives.ts; `held`: scratch for a row. */
  logitMargin(rows: number, classes: number, logits: number, labels: number, to: number): void;
  logitMarginGradient(rows: number, classes: number, dy: number, logits: number, labels: number, to: number): void;
  classLead(rows: number, classes: number, logits: number, labels: number, targets: number, ratio: number, held: number, to: number): void;
  classLeadGradient(
    rows: number, classes: number, dy: number, logits: number, labels: number, targets: number, ratio: number, held: number, to: number,
  ): void;
  /** assembly/optimizer.ts */
  momentumStep(
    count: number, p: number, gradient: number, slot: number, toP: number, toSlot: number,
    rate: number, momentum: number, nesterov: number, decay: number,
  ): void;
  adamStep(
    count: number, p: number, gradient: number, m: number, v: number, toP: number, toM: number, toV: number,
    length: number, beta1: number, rest1: number, beta2: number, rest2: number, epsilon: number, decay: number,
  ): void;
  /** assembly/repeat.ts */
  repeatMiddle(outer: number, count: number, inner: number, from: number, to: number, divisor: number): void;
  /** assembly/winograd-filter.ts */
  winogradGradient(tiles: number, sources: number, dy: number, line: number, channels: number, to: number, plane: number, lines: number): void;
  winogradSums(tiles: number, channels: number, a: number, planeA: number, channelsOut: number, b: number, planeB: number, sums: number): void;
  winogradTaps(count: number, sums: number, to: number, lines: number): number;
  /** assembly/sum.ts */
  sumMiddle(outer: number, count: number, inner: number, from: number, to: number, factor: number): void;
}

/** This package's compiled kernels on one backend's memory. */
export interface NativeModule {
  readonly variant: 'simd' | 'relaxed-simd';
  readonly functions: NativeFunctions;
}

/**
 * Node 20 has relaxed SIMD behind a flag that must be set before the first module is compiled, which can be from 20.16 on; later
 * versions have it anyway.
 */
export function enableRelaxedSimd(): void {
  if (typeof process === 'undefined' || process.versions?.node === undefined) return;
  const v8 = (process.getBuiltinModule as typeof process.getBuiltinModule | undefined)?.('node:v8');
  if (Number(process.versions.node.split('.')[0]) < 22) v8?.setFlagsFromString('--experimental-wasm-relaxed-simd');
}

interface Memory {
  readonly buffer: ArrayBuffer | SharedArrayBuffer;
}

/** What is used of the engine's WebAssembly; Node's type definitions leave it to those of the browser. */
interface Engine {
  validate(bytes: Uint8Array): boolean;
  instantiate(bytes: Uint8Array, imports: object): Promise<{ readonly instance: { readonly exports: unknown } }>;
}

/** Emscripten's names, which the backend's type does not show. */
export interface HeapModule {
  readonly asm: { readonly memory: Memory };
  /** In the threaded build, which imports its memory. */
  readonly wasmMemory?: Memory;
  readonly HEAPU8: Uint8Array;
  _malloc: (size: number) => number;
  _free(address: number): void;
}

/** The module behind the backend, with its memory and allocator; TF.js does not declare it. */
export const heapOf = (backend: BackendWasm): HeapModule => (backend as unknown as { wasm: HeapModule }).wasm;

/** The module's memory, as large as it is now. */
export const memoryOf = (heap: HeapModule): Memory => heap.wasmMemory ?? heap.asm.memory;

/** Links the kernels to the backend's memory; undefined where the engine has no SIMD. */
export async function linkNative(backend: BackendWasm, relaxed: boolean): Promise<NativeModule | undefined> {
  const memory = memoryOf(heapOf(backend));
  const shared = typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer;
  const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;
  const candidates = [
    ...(relaxed ? [['relaxed-simd', shared ? sharedRelaxedSimd : relaxedSimd] as const] : []),
    ['simd', shared ? sharedSimd : simd] as const,
  ];
  for (const [variant, encoded] of candidates) {
    const bytes = Uint8Array.from(atob(encoded), (character) => character.charCodeAt(0));
    if (!engine.validate(bytes)) continue;
    const { instance } = await engine.instantiate(bytes, { env: { memory } });
    return { variant, functions: instance.exports as NativeFunctions };
  }
  return undefined;
}
