import { resolve } from 'node:path';
import { readEvaluation, startRuntime, type Verified, verifyEvaluation } from '@robustjs/harness';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import type { VerifyFlags } from '../flags.ts';
import { openOptionsOf } from '../model-options.ts';
import { openNetwork } from '../networks.ts';
import { testData } from '../test-data.ts';
import { usage } from '../usage.ts';
import { storedCommand } from './evaluate.ts';

/** `robustjs verify`: fails when something does not hold. */
export async function verify(folder: string, flags: VerifyFlags, context: Context): Promise<number> {
  const dir = resolve(context.cwd, folder);
  const stored = await readEvaluation(dir);
  const backend = await startBackend(flags.backend);
  const command = await storedCommand(dir);
  const { model = command.model, data, dataDir, images, labels } = flags;
  if (model === undefined) throw usage('--model, since the folder does not say what was evaluated', 'none', 'name the network that this is a result of');
  const cwdOf = (given: unknown): string => (given === undefined ? (command.cwd ?? context.cwd) : context.cwd);
  const subject = await openNetwork(model, cwdOf(flags.model), { ...command.options, ...openOptionsOf(flags) }, flags.model === undefined);
  // Data named here replace all that the folder says of them.
  const named = data ?? dataDir ?? images ?? labels;
  const dataset = await testData(subject, named === undefined ? command : flags, cwdOf(named), context.signal);
  const { route } = subject;
  const verified = await verifyEvaluation(stored, subject.evaluable, dataset, route && { route });
  const broken = verified.filter(({ holds }) => !holds);
  context.result({ folder: dir, backend, entry: stored.entry.id, holds: broken.length === 0, checks: verified });
  print(verified, context);
  context.line(broken.length === 0 ? `\nThe result holds: ${verified.length} checks on ${backend}.` : `\n${broken.length} of ${verified.length} checks do not hold.`);
  return broken.length === 0 ? exitCodes.ok : exitCodes.failed;
}

async function startBackend(backend: VerifyFlags['backend']): Promise<string> {
  if (backend === 'wasm') {
    const { id, variant } = await startRuntime('wasm');
    return `${id} ${variant}`;
  }
  // TF.js's own gradients, which Node's bundle of it lacks.
  await Promise.all([import('@tensorflow/tfjs-backend-cpu'), import('@robustjs/backend-wasm/gradients')]);
  const { ready, setBackend } = await import('@tensorflow/tfjs-core');
  await setBackend('cpu');
  await ready();
  return 'cpu';
}

function print(verified: readonly Verified[], { line }: Context): void {
  for (const { what, holds, found } of verified) line(`${holds ? 'holds         ' : 'DOES NOT HOLD '} ${what}: ${found}`);
}
