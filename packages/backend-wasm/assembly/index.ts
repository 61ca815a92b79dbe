export { gains, gradientSums, gradientTerms, inputGradient, moments, normalize } from './batch-norm';
export { binary } from './binary';
export { dots } from './dots';
export { outer } from './outer';
export { packColumns, packPanels } from './pack';
export { pad } from './pad';
export { product } from './product';
export { relu, reluGradient } from './relu';
export { sumMiddle } from './sum';
