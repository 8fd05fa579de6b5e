/** The clock of one process. */
export interface Clock {
  /** Milliseconds since 1970; may jump in both directions. */
  now(): number;
  /** Milliseconds since some time in the past; never goes back. */
  elapsed(): number;
}

export const SYSTEM_CLOCK: Clock = { now: () => Date.now(), elapsed: () => performance.now() };
