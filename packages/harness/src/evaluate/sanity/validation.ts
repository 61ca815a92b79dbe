import { type Attack, modelOf, randomStream, RobustError, runAttack, threatModel } from '@robustjs/core';
import { add, concat, dispose, matMul, reshape, type Tensor, tensor, tensor1d, tensor2d, type Tensor2D } from '@tensorflow/tfjs-core';
import type { Context } from '../context.ts';
import { type AttackRef, attackHash } from '../engine/attack-ref.ts';
import type { Task } from '../engine/task.ts';
import { type SuiteOutcome } from '../suite.ts';
import { type Finding, skipped } from './check.ts';
import { strengthOf } from './strength.ts';

const ROWS = 16;
const SHAPE: readonly number[] = [4, 6, 1];
const SIZE = 24;
// Distance of every row to the decision boundary, in each norm.
const DISTANCE: Readonly<Record<string, number>> = { Linf: 0.02, L2: 0.06, L1: 0.1 };
const ABOVE = 1.2;
const BELOW = 0.8;

interface ValidationArgs {
  readonly attack: AttackRef;
  readonly norm: string;
}

/** Shares of rows broken a fifth above and a fifth below the distance that decides; null where the attack refuses the model. */
export const validationTask: Task<ValidationArgs, { readonly above: number; readonly below: number } | null> = {
  name: 'validation',
  async run(bench, _batch, { attack: ref, norm }) {
    const attack = await bench.attack(ref);
    const distance = DISTANCE[norm]!;
    const { weights, rows } = linearFixture(norm, distance);
    const model = modelOf((x) => scores(x, weights), { inputShape: SHAPE });
    const inputs = tensor(rows, [ROWS, ...SHAPE]);
    const labels = tensor1d(new Int32Array(ROWS), 'int32');
    const shareAt = async (eps: number): Promise<number> => {
      const random = randomStream(bench.seed).split('S28');
      const { success, adversarial } = await runAttack(attack, { model, inputs, labels, ids: rows.slice(0, ROWS).map((_, i) => i), threat: threatModel(norm, eps), random });
      adversarial.dispose();
      return success.filter(Boolean).length / ROWS;
    };
    try {
      return { above: await shareAt(ABOVE * distance), below: await shareAt(BELOW * distance) };
    } catch (error) {
      if (error instanceof RobustError && error.code !== 'RJS_ABORTED') return null;
      throw error;
    } finally {
      dispose([weights, inputs, labels]);
    }
  },
};

/** Four classes, of which the last two never win. */
function scores(x: Tensor, weights: Tensor2D): Tensor {
  const pair = matMul(reshape(x, [x.shape[0], SIZE]), weights);
  return concat([pair, add(matMul(reshape(x, [x.shape[0], SIZE]), weights), -30)], 1);
}

/**
 * A linear model and rows of class 0 that all lie at one distance from class 1: the margin over the dual norm of the difference
 * of weights (in the middle of the box, which then does not matter).
 */
function linearFixture(norm: string, distance: number): { weights: Tensor2D; rows: Float32Array } {
  const random = randomStream(28);
  const w = random.split('weights').normal(SIZE);
  const dual = norm === 'Linf' ? w.reduce((sum, v) => sum + Math.abs(v), 0) : norm === 'L2' ? Math.hypot(...w) : Math.max(...w.map(Math.abs));
  const squares = w.reduce((sum, v) => sum + v * v, 0);
  const rows = random.split('rows').uniform(ROWS * SIZE).map((u) => 0.45 + 0.1 * u);
  for (let row = 0; row < ROWS; row++) {
    const x = rows.subarray(row * SIZE, (row + 1) * SIZE);
    const margin = x.reduce((sum, v, i) => sum + v * w[i]!, 0);
    const shift = (distance * dual - margin) / squares;
    x.forEach((v, i) => (x[i] = v + shift * w[i]!));
  }
  return { weights: tensor2d(Array.from(w, (v) => [v / 2, -v / 2])), rows };
}

/** S28: every attack of the suite that takes gradients finds what there is on a linear model, whose distances are known, and no more. */
export async function attacksValidated(context: Context, ranking: SuiteOutcome, firstRow: Int32Array): Promise<Finding> {
  const { norm } = ranking.threat;
  const attacks = ranking.parts.filter((part) => strengthOf(part) !== 'gradient-free').map(({ attack }) => attack);
  if (attacks.length === 0 || DISTANCE[norm] === undefined) return skipped('S28', 'no attack of the suite takes gradients, or there is no closed form for this norm');
  const found = await Promise.all(attacks.map((attack) => validate(context, attack, norm, firstRow)));
  const made = found.filter((result) => result !== null);
  if (made.length === 0) return skipped('S28', 'no attack of the suite takes a linear model');
  const value = Math.min(...made.map(({ above }) => above));
  const impossible = made.filter(({ below }) => below > 0).length;
  const note = `smallest share of rows broken on a linear model, a fifth beyond the distance that decides; ${impossible} attacks broke some within it`;
  const attackConfigHash = await attackHash(attacks[made.findIndex(({ above }) => above === value)]!);
  return { id: 'S28', status: value < 0.95 || impossible > 0 ? 'fail' : 'pass', value, threshold: null, n: ROWS * made.length, attackConfigHash, note };
}

async function validate(context: Context, attack: Attack, norm: string, firstRow: Int32Array): Promise<{ readonly above: number; readonly below: number } | null> {
  const [result = null] = await context.jobs.run(validationTask, { attack: await context.book.refOf(attack), norm }, firstRow, { part: 'sanity', name: 'S28' });
  return result;
}
