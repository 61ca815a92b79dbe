/** A file of the built package, which threads and processes load: run from sources, as tests do, it is in `dist`. */
export const builtFile = (path: string): URL => new URL(path, new URL(import.meta.url.endsWith('.ts') ? '../../dist/' : '../', import.meta.url));
