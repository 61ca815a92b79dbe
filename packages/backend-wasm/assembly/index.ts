export { dots } from './dots';
export { outer } from './outer';
export { packColumns, packPanels } from './pack';
export { pad } from './pad';
export { product } from './product';
