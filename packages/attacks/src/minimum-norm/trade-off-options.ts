import { checkFlag, checkNonNegative, checkPositive, checkWhole } from '../options.ts';

/** Options of attacks that minimize a distance plus a constant times a hinge on the margin. */
export interface TradeOffOptions {
  /** Constants tried a row. Default 9. */
  readonly binarySearchSteps?: number;
  /** Gradient steps with each constant. Default 1000. The authors and Foolbox take 10000, which costs ten times as much. */
  readonly steps?: number;
  /** Step length. Default 0.01. */
  readonly alpha?: number;
  /** Margin, in logits, that an input must have to count. Default 0. */
  readonly confidence?: number;
  /** The first constant. Default 0.001. */
  readonly initialConstant?: number;
  /**
   * A row that has found an adversarial input goes on to its next constant as soon as a tenth of the steps has not lowered
   * its loss by one part in 10000. The steps saved go into more constants: what a row costs does not depend on its batch.
   * (The authors' code ends a whole batch by its summed loss, found or not; row by row that takes slow constants for
   * useless ones.) Default true.
   */
  readonly abortEarly?: boolean;
}

/** {@link TradeOffOptions} with the defaults filled in. */
export type TradeOff = Required<TradeOffOptions>;

/** Names of {@link TradeOffOptions}. */
export const TRADE_OFF_OPTIONS: readonly string[] = ['binarySearchSteps', 'steps', 'alpha', 'confidence', 'initialConstant', 'abortEarly'];

/** Fills in the defaults. */
export function tradeOffOf({ abortEarly = true, ...options }: TradeOffOptions): TradeOff {
  return {
    binarySearchSteps: checkWhole('binarySearchSteps', options.binarySearchSteps ?? 9, 1),
    steps: checkWhole('steps', options.steps ?? 1000, 1),
    alpha: checkPositive('alpha', options.alpha ?? 0.01),
    confidence: checkNonNegative('confidence', options.confidence ?? 0),
    initialConstant: checkPositive('initialConstant', options.initialConstant ?? 0.001),
    abortEarly: checkFlag('abortEarly', abortEarly),
  };
}
