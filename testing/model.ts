import type { ModelCommand, RelativePosition } from './model-commands.js';

/** Result of a command as plain data, to compare a store with the model. */
export type Result =
  | { readonly error: string }
  | { readonly appended: readonly (Appended | { readonly error: string })[] }
  | { readonly rows: readonly ModelRow[]; readonly truncated: bigint | undefined }
  | { readonly count: number }
  | { readonly heads: readonly { readonly firstSeqId: bigint; readonly lastSeqId: bigint }[] }
  | { readonly updated: ModelRow }
  | { readonly position: bigint }
  | { readonly done: true };

export interface Appended {
  readonly seqId: bigint;
  readonly duplicate: boolean;
}

export interface ModelRow {
  readonly seqId: bigint;
  readonly at: number;
  readonly body: string | undefined;
  readonly revision: number;
}

export interface ModelRules {
  readonly dense: boolean;
  readonly ttlMs: number | undefined;
  readonly keyWindowMs: number | null;
}

/** SeqIds that the store assigned. */
export type AssignedSeqIds = readonly (bigint | undefined)[];

/**
 * Executable contract of one Timeline. Keeps all entries in plain arrays and computes every result from the laws. Takes
 * the SeqIds that the store assigned; they must exceed the last one (law Order), by one if the store is dense (law
 * Density).
 */
export class ModelTimeline {
  readonly #rules: ModelRules;
  #rows: ModelRow[] = [];
  #trimmedThrough = 0n;
  readonly #keys = new Map<string, { seqId: bigint; body: string; at: number }>();
  readonly #checkpoints = new Map<string, bigint>();

  constructor(rules: ModelRules) {
    this.#rules = rules;
  }

  get last(): bigint {
    return this.#rows.at(-1)?.seqId ?? 0n;
  }

