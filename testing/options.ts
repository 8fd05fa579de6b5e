import type { TimelineAdapter } from '../src/adapter.js';

/**
 * A test runner with these two functions: vitest, `node:test`, mocha, jest … The kit needs no hooks and has its own
 * assertions and deadlines; allow each test 60 seconds.
 */
export interface Runner {
  /** Defines a group of tests. */
  describe(name: string, define: () => void): unknown;
  /** Defines a test. */
  it(name: string, run: () => Promise<void>): unknown;
}

/** Describes the adapter under test. */
export interface ConformanceOptions {
  /** Name in the output of every group. */
  readonly name: string;
  /** Makes an adapter on new, empty data; called at least once per test. */
  create(): TimelineAdapter | Promise<TimelineAdapter>;
  /** Removes the data of an adapter made by `create`, after all its libraries are closed. Default: nothing. */
  destroy?(adapter: TimelineAdapter): void | Promise<void>;
  /**
   * Makes another adapter object on the same data, as a second or restarted process would; the first may still be in
   * use. Default: the tests of restarts and of several adapters on one store are reported as skipped.
   */
  reopen?(adapter: TimelineAdapter): TimelineAdapter | Promise<TimelineAdapter>;
  /**
   * Starts a child process with an IPC channel that calls `serveAdapter` for the same data. Default: no tests with
   * several processes.
   */
  fork?(adapter: TimelineAdapter): ForkedProcess;
  /**
   * Counts the entries of a Timeline that physically exist, visible or not. `timeline` is the encoded id, as the
   * adapter gets it. Default: physical removal is not tested.
   */
  physicalEntries?(adapter: TimelineAdapter, library: string, timeline: string): number | Promise<number>;
  /**
   * Makes the store stop answering, on open and on new connections, which it still accepts; resolves with a function
   * that ends this. Give the adapters a budget of a second or two, because each of these tests waits for it. Default:
   * the law Budget is not tested.
   */
  silence?(adapter: TimelineAdapter): Promise<() => Promise<void>>;
  /** Like `silence`, but only for the connections that are open now. Default: these tests are skipped. */
  stall?(adapter: TimelineAdapter): Promise<() => Promise<void>>;
  /** Groups to run. Default: all. */
  readonly laws?: readonly Law[];
  /** Seed of the random command sequences. Default: a new one per run, printed on failure. */
  readonly seed?: number;
  /** Runs only each n-th combination of the matrix of bounds, which makes about 10,000 reads. Default 1: all. */
  readonly eachNthRange?: number;
  /** Number of random command sequences. Default 30. */
  readonly runs?: number;
  /** Receives a line for each skipped part. Default: `console.log`. */
  log?(line: string): void;
}

/** The part of `child_process.ChildProcess` that the kit uses. */
export interface ForkedProcess {
  /** True while the IPC channel is open. */
  readonly connected: boolean;
  /** Exit code; null while the process runs or after a signal. */
  readonly exitCode: number | null;
  /** Signal that ended the process; null if there was none. */
  readonly signalCode: string | null;
  /** Sends a message over the IPC channel. */
  send(message: object, sent: (error: Error | null) => void): boolean;
  /** Listens for messages of the child. */
  on(event: 'message', listener: (message: object) => void): unknown;
  /** Listens for errors of the child process. */
  on(event: 'error', listener: (error: Error) => void): unknown;
  /** Listens for the end of the child process. */
  on(event: 'exit', listener: (code: number | null, signal: string | null) => void): unknown;
  /** Closes the IPC channel. */
  disconnect(): void;
  /** Kills the child process. */
  kill(signal: 'SIGKILL'): boolean;
}

/** A group of the kit: the laws of the contract, then tests of features built on them. */
export type Law =
  | 'Order'
  | 'Visibility'
  | 'Read your writes'
  | 'No reuse'
  | 'Density'
  | 'Bounds'
  | 'Truncation'
  | 'Head'
  | 'Count'
  | 'Epoch'
  | 'Idempotence'
  | 'Expectation'
  | 'Manual ids'
  | 'Atomic append'
  | 'Outcome'
  | 'Update'
  | 'Delete'
  | 'Drop'
  | 'Expiry'
  | 'Accepted time'
  | 'Subscription'
  | 'Checkpoint'
  | 'Signals'
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
