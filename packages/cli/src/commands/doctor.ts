import { readFileSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { RobustError } from '@robustjs/core';
import { startRuntime } from '@robustjs/harness';
import type { Context } from '../context.ts';
import { dataSetStates } from '../data-sets.ts';
import { exitCodes } from '../exit-codes.ts';
import { findPlugins } from '../plugins.ts';

/** What one look at the installation found. */
interface Finding {
  readonly name: string;
  readonly status: 'ok' | 'note' | 'fail';
  readonly found: string;
  readonly fix?: string;
}

/** `robustjs doctor`: fails when something that is needed does not work. */
export async function doctor(context: Context): Promise<number> {
  const findings = [...node(), ...(await runtime()), ...(await dataSets()), ...(await methods(context.cwd))];
  for (const { name, status, found, fix } of findings) {
    context.line(`${status.padEnd(4)}  ${name}: ${found}`);
    if (fix !== undefined) context.line(`      fix: ${fix}`);
  }
  context.result({ findings });
  return findings.some(({ status }) => status === 'fail') ? exitCodes.failed : exitCodes.ok;
}

function node(): Finding[] {
  const { engines } = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as { engines: { node: string } };
  const wanted = engines.node.replace('>=', '').split('.').map(Number);
  const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
  const enough = major > wanted[0]! || (major === wanted[0] && minor >= (wanted[1] ?? 0));
  const cores = availableParallelism();
  return [
    { name: 'node', status: enough ? 'ok' : 'fail', found: process.versions.node, ...(!enough && { fix: `install Node ${engines.node}` }) },
    { name: 'cores', status: 'ok', found: `${cores}; train and bench use all unless --workers says otherwise` },
  ];
}

async function runtime(): Promise<Finding[]> {
  try {
    const { id, version, variant, device, missing } = await startRuntime('wasm');
    const started: Finding = { name: 'runtime', status: 'ok', found: `${id} ${version} (${variant}) on ${device}` };
    return [started, ...missing.map(({ what, fix }): Finding => ({ name: 'runtime', status: 'note', found: what, fix }))];
  } catch (error) {
    const fix = error instanceof RobustError ? error.code : 'install robustjs again';
    return [{ name: 'runtime', status: 'fail', found: error instanceof Error ? error.message : String(error), fix }];
  }
}

async function dataSets(): Promise<Finding[]> {
  return (await dataSetStates()).map(({ id, state, about, fix }) => ({
    name: `data ${id}`,
    // The digits come with the command; all else is optional.
    status: state === 'here' ? 'ok' : state === 'broken' || id === 'mnist' ? 'fail' : 'note',
    found: state === 'missing' ? 'not here' : about,
    ...(fix !== undefined && { fix }),
  }));
}

async function methods(cwd: string): Promise<Finding[]> {
  return (await findPlugins(cwd)).map(({ package: name, method, problem }) =>
    method === undefined
      ? { name: `method ${name}`, status: 'fail', found: problem ?? 'not loaded', fix: `npm install ${name}` }
      : { name: `method ${method.id}`, status: 'ok', found: name === method.id ? `built in, ${method.version}` : `${name} ${method.version}` },
  );
}
