import type { AdapterWarning, Call } from '../../../src/adapter.js';
import { invalidArgument, TimelineError } from '../../../src/errors.js';
import { requestError, StoreError } from './errors.js';

/**
 * The methods that the adapter calls on a `Client` of the `tablestore` package, version 5.6, which ships no types. A
 * wrapper fits too if it behaves like that client.
 */
export interface TableStoreClient {
  /** Creates a table. */
  createTable(parameters: object, callback?: SdkCallback): unknown;
  /** Changes options of a table, such as its TTL. */
  updateTable(parameters: object, callback?: SdkCallback): unknown;
  /** Returns the primary key and the options of a table. */
  describeTable(parameters: object, callback?: SdkCallback): unknown;
  /** Reads one row. */
  getRow(parameters: object, callback?: SdkCallback): unknown;
  /** Reads a page of rows between two primary keys. */
  getRange(parameters: object, callback?: SdkCallback): unknown;
  /** Reads many rows. */
  batchGetRow(parameters: object, callback?: SdkCallback): unknown;
  /** Writes many rows; each one has its own outcome. */
  batchWriteRow(parameters: object, callback?: SdkCallback): unknown;
}

type SdkCallback = (error: unknown, answer: unknown) => void;

/** The SDK's 64-bit integer; only its decimal string is exact. */
export interface Int64 {
  toString(): string;
}

/**
 * The members of the `tablestore` package that the adapter uses. The SDK recognizes its own values by identity, so this
 * must be the same copy that made the client.
 */
export interface TableStoreSdk {
  /** Class of the clients. */
  readonly Client: abstract new (
    ...options: never[]
  ) => unknown;
  /** Makes 64-bit integers. */
  readonly Long: { fromString(decimal: string): Int64 };
  /** Bound of a range: before every value of a key column. */
  readonly INF_MIN: unknown;
  /** Bound of a range: after every value of a key column. */
  readonly INF_MAX: unknown;
  /** Value of a key column that the service chooses. */
  readonly PK_AUTO_INCR: unknown;
  /** Condition of a write: whether the row exists, and a condition on its columns. */
  readonly Condition: new (
    existence: number,
    column: unknown,
  ) => unknown;
  /** Condition on one column. */
  readonly SingleColumnCondition: new (
    name: string,
    value: unknown,
    comparator: unknown,
    passIfMissing: boolean,
  ) => unknown;
  /** Conditions joined by an operator. */
  readonly CompositeCondition: new (
    operator: unknown,
  ) => { addSubCondition(condition: unknown): void };
  /** Comparisons of a `SingleColumnCondition`. */
  readonly ComparatorType: Readonly<Record<'EQUAL' | 'NOT_EQUAL' | 'LESS_THAN', unknown>>;
  /** Operators of a `CompositeCondition`. */
  readonly LogicalOperator: Readonly<Record<'AND' | 'OR', unknown>>;
}

export interface SdkKeyColumn {
  readonly name: string;
  readonly value: unknown;
}

export interface SdkRow {
  readonly primaryKey?: readonly SdkKeyColumn[] | null;
  readonly attributes?:
    | readonly { readonly columnName: string; readonly columnValue: unknown; readonly timestamp: Int64 }[]
    | null;
}

/** A row of a batch. A failed row has an error code. */
export interface SdkBatchRow extends SdkRow {
  readonly isOk: boolean;
  readonly errorCode?: string | null;
  readonly errorMessage?: string | null;
}

export interface SdkRange {
  readonly rows: readonly SdkRow[];
  readonly nextStartPrimaryKey?: readonly SdkKeyColumn[] | null;
}

export interface SdkTable {
  readonly tableMeta: {
    readonly primaryKey: readonly { readonly name: string; readonly type: number; readonly option?: number }[];
  };
  readonly tableOptions: { readonly timeToLive: number };
}

/**
 * Resolves with `given`, or with the installed `tablestore` package.
 *
 * @throws `TIMELINE_MISSING_DRIVER` if the package is not installed, `TIMELINE_INVALID_ARGUMENT` if another copy made
 * the client.
 */
export async function loadSdk(client: TableStoreClient, given: TableStoreSdk | undefined): Promise<TableStoreSdk> {
  const sdk = given ?? (await importSdk());
  if (client instanceof sdk.Client) return sdk;
  const problem =
    'is not a Client of the tablestore package that was found; give the one it was made with as the option sdk';
  throw invalidArgument('client', problem);
}

async function importSdk(): Promise<TableStoreSdk> {
  try {
    // The package has no types: a specifier that is not a literal keeps the compiler from looking for them.
    const name: string = 'tablestore';
    return (await import(name)).default as TableStoreSdk;
  } catch (cause) {
    const message = 'the tablestore adapter needs the package tablestore: npm install tablestore';
    throw new TimelineError('TIMELINE_MISSING_DRIVER', message, { cause });
  }
}

