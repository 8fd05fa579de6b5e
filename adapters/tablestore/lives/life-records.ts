import { randomBytes } from 'node:crypto';
import type { Call, ListingRange } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { compareUtf8 } from '../../../src/toolkit/index.js';
import { toTimelineError } from '../service/errors.js';
import type { RangePage, RangeRequest, RowWrite } from '../service/requests.js';
import { columnOf, type KeyPart, MAX, type StoredRecord } from '../service/values.js';
import type { LibraryBase } from '../tables/open.js';

/** Of the row in the meta table. */
const NAME = 'l';
/** No encoded id holds it. */
const SEPARATOR = '~d';

/** Name under which the rows of one life of a Timeline are stored; `''` is the life before the first drop. */
export function storageName(timeline: string, life: string): string {
  return life === '' ? timeline : `${timeline}${SEPARATOR}${life}`;
}

export function parseStorageName(storage: string): { readonly timeline: string; readonly life: string } {
  const [timeline = '', life = ''] = storage.split(SEPARATOR);
  return { timeline, life };
}

/** True for the row of a life record, among those of the Timeline's first life. */
export function isLifeRecord({ key }: StoredRecord): boolean {
  return key[1] === NAME;
}

/** A Timeline that may have to be listed. */
interface Listed {
  readonly timeline: string;
  /** Undefined: it was never dropped. */
  readonly life: string | undefined;
}

/**
 * The record that a drop leaves: one row for each Timeline that was ever dropped, with its present life (`life`), and
 * the same in `in` before the first entry of that life is appended.
 */
export class LifeRecords {
  readonly #base: LibraryBase;
  /** Storage names of lives that are known to be marked. */
  readonly #marked = new Set<string>();

  constructor(base: LibraryBase) {
    this.#base = base;
    base.record.onReplaced(() => this.#marked.clear());
  }

  /** The present life of each Timeline. */
  async read(timelines: readonly string[], call: Call): Promise<ReadonlyMap<string, string>> {
    const { requests, tables, record } = this.#base;
    const names = [...new Set(timelines)];
    const rows = await record.runRead(call, () =>
      requests.get(
        tables.meta,
        names.map((timeline) => [timeline, NAME]),
        call,
      ),
    );
    return new Map(names.map((timeline, i) => [timeline, lifeOf(rows[i])]));
  }

  /** Begins another life, in one step. Resolves with false if `life` is not the present one. */
  begin(timeline: string, life: string, call: Call): Promise<boolean> {
    const next = randomBytes(6).toString('base64url');
    const row = { ...this.#row(timeline), type: 'PUT', put: [{ name: 'life', value: next }] } as const;
    if (life === '') return this.#base.requests.writeIf({ ...row, expect: 'missing' }, call);
    return this.#base.requests.writeIf({ ...row, condition: [{ column: 'life', is: 'EQUAL', value: life }] }, call);
  }

  /** Call before an append: from then on Timelines are listed that were dropped. */
  async mark(lives: ReadonlyMap<string, string>, call: Call): Promise<void> {
    const unmarked = [...lives].filter(([timeline, life]) => {
      return life !== '' && !this.#marked.has(storageName(timeline, life));
    });
    const rows = unmarked.map(
      ([timeline, life]): RowWrite => ({
        ...this.#row(timeline),
        type: 'UPDATE',
        put: [{ name: 'in', value: life }],
        condition: [{ column: 'life', is: 'EQUAL', value: life }],
      }),
    );
    try {
      await this.#base.requests.writeRepeatable(rows, call);
    } catch (cause) {
      const message = `the Timelines could not be listed: ${toTimelineError(cause, 'read').message}`;
      throw new TimelineError('TIMELINE_UNAVAILABLE', message, { retryable: true, cause });
    }
    for (const [timeline, life] of unmarked) this.#marked.add(storageName(timeline, life));
  }

  #row(timeline: string): { readonly table: RowWrite['table']; readonly key: readonly KeyPart[] } {
    return { table: this.#base.tables.meta, key: [timeline, NAME] };
  }

  /** Timelines in the order of their encoded ids; the last lives among them may have no entry yet. */
  async list({ prefix, after, limit }: ListingRange, call: Call): Promise<Listed[]> {
    const { requests, tables, record } = this.#base;
    const found: Listed[] = [];
    let candidate: (Listed & { readonly isListed: boolean }) | undefined;
    const take = () => {
      if (candidate?.isListed) found.push({ timeline: candidate.timeline, life: candidate.life });
      candidate = undefined;
    };
    // The library's record has the empty id.
    let from: readonly KeyPart[] | undefined = [prefix === '' ? '\u0000' : prefix, ''];
    if (after !== undefined && compareUtf8(after, prefix) >= 0) from = [after, MAX];
    const columns = ['since', 'life', 'in'];
    while (from && found.length < limit) {
      const range: RangeRequest = { table: tables.meta, from, to: [MAX, MAX], columns };
      const page: RangePage = await record.runRead(call, () => requests.range(range, call));
      for (const row of page.rows) {
        const [timeline] = row.key as [string];
        if (timeline.includes(SEPARATOR)) continue;
        if (timeline !== candidate?.timeline) take();
        if (!timeline.startsWith(prefix)) return found;
        if (found.length >= limit) return found;
        if (!isLifeRecord(row)) candidate = { timeline, life: undefined, isListed: true };
        else candidate = { timeline, life: lifeOf(row), isListed: columnOf(row.columns, 'in') === lifeOf(row) };
      }
      from = page.next;
    }
    take();
    return found.slice(0, limit);
  }
}

function lifeOf(row: StoredRecord | undefined): string {
  return String((row && columnOf(row.columns, 'life')) ?? '');
}
