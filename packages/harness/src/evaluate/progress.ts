/** What an evaluation is at. */
export interface EvaluationProgress {
  readonly kind: 'evaluate';
  /** Clean accuracy, an attack of the suite, accuracy against eps, or a sanity check. */
  readonly part: 'clean' | 'attack' | 'curve' | 'sanity';
  /** Attack or check at work. */
  readonly name: string;
  /** Budget of the attack. */
  readonly eps?: number;
  /** Examples done in this step. */
  readonly done: number;
  /** Examples of this step. */
  readonly total: number;
}
