import type { OpenOptions } from '@robustjs/interop';
import type { ModelFlags } from './flags.ts';
import { usage } from './usage.ts';

/** What the command line says of a network from elsewhere. */
export function openOptionsOf({ bounds, scale, mean, std, inputShape, straightThrough }: ModelFlags): OpenOptions {
  if (bounds !== undefined && bounds.length !== 2) throw usage('--bounds as two numbers', bounds.join(','), 'for example: --bounds 0,255');
  const preprocessing = { ...(scale !== undefined && { scale }), ...(mean && { mean }), ...(std && { std }) };
  return {
    ...(bounds && { bounds: [bounds[0]!, bounds[1]!] as const }),
    ...(inputShape && { inputShape }),
    ...(Object.keys(preprocessing).length > 0 && { preprocessing }),
    ...(straightThrough && { straightThrough }),
  };
}
