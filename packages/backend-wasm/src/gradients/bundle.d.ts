/**
 * Importing `@robustjs/backend-wasm/gradients` registers TF.js's gradients with the tfjs-core in use. The module itself is
 * bundled from tfjs-core by scripts/bundle-gradients.mjs, for Node cannot import the file that holds them.
 */
export {};