  /** Returns the SeqId at a position: 0n, one that was appended, or the next one. */
  at(place: RelativePosition): bigint {
    const index = Math.floor(place * (this.#rows.length + 2));
    return index === 0 ? 0n : (this.#rows[index - 1]?.seqId ?? this.last + 1n);
  }

  append(
    entries: readonly { body: string; key?: string | undefined; manual?: bigint }[],
    expected: bigint | undefined,
    given: AssignedSeqIds,
    now: number,
  ): Result {
    const appended: Appended[] = [];
    const fresh: { row: ModelRow; key: string | undefined }[] = [];
    const planned = new Map<string, { seqId: bigint; body: string }>();
    let top = this.last;
    let misfit = false;
    for (const [index, { body, key, manual }] of entries.entries()) {
      const known = key === undefined ? undefined : (planned.get(key) ?? this.#remembered(key, now));
      if (known && known.body !== body) return { error: 'TIMELINE_KEY_CONFLICT' };
      if (known) {
        appended.push({ seqId: known.seqId, duplicate: true });
        continue;
      }
      const seqId = manual ?? this.#next(top, given[index]);
      misfit ||= seqId <= top;
      top = seqId;
      if (key !== undefined) planned.set(key, { seqId, body });
      fresh.push({ row: { seqId, at: Math.max(now, this.#rows.at(-1)?.at ?? 0), body, revision: 0 }, key });
      appended.push({ seqId, duplicate: false });
    }
    if (fresh.length > 0 && (misfit || (expected !== undefined && expected !== this.last)))
      return { error: 'TIMELINE_CONFLICT' };
    for (const { row, key } of fresh) {
      this.#rows.push(row);
      if (key !== undefined) this.#keys.set(key, { seqId: row.seqId, body: row.body!, at: now });
    }
    return { appended };
  }

  #next(top: bigint, given: bigint | undefined): bigint {
    return this.#rules.dense || given === undefined || given <= top ? top + 1n : given;
  }

  #remembered(key: string, now: number): { seqId: bigint; body: string } | undefined {
    const known = this.#keys.get(key);
    const { keyWindowMs } = this.#rules;
    return known && (keyWindowMs === null || now - known.at < keyWindowMs) ? known : undefined;
  }

  read(after: bigint | undefined, before: bigint | undefined, limit: number, reverse: boolean, now: number): Result {
    if (after !== undefined && after > this.last) return { error: 'TIMELINE_ROLLED_BACK' };
    const within = this.#kept(now).filter(
      ({ seqId }) => (after === undefined || seqId > after) && (before === undefined || seqId < before),
    );
    const rows = (reverse ? within.reverse() : within).slice(0, limit);
    const gone = this.#rows.filter((row) => this.#isRemoved(row, now) && after !== undefined && row.seqId > after);
    return { rows, truncated: gone.at(-1)?.seqId };
  }

  count(after: bigint | undefined, before: bigint | undefined, atMost: number | undefined, now: number): Result {
    const result = this.read(after, before, this.#rows.length, false, now);
    if (!('rows' in result)) return result;
    const { length } = result.rows.filter(({ body }) => body !== undefined);
    return { count: Math.min(length, atMost ?? length) };
  }

  head(now: number): { firstSeqId: bigint; lastSeqId: bigint } {
    return { firstSeqId: this.#kept(now)[0]?.seqId ?? this.last + 1n, lastSeqId: this.last };
  }

  update(seqId: bigint, body: string, ifRevision: number | undefined, now: number): Result {
    const row = this.#kept(now).find((each) => each.seqId === seqId);
    if (row?.body === undefined) return { error: 'TIMELINE_NOT_FOUND' };
    if (ifRevision !== undefined && ifRevision !== row.revision) return { error: 'TIMELINE_CONFLICT' };
    return { updated: this.#replace(row, body) };
  }

  delete(seqId: bigint, now: number): Result {
    const row = this.#kept(now).find((each) => each.seqId === seqId);
    if (row?.body !== undefined) this.#replace(row, undefined);
    return { done: true };
  }

  #replace(row: ModelRow, body: string | undefined): ModelRow {
    const replaced = { ...row, body, revision: row.revision + 1 };
    this.#rows = this.#rows.map((each) => (each === row ? replaced : each));
    return replaced;
  }

  trim(through: bigint): Result {
    const highest = this.#rows.findLast((row) => row.seqId <= through)?.seqId ?? 0n;
    if (highest > this.#trimmedThrough) this.#trimmedThrough = highest;
    return { done: true };
  }

  keepLast(count: number, now: number): Result {
    const kept = this.#kept(now);
    return this.trim(kept.at(-(count + 1))?.seqId ?? 0n);
  }

  advance(reader: string, to: bigint): Result {
    if (to > this.last) return { error: 'TIMELINE_ROLLED_BACK' };
    const stands = this.#checkpoints.get(reader) ?? 0n;
    this.#checkpoints.set(reader, to > stands ? to : stands);
    return { position: this.#checkpoints.get(reader)! };
  }

  reset(reader: string, to: bigint | undefined): Result {
    if (to !== undefined && to > this.last) return { error: 'TIMELINE_ROLLED_BACK' };
    this.#checkpoints.set(reader, to ?? 0n);
    return { position: to ?? 0n };
  }

  #kept(now: number): ModelRow[] {
    return this.#rows.filter((row) => !this.#isRemoved(row, now));
  }

  #isRemoved(row: ModelRow, now: number): boolean {
    const { ttlMs } = this.#rules;
    return row.seqId <= this.#trimmedThrough || (ttlMs !== undefined && row.at + ttlMs <= now);
  }
}

/** Returns the command's result by the contract, given the SeqIds that the store assigned. */
export function expectedResult(
  timelines: ReadonlyMap<string, ModelTimeline>,
  command: ModelCommand,
  actual: Result,
  now: number,
): Result {
  const given: AssignedSeqIds =
    'appended' in actual ? actual.appended.map((each) => ('seqId' in each ? each.seqId : undefined)) : [];
  const of = (id: string) => timelines.get(id)!;
  const place = (id: string, at: RelativePosition | undefined) => (at === undefined ? undefined : of(id).at(at));
  switch (command.do) {
    case 'append': {
      const { timeline, body, key, manual, expected } = command;
      const { last } = of(timeline);
      const entry = manual === undefined ? { body, key } : { body, key, manual: clamp(last + BigInt(manual), 1n) };
      return of(timeline).append(
        [entry],
        expected === undefined ? undefined : clamp(last + BigInt(expected), 0n),
        given,
        now,
      );
    }
    case 'appendMany': {
      const { timeline, bodies, keys, expected } = command;
      const entries = bodies.map((body, index) => ({ body, key: keys?.[index] }));
      return of(timeline).append(
        entries,
        expected === undefined ? undefined : clamp(of(timeline).last + BigInt(expected), 0n),
        given,
        now,
      );
    }
    case 'appendToMany': {
      const outcomes = command.timelines.map((id, index) => of(id).append([command], undefined, [given[index]], now));
      return {
        appended: outcomes.flatMap((each) => ('appended' in each ? each.appended : 'error' in each ? [each] : [])),
      };
    }
    case 'read': {
      const { timeline, after, before, limit, reverse } = command;
      return of(timeline).read(place(timeline, after), place(timeline, before), limit, reverse, now);
    }
    case 'count': {
      const { timeline, after, before, atMost } = command;
      return of(timeline).count(place(timeline, after), place(timeline, before), atMost, now);
    }
    case 'heads':
      return { heads: [...timelines.values()].map((timeline) => timeline.head(now)) };
    case 'update':
      return of(command.timeline).update(
        clamp(of(command.timeline).at(command.at), 1n),
        command.body,
        command.ifRevision,
        now,
      );
    case 'delete':
      return of(command.timeline).delete(clamp(of(command.timeline).at(command.at), 1n), now);
    case 'trim':
      return of(command.timeline).trim(of(command.timeline).at(command.through));
    case 'keepLast':
      return of(command.timeline).keepLast(command.count, now);
    case 'advance':
      return of(command.timeline).advance(command.reader, of(command.timeline).at(command.to));
    case 'reset':
      return of(command.timeline).reset(
        command.reader,
        command.to === undefined ? undefined : of(command.timeline).at(command.to),
      );
    case 'wait':
    case 'reopen':
      return { done: true };
  }
}

export const clamp = (seqId: bigint, least: bigint): bigint => (seqId < least ? least : seqId);
