import type { Call, Write, WriteEntry, WriteOutcome } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { groupByTimeline, keyConflict } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import { toTimelineError } from '../service/errors.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import type { AUTO } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';
import type { KeyedAppend, KeyReservations } from './key-reservations.js';

/** An append of one entry, which becomes one row. */
export interface RowAppend extends Omit<KeyedAppend, 'key'> {
  readonly key: string | undefined;
  readonly entry: WriteEntry;
  /** Finds the row after an unknown outcome; `''`: it cannot be found. */
  readonly recoveryTag: string;
  /** When the append began, in milliseconds since 1970. */
  readonly at: number;
}

type KeyedRowAppend = RowAppend & KeyedAppend;

/** The id of each row, or the error that kept it from being stored. */
export type PutResults = Map<RowAppend, bigint | TimelineError>;

/** Puts rows under ids of the service (`auto`) or of the caller (`manual`). */
export interface RowWriter {
  /** Never rejects. */
  put(appends: readonly RowAppend[], call: Call): Promise<PutResults>;
}

/**
 * Appends in `auto` and `manual`, one row for each entry. Reserves the keys, puts the rows whose keys are free in as
 * few requests as hold them, and answers the others with the entries that have their keys, or puts them once those are
 * given up.
 */
export class RowAppender {
  readonly #context: Context;
  readonly #reservations: KeyReservations | undefined;
  readonly #writer: RowWriter;

  constructor(context: Context, reservations: KeyReservations | undefined, writer: RowWriter) {
    this.#context = context;
    this.#reservations = reservations;
    this.#writer = writer;
  }

  async append(writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]> {
    const appends = writes.map((write) => this.#toAppend(write));
    const valid = appends.filter((append): append is RowAppend => !(append instanceof TimelineError));
    const { first, repeats } = separateRepeats(valid);
    const outcomes = await this.#appendAll(first, call);
    for (const [repeat, original] of repeats) {
      outcomes.set(repeat, outcomeOfRepeat(repeat, original, outcomes.get(original) as WriteOutcome));
    }
    return appends.map((append) =>
      append instanceof TimelineError ? { ok: false, error: append } : (outcomes.get(append) as WriteOutcome),
    );
  }

  #toAppend({ timeline, entries }: Write): RowAppend | TimelineError {
    const { layout, clock } = this.#context;
    try {
      const state = this.#context.state(timeline);
      const entry = entries[0] as WriteEntry;
      const { key, payload } = entry;
      const token = this.#context.newToken();
      const recoveryTag = layout.recoveryTagOf(token, key);
      return { state, entry, key, hash: payload.hash ?? '', token, recoveryTag, at: clock.entryTime() };
    } catch (cause) {
      return toTimelineError(cause, 'write');
    }
  }

  async #appendAll(appends: readonly RowAppend[], call: Call): Promise<Map<RowAppend, WriteOutcome>> {
    const outcomes = new Map<RowAppend, WriteOutcome>();
    const reservations = this.#reservations;
    if (!reservations) {
      await this.#put(appends, outcomes, call);
      return outcomes;
    }
    const keyed = appends.filter(isKeyed);
    const reserved = await reservations.reserve(keyed, call);
    const isFree = (append: RowAppend) => !isKeyed(append) || reserved.get(append) === 'own';
    await this.#put(appends.filter(isFree), outcomes, call);
    const late = new Set<RowAppend>();
    await Promise.all(
      keyed.map(async (append) => {
        const result = reserved.get(append) ?? (await reservations.resolve(append, call));
        if (result !== 'own') outcomes.set(append, this.#outcomeOf(result, true));
        else if (!outcomes.has(append)) late.add(append);
      }),
    );
    // In the order of the call, whichever was resolved first.
    const lateInOrder = appends.filter((append) => late.has(append));
    await this.#put(lateInOrder, outcomes, call);
    reservations.release(keyed);
    return outcomes;
  }

  async #put(appends: readonly RowAppend[], outcomes: Map<RowAppend, WriteOutcome>, call: Call): Promise<void> {
    if (appends.length === 0) return;
    for (const [append, result] of await this.#writer.put(appends, call)) {
      if (typeof result === 'bigint' && isKeyed(append)) this.#reservations?.recordSeqId(append, result);
      outcomes.set(append, this.#outcomeOf(result, false));
    }
  }

