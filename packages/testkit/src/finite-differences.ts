import type { Model } from '@robustjs/core';
import { tensor, tidy, type Variable } from '@tensorflow/tfjs-core';

/** Where a derivative is taken: a parameter, and a value in it by its flat index. */
export interface WeightPlace {
  readonly parameter: number;
  readonly index: number;
}

/** In each parameter, the value with the largest gradient: the ones whose difference stands out of the rounding. */
export async function steepestWeights(gradients: readonly { data(): Promise<ArrayLike<number>> }[]): Promise<(WeightPlace & { gradient: number })[]> {
  const values = await Promise.all(gradients.map((gradient) => gradient.data()));
  return values.map((list, parameter) => {
    const index = Array.from(list).reduce((best, value, i, all) => (Math.abs(value) > Math.abs(all[best]!) ? i : best), 0);
    return { parameter, index, gradient: list[index]! };
  });
}

/**
 * The derivative of a function by one weight of a model, by central differences. The weight is put back to the bit.
 *
 * @param value the function; it reads the weight through the model.
 * @param step half the distance of the two points. Float32 wants about 1e-2.
 */
export async function finiteDifference(model: Model, place: WeightPlace, value: () => Promise<number>, step: number): Promise<number> {
  const { variable } = model.parameters[place.parameter]!;
  const original = Float32Array.from(await variable.data());
  const at = async (offset: number): Promise<number> => {
    assignValues(variable, original.map((w, i) => (i === place.index ? w + offset : w)));
    return value();
  };
  // What float32 made of the two points, not what was asked for.
  const spread = Math.fround(original[place.index]! + step) - Math.fround(original[place.index]! - step);
  const difference = (await at(step)) - (await at(-step));
  assignValues(variable, original);
  return difference / spread;
}

function assignValues(variable: Variable, values: Float32Array): void {
  tidy(() => variable.assign(tensor(values, variable.shape)));
}
