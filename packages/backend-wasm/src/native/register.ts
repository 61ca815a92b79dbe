import { registerReluGradient } from '../gradients/relu.ts';
import { registerActivationGradients } from '../gradients/activations.ts';
import { registerConvReluGradient } from '../gradients/conv-relu.ts';
import { registerDenseGradient } from '../gradients/dense.ts';
import { registerCrossEntropyGradients } from '../gradients/cross-entropy.ts';
import { registerFusedGradients } from '../gradients/fused.ts';
import { keepOverrides } from '../gradients/override.ts';
import { registerNoGradients } from '../gradients/none.ts';
import { registerObjectiveGradients } from '../gradients/objectives.ts';
import { registerPoolGradients } from '../gradients/pools.ts';
import { saveUnrecorded } from '../gradients/saved.ts';
import { registerSumGradients } from '../gradients/sums.ts';
import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import { registerBatchNormGradients } from '../gradients/batch-norm.ts';
import { type AddedKernel, install } from '../kernels/heap.ts';
import { unsortedSegmentSum } from '../kernels/unsorted-segment-sum.ts';
import { activationKernels } from './activations.ts';
import { refuseMissingMemory } from './allocations.ts';
import { batchNormKernels } from './batch-norm.ts';
import { binaryKernels } from './binary.ts';
import { clipByValue } from './clip.ts';
import { compareKernels } from './compare.ts';
import { conv2dKernels } from './conv2d.ts';
import { conv2dFilterGradient } from './conv2d-filter-gradient.ts';
import { conv2dInputGradients } from './conv2d-input-gradient.ts';
import { conv3dKernels } from './conv3d.ts';
import { crossEntropyKernels } from './cross-entropy.ts';
import { depthwiseKernels } from './depthwise.ts';
import { fusedKernels } from './fused.ts';
import { gather } from './gather.ts';
import { identity } from './identity.ts';
import { judgeKernels } from './judge.ts';
import { freeWithData } from './kept-weights.ts';
import { matMulKernels } from './mat-mul.ts';
import type { NativeFunctions } from './module.ts';
import { objectiveKernels } from './objectives.ts';
import { optimizerKernels } from './optimizer.ts';
import { padV2 } from './pad.ts';
import { planeDisplacement } from './plane.ts';
import { poolKernels } from './pool.ts';
import { projectedStepKernels } from './projected-step.ts';
import { reluKernels } from './relu.ts';
import { repeatAxes } from './repeat.ts';
import { selectRows } from './select-rows.ts';
import { slice } from './slice.ts';
import { sumKernels } from './sum.ts';
import { tile } from './tile.ts';

/** Registers this package's kernels with the backend, in the place of its own where it has them, and their gradients. */
export function registerNative(backend: BackendWasm, native: NativeFunctions): void {
  refuseMissingMemory(backend);
  freeWithData(backend);
  const kernels: AddedKernel[] = [
    ...activationKernels(native),
    ...matMulKernels(native),
    ...batchNormKernels(native),
    ...binaryKernels(native),
    clipByValue(native),
    ...compareKernels(native),
    ...conv2dKernels(native),
    conv2dFilterGradient(native),
    ...conv2dInputGradients(native),
    ...conv3dKernels(native),
    ...crossEntropyKernels(native),
    ...depthwiseKernels(native),
    ...fusedKernels(native),
    gather,
    identity,
    ...judgeKernels(native),
    ...objectiveKernels(native),
    ...optimizerKernels(native),
    padV2,
    planeDisplacement(native),
    ...poolKernels(native),
    ...projectedStepKernels(native),
    ...reluKernels(native),
    repeatAxes(native),
    selectRows(native),
    slice,
    ...sumKernels(native),
    tile,
    unsortedSegmentSum,
  ];
  kernels.forEach(install);
  registerBatchNormGradients();
  registerReluGradient();
  registerActivationGradients();
  registerConvReluGradient();
  registerDenseGradient();
  registerCrossEntropyGradients();
  registerFusedGradients();
  registerNoGradients();
  registerObjectiveGradients();
  registerPoolGradients();
  registerSumGradients();
  keepOverrides();
  saveUnrecorded();
}
