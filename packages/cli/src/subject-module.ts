import type { OpenOptions } from '@robustjs/interop';
import { openNetwork, type Subject } from './networks.ts';

/** A network as the command line names it. */
export interface NetworkName {
  readonly name: string;
  readonly cwd: string;
  readonly options: OpenOptions;
}

/** How the threads of an evaluation load the network. */
export const openSubject = ({ name, cwd, options }: NetworkName): Promise<Subject> => openNetwork(name, cwd, options);
