import type { Model, NamedVariable } from '@robustjs/core';
import { add, tensor, tidy } from '@tensorflow/tfjs-core';
import { expect } from 'vitest';
import { expectSameBits } from './close.ts';

/** A copy of variables' values by name. */
export type StateSnapshot = ReadonlyMap<string, Float32Array>;

/** Parameters and buffers of a model. */
export const variablesOf = (model: Model): readonly NamedVariable[] => [...model.parameters, ...model.buffers];

/** The values of a model's parameters and buffers now. */
export async function snapshot(model: Model): Promise<StateSnapshot> {
  const entries = variablesOf(model).map(async ({ name, variable }) => [name, Float32Array.from(await variable.data())] as const);
  return new Map(await Promise.all(entries));
}

/** Puts a model's parameters and buffers back. */
export function restore(model: Model, state: StateSnapshot): void {
  for (const { name, variable } of variablesOf(model)) tidy(() => variable.assign(tensor(state.get(name)!, variable.shape)));
}

/** Expects a model's parameters and buffers to be what they were, to the bit. */
export async function expectUnchanged(model: Model, before: StateSnapshot): Promise<void> {
  const after = await snapshot(model);
  expect([...after.keys()]).toEqual([...before.keys()]);
  for (const [name, values] of after) await expectSameBits(values, before.get(name)!);
}

/** Names of the variables that are not what they were. */
export async function changedNames(model: Model, before: StateSnapshot): Promise<string[]> {
  const after = await snapshot(model);
  return [...after].filter(([name, values]) => values.some((value, i) => !Object.is(value, before.get(name)![i]))).map(([name]) => name);
}

/** Moves every variable whose name passes a test, so that whoever reads it gives another output. */
export function disturb(model: Model, touches: (name: string) => boolean): void {
  for (const { name, variable } of variablesOf(model)) if (touches(name)) tidy(() => variable.assign(add(variable, 0.5)));
}
