import { openNetwork, type Subject } from './networks.ts';

/** A network as the command line names it. */
export interface NetworkName {
  readonly name: string;
  readonly cwd: string;
}

/** How the threads of an evaluation load the network. */
export const openSubject = ({ name, cwd }: NetworkName): Promise<Subject> => openNetwork(name, cwd);
