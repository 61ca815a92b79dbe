import type { AttackWord, JsonValue } from './parse.ts';

/** Options of `bench`. */
export interface BenchFlags {
  readonly track: string;
  readonly tier: 'smoke' | 'small' | 'paper';
  readonly out?: string;
  readonly seed: number;
  readonly workers?: number;
  readonly only?: readonly string[];
  readonly missing?: boolean;
  readonly data?: string;
  readonly dataDir?: string;
  readonly yes?: boolean;
}

/** Options of `train`. */
export interface TrainFlags {
  readonly method?: string;
  readonly option?: Record<string, JsonValue>;
  readonly data?: string;
  readonly dataDir?: string;
  readonly architecture?: 'small-cnn' | 'resnet';
  readonly epochs?: number;
  readonly batchSize?: number;
  readonly learningRate?: number;
  readonly shards?: number;
  readonly workers?: number;
  readonly examples?: number;
  readonly seed?: number;
  readonly out?: string;
  readonly yes?: boolean;
}

/** What a network from elsewhere does not say of itself. */
export interface ModelFlags {
  readonly bounds?: readonly number[];
  readonly scale?: number;
  readonly mean?: readonly number[];
  readonly std?: readonly number[];
  readonly inputShape?: readonly number[];
  readonly straightThrough?: readonly string[];
}

/** Options of `evaluate`. */
export interface EvaluateFlags extends ModelFlags {
  readonly model?: string;
  readonly data?: string;
  readonly dataDir?: string;
  readonly images?: string;
  readonly labels?: string;
  readonly threat?: 'Linf' | 'L2' | 'L1';
  readonly eps?: readonly string[];
  readonly suite?: string;
  readonly attacks?: readonly AttackWord[];
  readonly checks?: 'full' | 'quick';
  readonly curve?: boolean;
  readonly claim?: number;
  readonly forwardPasses?: number;
  readonly backbone?: string;
  readonly examples?: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly workers?: number;
  readonly out?: string;
}

/** Options of `verify`. */
export interface VerifyFlags extends ModelFlags {
  readonly model?: string;
  readonly data?: string;
  readonly dataDir?: string;
  readonly images?: string;
  readonly labels?: string;
  readonly backend: 'wasm' | 'cpu';
}

/** Options of `attack`. */
export interface AttackFlags extends ModelFlags {
  readonly inputs?: string;
  readonly labels?: string;
  readonly data?: string;
  readonly dataDir?: string;
  readonly threat?: string;
  readonly eps?: readonly string[];
  readonly attack: readonly AttackWord[];
  readonly examples: number;
  readonly batchSize: number;
  readonly seed: number;
  readonly out: string;
}

/** Options of `leaderboard`. */
export interface LeaderboardFlags {
  readonly check?: boolean;
  readonly add?: string;
}
