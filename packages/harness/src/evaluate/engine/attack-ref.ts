import { createRequire } from 'node:module';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { attacks as named } from '@robustjs/attacks';
import type { Attack } from '@robustjs/core';
import { wrong } from '../errors.ts';
import { jsonHash } from '../hashes.ts';

/** An attack as data, so that another thread can make it again. */
export type AttackRef =
  | { readonly id: string; readonly options?: Readonly<Record<string, unknown>> }
  /** A member of a published suite: what `package` exports as `autoAttackMembers(version, norm)`. */
  | { readonly package: string; readonly version: string; readonly norm: string; readonly place: number }
  /** One that was passed as an object, known by the hash of its name and options; it stays in the calling thread. */
  | { readonly given: string };

// Where an attack came from, for those made here by name.
const origins = new WeakMap<Attack, AttackRef>();

/**
 * An attack of the registry.
 *
 * @throws RobustError `RJS_EVALUATE_OPTION` for a name that is not known.
 */
export function attackNamed(id: string, options?: Readonly<Record<string, unknown>>): Attack {
  const create = Object.hasOwn(named, id) ? named[id] : undefined;
  if (create === undefined) throw wrong('OPTION', `an attack among ${Object.keys(named).join(', ')}`, JSON.stringify(id), 'use one of these, or pass the attack itself');
  const attack = create(options);
  origins.set(attack, { id, ...(options && { options }) });
  return attack;
}

type Members = (version: string, norm: string) => readonly Attack[];

/**
 * The members of a suite that a package exports.
 *
 * @throws RobustError `RJS_EVALUATE_OPTION` where the package is not installed or exports no suite.
 */
export async function suiteMembers(name: string, version: string, norm: string, from: string = process.cwd()): Promise<readonly Attack[]> {
  const { autoAttackMembers } = (await importFrom(name, from)) as { autoAttackMembers?: Members };
  if (typeof autoAttackMembers !== 'function') throw wrong('OPTION', `${name} to export autoAttackMembers`, 'no such export', `npm install ${name} again`);
  const members = autoAttackMembers(version, norm);
  members.forEach((attack, place) => origins.set(attack, { package: name, version, norm, place }));
  return members;
}

// As the user's folder sees it, else as this package does.
async function importFrom(name: string, from: string): Promise<unknown> {
  try {
    return (await import(pathToFileURL(createRequire(join(from, 'index.js')).resolve(name)).href)) as unknown;
  } catch {
    // Not installed there.
  }
  try {
    return (await import(name)) as unknown;
  } catch (cause) {
    throw wrong('OPTION', `the package ${name}, which holds this suite`, 'none that loads', `npm install ${name}`, cause);
  }
}

/** What identifies an attack with its options. */
export const attackHash = ({ id, config }: Attack): Promise<string> => jsonHash({ id, config });

/** Makes attacks of references, each once, and references of attacks. */
export class AttackBook {
  readonly #made: Map<string, Promise<Attack>> = new Map();
  readonly #from: string | undefined;

  constructor(from?: string) {
    this.#from = from;
  }

  /** The reference of an attack, which {@link AttackBook.attack} of this book turns back into it. */
  async refOf(attack: Attack): Promise<AttackRef> {
    const ref = origins.get(attack) ?? { given: await attackHash(attack) };
    this.#made.set(JSON.stringify(ref), Promise.resolve(attack));
    return ref;
  }

  attack(ref: AttackRef): Promise<Attack> {
    const key = JSON.stringify(ref);
    const known = this.#made.get(key) ?? this.#make(ref);
    this.#made.set(key, known);
    return known;
  }

  async #make(ref: AttackRef): Promise<Attack> {
    if ('id' in ref) return attackNamed(ref.id, ref.options);
    if ('package' in ref) return (await suiteMembers(ref.package, ref.version, ref.norm, this.#from))[ref.place]!;
    throw wrong('OPTION', 'an attack by name', 'an object, which cannot go to another thread', 'use one worker');
  }
}
