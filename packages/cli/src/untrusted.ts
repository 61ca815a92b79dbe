import { fileURLToPath } from 'node:url';
import type { RobustError } from '@robustjs/core';
import { decodeSafetensors } from '@robustjs/nn';
import { usage } from './usage.ts';

/** A network that somebody else names must be data: a module would be run, and an address asked, before anything is checked. */
export function checkName(name: string): void {
  if (/^[a-z][\w+.-]+:/i.test(name) || /\.[cm]?js$/i.test(name)) throw notOnItsWord(name);
}

// A package by its name; a path, or a name that leads out of its package, would run a file of the folder's.
const PACKAGE = /^(@[\w-][\w.-]*\/)?[\w-][\w.-]*$/;

/**
 * Where to look for the method of a network that somebody else names: with this command, not beside the network.
 *
 * @throws RobustError `RJS_USAGE` for a method that is a file.
 */
export function packagesFor(bytes: Uint8Array, name: string): string {
  const { recipe = '{}' } = decodeSafetensors(bytes).metadata;
  const { method } = JSON.parse(recipe) as { method?: { package?: unknown } };
  if (typeof method?.package !== 'string' || !PACKAGE.test(method.package)) throw notOnItsWord(`${name} with the method ${String(method?.package)}`);
  return fileURLToPath(new URL('.', import.meta.url));
}

const notOnItsWord = (got: string): RobustError =>
  usage('a network that can be read without running or fetching anything, since the folder names it', got, 'look at it; if you trust it, name it yourself: robustjs verify DIR --model NETWORK');
