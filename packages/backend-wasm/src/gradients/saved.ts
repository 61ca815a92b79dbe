import { engine, getBackend, type Tensor } from '@tensorflow/tfjs-core';

/** What is used of the engine, which its type does not show. */
interface Saving {
  readonly state: { readonly kernelDepth: number; readonly gradientDepth: number };
  readonly backend: { incRef(dataId: object): void };
  clone(x: Tensor): Tensor;
  makeTensorFromDataId(dataId: object, shape: readonly number[], dtype: string): Tensor;
}

/**
 * What a kernel saves for its gradient is cloned by a kernel of its own, and the tape records that for second derivatives. Where there is one
 * tape only there are none: such a clone is the same data, counted, and half of the tape's nodes are not made.
 */
export function saveUnrecorded(): void {
  const at = engine() as unknown as Saving;
  const clone = at.clone.bind(at);
  at.clone = (x) => {
    const { kernelDepth, gradientDepth } = at.state;
    if (kernelDepth === 0 || gradientDepth !== 1 || getBackend() !== 'wasm') return clone(x);
    at.backend.incRef(x.dataId);
    return at.makeTensorFromDataId(x.dataId, x.shape, x.dtype);
  };
}
