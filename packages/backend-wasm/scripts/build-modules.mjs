// Compiles assembly/ for SIMD and for relaxed SIMD, each for a memory of one thread and for a shared one (of a cross-origin-isolated
// page), and embeds all in dist/modules.js, so that no path has to be set. The modules import the backend's memory and have neither
// data nor stack of their own.
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { main } from 'assemblyscript/asc';

const root = fileURLToPath(new URL('..', import.meta.url));
const OPTIONS = ['-O3', '--noAssert', '--runtime', 'stub', '--importMemory', '--enable', 'simd'];

async function compile(more) {
  const written = {};
  const { error, stderr } = await main(['assembly/index.ts', ...OPTIONS, ...more, '--baseDir', root, '--outFile', 'module.wasm'], {
    writeFile: (name, contents) => void (written[name] = contents),
  });
  if (error) throw new Error(`asc: ${stderr.toString()}`, { cause: error });
  return Buffer.from(written['module.wasm']).toString('base64');
}

// As much as a memory of 32-bit addresses can have: an imported memory must not be allowed to grow beyond.
const SHARED = ['--enable', 'threads', '--sharedMemory', '--maximumMemory', '65536'];
const RELAXED = ['--enable', 'relaxed-simd'];

const modules = {
  simd: await compile([]),
  relaxedSimd: await compile(RELAXED),
  sharedSimd: await compile(SHARED),
  sharedRelaxedSimd: await compile([...SHARED, ...RELAXED]),
};
await mkdir(new URL('../dist/', import.meta.url), { recursive: true });
const lines = Object.entries(modules).map(([name, encoded]) => `export const ${name} = '${encoded}';\n`);
await writeFile(new URL('../dist/modules.js', import.meta.url), lines.join(''));
