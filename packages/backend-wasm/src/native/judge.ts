import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input, type KernelArgs } from '../kernels/heap.ts';
import { assertFloats } from '../kernels/refuse.ts';
import type { NativeFunctions } from './module.ts';
import { address, withScratch } from './scratch.ts';
import { chosenRows } from './select-rows.ts';

/**
 * What @robustjs/core asks for by name when a search judges a batch, each in one pass instead of some ten operations.
 *
 * - `LinfDistance`, `L2Distance`: x and clean `[N, ...]`, to `[N]`.
 * - `JudgeOutputs`: outputs `[N, K]` and holds, the criterion, `[N]` bool; attribute targeted; to finite and adversarial.
 * - `JudgeRows`: inputs `[N, ...]`, a bool or number a row of each of distances, finite, values and adversarial, and what is kept so far;
 *   attributes most, low, high and nearest; to what is kept then: best, values, distances, success, rejected.
 */
export const judgeKernels = (native: NativeFunctions): AddedKernel[] => [
  { kernelName: 'LinfDistance', floats: true, run: (args) => distance((...given) => native.linfDistance(...given), args) },
  { kernelName: 'L2Distance', floats: true, run: (args) => distance((...given) => native.l2Distance(...given), args) },
  { kernelName: 'JudgeOutputs', run: (args) => judgeOutputs(native, args) },
  { kernelName: 'JudgeRows', run: (args) => judgeRows(native, args) },
];

function distance(compute: NativeFunctions['l2Distance'], args: KernelArgs): TensorInfo {
  const { backend } = args;
  const [x, clean] = [input(args, 'x'), input(args, 'clean')];
  const [rows, size] = rowsOf(x);
  const out = backend.makeOutput([rows], 'float32');
  compute(rows, size, address(backend, x), address(backend, clean), address(backend, out));
  return out;
}

function judgeOutputs(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const { backend, attrs } = args;
  const [outputs, holds] = [input(args, 'outputs'), input(args, 'holds')];
  assertFloats('JudgeOutputs', [outputs]);
  const [rows, size] = rowsOf(outputs);
  const verdicts = [backend.makeOutput([rows], 'bool'), backend.makeOutput([rows], 'bool')];
  const [finite, adversarial] = verdicts.map((tensor) => address(backend, tensor)) as [number, number];
  native.judgeOutputs(rows, size, address(backend, outputs), address(backend, holds), attrs['targeted'] ? 1 : 0, finite, adversarial);
  return verdicts;
}

const GIVEN = ['inputs', 'distances', 'finite', 'values', 'adversarial', 'keptValues', 'keptDistances', 'success', 'rejected'];
const FLOATS = ['inputs', 'best', 'distances', 'values', 'keptValues', 'keptDistances'];

function judgeRows(native: NativeFunctions, args: KernelArgs): TensorInfo[] {
  const { backend } = args;
  assertFloats('JudgeRows', FLOATS.map((name) => input(args, name)));
  const { most, low, high, nearest } = args.attrs as unknown as { most: number; low: number; high: number; nearest: boolean };
  const [rows, size] = rowsOf(input(args, 'inputs'));
  const next = (['float32', 'float32', 'bool', 'int32'] as const).map((dtype) => backend.makeOutput([rows], dtype));
  const [x, distances, finite, values, adversarial, keptValues, keptDistances, success, rejected, toValues, toDistances, toSuccess, toRejected] =
    [...GIVEN.map((name) => input(args, name)), ...next].map((tensor) => address(backend, tensor)) as Addresses;
  const best = withScratch(backend, (scratch) => {
    const better = scratch.floats(rows);
    native.judgeRows(
      rows, size, x, distances, finite, values, adversarial, keptValues, keptDistances, success, rejected,
      most, low, high, nearest ? 1 : 0, better, toValues, toDistances, toSuccess, toRejected,
    );
    return chosenRows(backend, native, better, input(args, 'inputs'), input(args, 'best'));
  });
  return [best, ...next];
}

type Addresses = [number, number, number, number, number, number, number, number, number, number, number, number, number];

function rowsOf({ shape: [rows = 1, ...row] }: TensorInfo): [rows: number, size: number] {
  return [rows, util.sizeFromShape(row)];
}