/** Warns with `tablestore-client` about SDK defaults that make a process hang or repeat requests. */
export function checkClient(client: TableStoreClient, warn: (warning: AdapterWarning) => void): void {
  const { config } = client as {
    config?: { httpOptions?: { timeout?: unknown; agent?: unknown }; maxRetries?: unknown };
  };
  if (!config) return;
  const missing: string[] = [];
  if (!config.httpOptions?.timeout)
    missing.push('httpOptions.timeout (a server that is silent keeps a connection for ever)');
  if (!config.httpOptions?.agent)
    missing.push('httpOptions.agent (the agent of the whole process is used and changed)');
  if (config.maxRetries !== 0) missing.push('maxRetries: 0 (reads are repeated for a minute before they fail)');
  if (missing.length === 0) return;
  warn({ code: 'tablestore-client', message: `the TableStore client was made without ${missing.join(', ')}` });
}

export interface RequestLimits {
  /** Milliseconds of a call. */
  readonly timeoutMs: number;
  /** Requests under way at once. */
  readonly parallel: number;
}

/** A request without an answer is given up after this fraction of the budget, so that another attempt fits. */
const ATTEMPTS_PER_BUDGET = 3;

/**
 * Sends single requests through the user's client, at most `parallel` at once. Each has its own timeout, because the
 * SDK may wait for ever. After a timeout the agent's idle connections are closed too: they may be as dead as the one
 * that timed out.
 */
export class Transport {
  readonly #client: TableStoreClient;
  readonly #timeoutMs: number;
  readonly #waiting = new Set<() => void>();
  #free: number;

  constructor(client: TableStoreClient, { timeoutMs, parallel }: RequestLimits) {
    this.#client = client;
    this.#timeoutMs = timeoutMs;
    this.#free = parallel;
  }

  /** The budget of background work: `ms`, at most the adapter's `timeoutMs`, which is the default. */
  newCall(ms = this.#timeoutMs): Call {
    return { deadline: performance.now() + Math.min(ms, this.#timeoutMs) };
  }

  /** Makes one attempt. @throws StoreError */
  async send<Answer>(operation: keyof TableStoreClient, parameters: object, { deadline }: Call): Promise<Answer> {
    await this.#acquireSlot(deadline);
    try {
      const left = deadline - performance.now();
      if (left <= 0) throw notSent();
      return await this.#sendWithin(Math.min(left, this.#timeoutMs / ATTEMPTS_PER_BUDGET), operation, parameters);
    } catch (error) {
      throw requestError(error);
    } finally {
      const [next] = this.#waiting;
      if (next) next();
      else this.#free++;
    }
  }

  #acquireSlot(deadline: number): Promise<void> {
    if (this.#free > 0) {
      this.#free--;
      return Promise.resolve();
    }
    return new Promise((resolve, reject) => {
      const timer = setTimeout(
        () => {
          this.#waiting.delete(begin);
          reject(notSent());
        },
        Math.max(0, deadline - performance.now()),
      );
      const begin = () => {
        clearTimeout(timer);
        this.#waiting.delete(begin);
        resolve();
      };
      this.#waiting.add(begin);
    });
  }

  #sendWithin<Answer>(ms: number, operation: keyof TableStoreClient, parameters: object): Promise<Answer> {
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => {
        reject(new StoreError('ambiguous', `TableStore did not answer ${operation} within ${Math.round(ms)} ms`));
        abort();
        closeIdle(this.#client);
      }, ms);
      const abort = this.#start(operation, parameters, (error, answer) => {
        clearTimeout(timer);
        if (error) reject(error);
        else resolve(answer as Answer);
      });
    });
  }

  /**
   * Returns the function that aborts the request. The SDK returns its request only if it gets a callback; a wrapped
   * client may support promises only.
   */
  #start(operation: keyof TableStoreClient, parameters: object, done: SdkCallback): () => void {
    let request: SdkRequest | undefined;
    const take = (returned: unknown) => {
      if (isRequest(returned)) request = returned;
      else done(undefined, returned);
    };
    const fail = (error: unknown) => done(error ?? new Error('no reason given'), undefined);
    try {
      const returned = this.#client[operation](parameters, done);
      if (isRequest(returned)) take(returned);
      else Promise.resolve(returned).then(take, fail);
    } catch (error) {
      fail(error);
    }
    return () => request?.httpRequest.stream?.destroy?.();
  }
}

interface SdkRequest {
  readonly httpRequest: { readonly stream?: { destroy?(): void } };
}

interface Socket {
  destroy(): void;
}

function isRequest(value: unknown): value is SdkRequest {
  return typeof value === 'object' && value !== null && 'httpRequest' in value && 'response' in value;
}

function notSent(): StoreError {
  return new StoreError('transient', 'TableStore was not asked in time: earlier requests had no answer');
}

function closeIdle(client: TableStoreClient): void {
  const { config } = client as {
    config?: { httpOptions?: { agent?: { freeSockets?: Readonly<Record<string, Iterable<Socket>>> } } };
  };
  for (const sockets of Object.values(config?.httpOptions?.agent?.freeSockets ?? {})) {
    for (const socket of [...sockets]) socket.destroy();
  }
}
