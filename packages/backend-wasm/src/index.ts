export { startWasm, type WasmOptions } from './start.ts';
