import type { Call } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { backOff, keyConflict, pause } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import { toTimelineError } from '../service/errors.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import { type ColumnTest, columnOf, type KeyPart, type StoredRecord, type Table } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';

/** Pauses between two reads of a reservation without an entry. */
const PAUSES = { minMs: 20, maxMs: 500 };
const MAX_REMEMBERED = 1000;

/** An append with an idempotency key. */
export interface KeyedAppend {
  readonly state: TimelineState;
  readonly key: string;
  readonly hash: string;
  /** Token of the write. */
  readonly token: string;
}

/** `'own'`: put the entry. An id: that of the entry that has the key. */
type ReservationResult = 'own' | bigint | TimelineError;

interface Reservation {
  readonly token: string;
  readonly hash: string;
  readonly at: number;
  /** Undefined until it is recorded, some time after the entry was put. */
  readonly seqId: bigint | undefined;
}

/**
 * Law Idempotence for `auto` and `manual`: a row that the service numbers admits no condition, so an entry's key is
 * reserved first, by a row in the table of keys under the condition that there is none. A writer that finds a
 * reservation searches for its entry. Without one, the owner is still at work or has died: after a while of silence the
 * reservation is taken over.
 */
export class KeyReservations {
  readonly #context: Context;
  readonly #table: Table;
  readonly #takeOverAfterMs: number;
  /** Tokens of this handle's appends that are under way. */
  readonly #inFlight = new Set<string>();
  /** When the reservation of another handle was first seen without an entry, by its token. */
  readonly #firstSeenAt = new Map<string, number>();

  constructor(context: Context, table: Table) {
    this.#context = context;
    this.#table = table;
    // Reservation and put share a call, which ends within one budget; a request on its way may take as long again.
    this.#takeOverAfterMs = 2 * context.settings.timeoutMs;
    context.record.onReplaced(() => this.#firstSeenAt.clear());
  }

  /** Reserves keys together. Undefined for a key that has a reservation: see {@link resolve}. */
  async reserve<Append extends KeyedAppend>(
    appends: readonly Append[],
    call: Call,
  ): Promise<Map<Append, ReservationResult | undefined>> {
    for (const { token } of appends) this.#inFlight.add(token);
    const rows = appends.map((append) => this.#reservation(append));
    const results = await this.#context.requests.write(rows, call);
    return new Map(appends.map((append, i) => [append, toReservationResult(results[i])]));
  }

  /** Call when the work on these appends has ended, well or not. */
  release(appends: readonly KeyedAppend[]): void {
    for (const { token } of appends) this.#inFlight.delete(token);
  }

  /** Records the entry of a reservation, some time later: from then on nobody has to search for it. */
  recordSeqId(append: KeyedAppend, seqId: bigint): void {
    this.#context.deferred.add(this.seqIdUpdate(append, seqId));
  }

  /** The same as a row to write. Its condition fails if the reservation is another's. */
  seqIdUpdate(append: Omit<KeyedAppend, 'hash'>, seqId: bigint): RowWrite {
    const put = [{ name: 'seq', value: seqId }];
    return { table: this.#table, key: keyOf(append), type: 'UPDATE', put, condition: [hasToken(append.token)] };
  }

  #reservation(append: KeyedAppend, replaced?: Reservation): RowWrite {
    const { entryTable, clock } = this.#context;
    const put = [
      { name: 't', value: append.token },
      { name: 'h', value: append.hash },
    ];
    const version = entryTable.newCellVersion(clock.entryTime());
    const row = { table: this.#table, key: keyOf(append), type: 'PUT', put, version } as const;
    return replaced ? { ...row, condition: [hasToken(replaced.token)] } : { ...row, expect: 'missing' };
  }

  /** Waits until it is known whose key it is, or `TIMELINE_BUSY` by the deadline. */
  async resolve(append: KeyedAppend, call: Call): Promise<ReservationResult> {
    try {
      for (let attempt = 1; ; attempt++) {
        const result = await this.#read(append, call);
        if (result !== undefined) return result;
        const ms = backOff(attempt, PAUSES);
        if (performance.now() + ms >= call.deadline) return stillReserved(append);
        await pause(ms);
      }
    } catch (cause) {
      return toTimelineError(cause, 'write');
    }
  }

  async #read(append: KeyedAppend, call: Call): Promise<ReservationResult | undefined> {
    const { requests, record, entryTable } = this.#context;
    const { state, key, hash } = append;
    const [row] = await requests.get(this.#table, [keyOf(append)], call);
    if (!row) return (await this.reserve([append], call)).get(append);
    const found = toReservation(row);
    if (found.token === append.token) return 'own';
    if (found.at <= record.keyCutoff()) return this.#takeOver(append, found, call);
    const recoveryTag = this.#context.layout.recoveryTagOf(found.token, key);
    const seqId = found.seqId ?? (await entryTable.findByTag(state, recoveryTag, found.at, call));
    if (seqId === undefined) return this.#isAbandoned(found) ? this.#takeOver(append, found, call) : undefined;
    return found.hash === hash ? seqId : keyConflict(state.timeline, key, seqId);
  }

  #isAbandoned({ token }: Reservation): boolean {
    if (token.split('.')[1] === this.#context.handle) return !this.#inFlight.has(token);
    const firstSeenAt = this.#firstSeenAt.get(token) ?? performance.now();
    this.#firstSeenAt.set(token, firstSeenAt);
    if (this.#firstSeenAt.size > MAX_REMEMBERED) {
      this.#firstSeenAt.delete(this.#firstSeenAt.keys().next().value as string);
    }
    return performance.now() - firstSeenAt > this.#takeOverAfterMs;
  }

  async #takeOver(append: KeyedAppend, replaced: Reservation, call: Call): Promise<ReservationResult | undefined> {
    const [result] = await this.#context.requests.write([this.#reservation(append, replaced)], call);
    return toReservationResult(result);
  }
}

function keyOf({ state, key }: Pick<KeyedAppend, 'state' | 'key'>): readonly KeyPart[] {
  return [state.timeline, key];
}

function hasToken(token: string): ColumnTest {
  return { column: 't', is: 'EQUAL', value: token };
}

/** Undefined if the key has another's reservation or, after a lost answer, may have. */
function toReservationResult(result: RowResult | undefined): ReservationResult | undefined {
  if (result?.ok) return 'own';
  if (result?.error.failure === 'condition' || result?.error.failure === 'ambiguous') return undefined;
  return toTimelineError(result?.error, 'write');
}

function toReservation({ columns }: StoredRecord): Reservation {
  return {
    token: String(columnOf(columns, 't') ?? ''),
    hash: String(columnOf(columns, 'h') ?? ''),
    at: columns.find(({ name }) => name === 't')?.version ?? 0,
    seqId: columnOf(columns, 'seq') as bigint | undefined,
  };
}

function stillReserved({ state, key }: KeyedAppend): TimelineError {
  const message = `another append with the key ${JSON.stringify(key)} has begun and not ended`;
  return new TimelineError('TIMELINE_BUSY', message, { timeline: state.timeline, retryable: true });
}
