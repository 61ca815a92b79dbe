/** The processor in words: model and number of cores. */
export async function describeDevice(): Promise<string> {
  if (typeof process !== 'undefined' && process.versions?.node !== undefined) return describeNode();
  const cores = (globalThis as { navigator?: { hardwareConcurrency?: number } }).navigator?.hardwareConcurrency;
  return cores === undefined ? 'processor of this browser' : `processor of this browser, ${cores} cores`;
}

async function describeNode(): Promise<string> {
  const { cpus } = await import('node:os');
  const cores = cpus();
  const model = cores[0]?.model.trim();
  return `${model === undefined || model === '' ? process.arch : model}, ${cores.length} cores`;
}
