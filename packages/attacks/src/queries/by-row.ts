import type { Bounds, RandomStream, Search } from '@robustjs/core';
import { dispose, range, type Tensor, tensor } from '@tensorflow/tfjs-core';
import { rowSize } from '../rows.ts';

/** One row, as an attack that asks about one input after the other sees it. */
export interface Row {
  readonly clean: Float32Array;
  /** Shape of one input. */
  readonly shape: readonly number[];
  readonly id: number;
  readonly bounds: Bounds;
  /** The stream of this row. */
  readonly random: RandomStream;
  /** What the row would return were it stopped now; the attack keeps it up to date. */
  best: Float32Array;
}

/** What the model said of one input. */
export interface Answer {
  readonly adversarial: boolean;
  /** The objective. */
  readonly value: number;
}

/** An attack on one row: it yields inputs and is told about each. Where it ends, the rest of the queries ask about its best. */
export type Questions = Generator<Float32Array, void, Answer>;

/** A part of an attack on one row, with a result. */
export type Asking<Result> = Generator<Float32Array, Result, Answer>;

/**
 * Asks exactly `queries` forward passes a row, one question of every row in each: so what a row asks, and how often, does
 * not depend on its batch, though rows take different paths. The last pass judges the row's best, brought into the budget.
 * With a budget a row leaves with its first adversarial input inside.
 */
export async function askByRow(search: Search, queries: number, attack: (row: Row) => Questions): Promise<void> {
  const shape = search.clean.shape.slice(1);
  let talks = (await rowsOf(search)).map((row) => new Talk(row, attack(row)));
  for (let query = 1; query < queries && talks.length > 0; query++) {
    const inputs = together(talks.map(({ question }) => question), shape);
    const { outputs, values, adversarial } = search.look(inputs);
    const [value, is] = await Promise.all([values.data(), adversarial.data()]);
    dispose([inputs, outputs, values, adversarial]);
    talks.forEach((talk, i) => talk.answer({ adversarial: Boolean(is[i]), value: value[i]! }));
    talks = await staying(search, talks);
  }
  if (talks.length === 0) return;
  const best = together(talks.map(({ row }) => row.best), shape);
  const allowed = search.project(best);
  search.offer(allowed);
  dispose([best, allowed]);
}

/** A row's attack between two questions. */
class Talk {
  readonly row: Row;
  question: Float32Array;
  readonly #questions: Questions;

  constructor(row: Row, questions: Questions) {
    this.row = row;
    this.#questions = questions;
    this.question = questions.next().value ?? row.best;
  }

  answer(answer: Answer): void {
    this.question = this.#questions.next(answer).value ?? this.row.best;
  }
}

async function rowsOf({ clean, ids, bounds, random }: Search): Promise<Row[]> {
  const [values, size] = [await clean.data<'float32'>(), rowSize(clean)];
  return Array.from(ids, (id, place) => {
    const own = values.slice(place * size, (place + 1) * size);
    return { clean: own, shape: clean.shape.slice(1), id, bounds, random: random.split('row', id), best: own };
  });
}

async function staying(search: Search, talks: Talk[]): Promise<Talk[]> {
  const [places] = await search.compact(range(0, talks.length, 1, 'int32'));
  const left = search.rows === talks.length ? talks : Array.from(await places.data(), (place) => talks[place]!);
  places.dispose();
  return left;
}

function together(points: readonly Float32Array[], shape: readonly number[]): Tensor {
  const size = points[0]!.length;
  const values = new Float32Array(points.length * size);
  points.forEach((point, i) => values.set(point, i * size));
  return tensor(values, [points.length, ...shape]);
}
