/** One thing that a result claims, and whether it holds. */
export interface Verified {
  /** What was looked at, such as `hash`; the budget is part of it where there are several. */
  readonly what: string;
  readonly holds: boolean;
  /** What was found, with numbers. */
  readonly found: string;
}

/** Notes one. */
export type Check = (what: string, holds: boolean, found: string) => void;
