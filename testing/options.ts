import type { TimelineAdapter } from '../src/adapter.js';

/**
 * Any runner that has these two: vitest, `node:test`, mocha, jest … The kit needs no hooks and brings its own assertions and
 * deadlines; allow each test 60 seconds.
 */
export interface Runner {
  describe(name: string, define: () => void): unknown;
  it(name: string, run: () => Promise<void>): unknown;
}

/** What the kit needs to know of the adapter that it is to prove. */
export interface ConformanceOptions {
  /** Heads every group of the output. */
  readonly name: string;
  /** A new adapter on data of its own; called for every test, at times twice. */
  create(): TimelineAdapter | Promise<TimelineAdapter>;
  /** Called with what `create` made, when all libraries are closed. */
  destroy?(adapter: TimelineAdapter): void | Promise<void>;
  /**
   * Another adapter object on the data of the given one, as a second or restarted process would make it; the first may be in
   * use still. Without it the tests about restarts and about several adapters on one store are reported as skipped.
   */
  reopen?(adapter: TimelineAdapter): TimelineAdapter | Promise<TimelineAdapter>;
  /**
   * A child process with an IPC channel that calls `serveAdapter` for the same data. Without it: no tests with several
   * processes.
   */
  fork?(adapter: TimelineAdapter): ForkedProcess;
  /**
   * How many entries of a Timeline are physically there, whatever readers are shown. `timeline` is the encoded id, as the adapter
   * got it. Without it physical removal is not proven.
   */
  physicalEntries?(adapter: TimelineAdapter, library: string, timeline: string): number | Promise<number>;
  /**
   * Makes the store answer nothing from now on, on the connections that are open and on new ones, which are not refused; resolves with what
   * lets it answer again. Give the adapters a budget of a second or two, for each of these tests waits for it. Without it the law
   * Budget is not proven.
   */
  silence?(adapter: TimelineAdapter): Promise<() => Promise<void>>;
  /** As `silence`, for the connections that are open now alone: new ones are answered. */
  stall?(adapter: TimelineAdapter): Promise<() => Promise<void>>;
  /** Run only these groups. Default: all. */
  readonly laws?: readonly Law[];
  /** Seed of the random command sequences. Default: one for each run, printed on failure. */
  readonly seed?: number;
  /** Of the matrix of bounds, which is some ten thousand reads, only each n-th combination. Default 1: all of them. */
  readonly eachNthRange?: number;
  /** How many random sequences are run. Default 30. */
  readonly runs?: number;
  /** Where notes on what was skipped go. Default: `console.log`. */
  log?(line: string): void;
}

/** What the kit uses of what `child_process.fork` returns. */
export interface ForkedProcess {
  readonly connected: boolean;
  readonly exitCode: number | null;
  readonly signalCode: string | null;
  send(message: object, sent: (error: Error | null) => void): boolean;
  on(event: 'message', listener: (message: object) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number | null, signal: string | null) => void): unknown;
  disconnect(): void;
  kill(signal: 'SIGKILL'): boolean;
}

/** The groups of the kit: the laws of the contract, then what is built on them. */
export type Law =
  | 'Order'
  | 'Visibility'
  | 'Read your writes'
  | 'No reuse'
  | 'Density'
  | 'Bounds'
  | 'Truncation'
  | 'Epoch'
  | 'Idempotence'
  | 'Expectation'
  | 'Manual ids'
  | 'Atomic append'
  | 'Outcome'
  | 'Update'
  | 'Delete'
  | 'Expiry'
  | 'Accepted time'
  | 'Subscription'
  | 'Checkpoint'
  | 'Isolation'
  | 'Back-pressure'
  | 'Closing'
  | 'Budget'
  | 'Settings'
  | 'Limits'
  | 'Capabilities'
  | 'Batches'
  | 'Fan-out'
  | 'Listing'
  | 'Ids'
  | 'Bodies'
  | 'Model'
  | 'Restart'
  | 'Processes';
