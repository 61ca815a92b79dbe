import type { NamedVariable } from '@robustjs/core';
import { namedVariable } from '@robustjs/nn';
import { add, clone, dispose, mul, type Tensor, tidy } from '@tensorflow/tfjs-core';

/** An exponential moving average of parameters. */
export interface WeightAverage {
  /** The averages, as variables to be stored; empty where there is no average. */
  readonly averages: readonly NamedVariable[];
  /** Takes the parameters as they are into the average, after the step that `step` others came before. */
  update(step: number): void;
  /** Puts the averages into the parameters and returns what the parameters were; the caller releases it. */
  swapIn(): Snapshot;
  /** Releases the averages. */
  dispose(): void;
}

/**
 * The average `a <- d a + (1 - d) p` after each step, with d = min(decay, (1 + t) / (10 + t)) for the t-th step from 0, so
 * that the first steps do not weigh for long. Running statistics are not averaged: they are averages already.
 *
 * @param decay absent: no average; the parameters stand for themselves.
 */
export function weightAverage(parameters: readonly NamedVariable[], decay: number | undefined): WeightAverage {
  if (decay === undefined) return { averages: [], update: () => {}, swapIn: () => snapshot([]), dispose: () => {} };
  const averages = parameters.map(({ name, variable }) => namedVariable(name, clone(variable), false));
  return {
    averages,
    update(step) {
      const kept = Math.min(decay, (1 + step) / (10 + step));
      averages.forEach(({ variable }, i) =>
        tidy(() => variable.assign(add(mul(variable, kept), mul(parameters[i]!.variable, 1 - kept)))),
      );
    },
    swapIn() {
      const live = snapshot(parameters);
      assignAll(parameters, averages.map(({ variable }) => variable));
      return live;
    },
    dispose: () => averages.forEach(({ variable }) => variable.dispose()),
  };
}

/** Values of variables at one moment. */
export interface Snapshot {
  /** Puts the values back. */
  restore(): void;
  /** Lets the values go. */
  release(): void;
}

/** Remembers values; runtimes that can share them do not copy. */
export function snapshot(variables: readonly NamedVariable[]): Snapshot {
  const values = variables.map(({ variable }) => clone(variable));
  return { restore: () => assignAll(variables, values), release: () => dispose(values) };
}

const assignAll = (variables: readonly NamedVariable[], values: readonly Tensor[]): void =>
  variables.forEach(({ variable }, i) => variable.assign(values[i]!));
