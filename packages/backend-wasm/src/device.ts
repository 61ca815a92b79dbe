/** The processor in words: model and number of cores. */
export function describeDevice(): string {
  if (typeof process !== 'undefined' && process.versions?.node !== undefined) return describeNode();
  const cores = (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency;
  return cores === undefined ? 'processor of this browser' : `processor of this browser, ${cores} cores`;
}

function describeNode(): string {
  // Not an import: bundlers for the browser would look for the module. Node before 20.16 lacks the function.
  const cores = (process.getBuiltinModule as typeof process.getBuiltinModule | undefined)?.('node:os').cpus() ?? [];
  const model = cores[0]?.model.trim() ?? '';
  return cores.length === 0 ? process.arch : `${model === '' ? process.arch : model}, ${cores.length} cores`;
}