  #outcomeOf(result: bigint | TimelineError, duplicate: boolean): WriteOutcome {
    if (typeof result !== 'bigint') return { ok: false, error: result };
    return { ok: true, epoch: this.#context.record.epoch, entries: [{ seqId: result, duplicate }] };
  }
}

function isKeyed(append: RowAppend): append is KeyedRowAppend {
  return append.key !== undefined;
}

/** A key that occurs twice in one call counts as seen at its second place. */
function separateRepeats(appends: readonly RowAppend[]) {
  const originals = new Map<string, KeyedRowAppend>();
  const repeats: [repeat: KeyedRowAppend, original: KeyedRowAppend][] = [];
  const first = appends.filter((append) => {
    if (!isKeyed(append)) return true;
    const name = JSON.stringify([append.state.timeline, append.key]);
    const original = originals.get(name);
    if (original) repeats.push([append, original]);
    else originals.set(name, append);
    return !original;
  });
  return { first, repeats };
}

function outcomeOfRepeat(repeat: KeyedRowAppend, original: KeyedRowAppend, outcome: WriteOutcome): WriteOutcome {
  if (!outcome.ok) return outcome;
  const [appended] = outcome.entries;
  if (appended && repeat.hash === original.hash) return { ...outcome, entries: [{ ...appended, duplicate: true }] };
  return { ok: false, error: keyConflict(repeat.state.timeline, repeat.key, appended?.seqId ?? 0n) };
}

/** Encodes appends as rows, and writes them together with the rows that list their Timelines. */
export class RowSender {
  readonly #context: Context;

  constructor(context: Context) {
    this.#context = context;
  }

  /** Returns an error for an entry that the layout cannot write. `AUTO`: the service chooses the id. */
  encode({ entry, recoveryTag, state }: RowAppend, id: bigint | typeof AUTO): RowWrite | TimelineError {
    const { entryTable, clock } = this.#context;
    try {
      return entryTable.newRow(state, id, [entry], recoveryTag, clock.entryTime(state.bounds.lastAt));
    } catch (error) {
      return toTimelineError(error, 'write');
    }
  }

  /** Writes rows and, in the same requests, lists Timelines that are not known to be listed. Never rejects. */
  async write(appends: readonly RowAppend[], rows: readonly RowWrite[], call: Call): Promise<readonly RowResult[]> {
    const { layout, record, entryTable, requests, deferred, timelineRows } = this.#context;
    const registration = ({ timeline }: TimelineState) => timelineRows.registration(timeline);
    const states = [...new Set(appends.map(({ state }) => state))];
    const isListed = !layout.shared || record.ttlMs !== undefined;
    const unlisted = isListed ? states.filter(({ isRegistered }) => !isRegistered) : [];
    const registrations = unlisted.map(registration);
    const { results, isSameEpoch } = await entryTable.write([...rows, ...registrations], call);
    // The Timelines were listed in tables that are gone.
    if (!isSameEpoch) await requests.write(states.map(registration), call);
    unlisted.forEach((state, i) => {
      const result = results[rows.length + i] as RowResult;
      state.isRegistered = result.ok || result.error.failure === 'condition';
      if (!state.isRegistered) deferred.add(registrations[i] as RowWrite);
    });
    return results.slice(0, rows.length);
  }

  /** Remembers a stored row, and records its id in a library whose TTL may remove all entries. */
  stored({ state }: RowAppend, id: bigint): void {
    const { clock, record, deferred, timelineRows } = this.#context;
    state.sawLastEntry(id, clock.entryTime(state.bounds.lastAt));
    if (record.ttlMs !== undefined) deferred.add(timelineRows.lastSeqIdUpdate(state.timeline, id));
  }
}

/** Appends by Timeline, in the order of the first of each. */
export function byTimeline(appends: readonly RowAppend[]): RowAppend[][] {
  const groups = groupByTimeline(appends.map(({ state }) => state));
  return [...groups.values()].map((indexes) => indexes.map((index) => appends[index] as RowAppend));
}
