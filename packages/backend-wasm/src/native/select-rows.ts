import { type TensorInfo, util } from '@tensorflow/tfjs-core';
import { type AddedKernel, input } from '../kernels/heap.ts';
import { assertFloats } from '../kernels/refuse.ts';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { heapOf, type NativeFunctions } from './module.ts';
import { address } from './scratch.ts';

/**
 * Whole rows of `yes` or of `no`, by one bool a row: how an attack keeps the better of two iterates. TF.js's Select repeats the first
 * values of a batch where it is given a bool a row, so this has a name of its own.
 */
export const selectRows = (native: NativeFunctions): AddedKernel => ({
  kernelName: 'SelectRows',
  run: (args) => {
    const [mask, yes, no] = [input(args, 'mask'), input(args, 'yes'), input(args, 'no')];
    assertFloats('SelectRows', [yes, no]);
    return chosenRows(args.backend, native, address(args.backend, mask), yes, no);
  },
});

/** The rows by one byte each at `mask`. All of one batch are that batch's memory, counted: no kernel writes into its inputs. */
export function chosenRows(backend: BackendWasm, native: NativeFunctions, mask: number, yes: TensorInfo, no: TensorInfo): TensorInfo {
  const [rows = 1, ...row] = yes.shape;
  const chosen = heapOf(backend).HEAPU8.subarray(mask, mask + rows);
  const only = chosen.every((is) => is !== 0) ? yes : chosen.every((is) => is === 0) ? no : undefined;
  if (only !== undefined) {
    backend.incRef(only.dataId);
    return { dataId: only.dataId, shape: yes.shape, dtype: 'float32' };
  }
  const out = backend.makeOutput(yes.shape, 'float32');
  native.selectRows(rows, util.sizeFromShape(row), mask, address(backend, yes), address(backend, no), address(backend, out));
  return out;
}
