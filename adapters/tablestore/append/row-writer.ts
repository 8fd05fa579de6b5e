import type { Call, WriteEntry, WriteOutcome } from '../../../src/adapter.js';
import type { TimelineError } from '../../../src/errors.js';
import type { Context } from '../context.js';
import { toTimelineError } from '../service/errors.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import { AUTO, type KeyPart } from '../service/values.js';
import type { Directory } from '../tables/timeline-rows.js';
import type { TimelineState } from '../timeline-state.js';
import { writeEntries } from './entry-writes.js';

/** One entry on its way to become one row. */
export interface Item {
  readonly state: TimelineState;
  readonly entry: WriteEntry;
  readonly token: string;
  /** By which its row is found: the token, unless the layout has another; `''`: by nothing. */
  readonly mark: string;
  /** When its append began. */
  readonly at: number;
  settle(outcome: WriteOutcome): void;
}

/** The id that an item got, or why it got none. */
export type PutResult = bigint | TimelineError;

/** Puts items as rows, all that it is given in one go. */
export interface Putter {
  /** In order. Never rejects. */
  put(items: readonly Item[], call: Call): Promise<PutResult[]>;
}

/** Items by their Timelines, in the order in which these come first. */
export function byTimeline(items: readonly Item[]): Item[][] {
  const groups = new Map<TimelineState, Item[]>();
  for (const item of items) {
    const group = groups.get(item.state);
    if (group) group.push(item);
    else groups.set(item.state, [item]);
  }
  return [...groups.values()];
}

/** What both ways of putting rows have in common. */
export class RowWriter {
  constructor(
    private readonly context: Context,
    private readonly directory: Directory,
  ) {}

  /** An error for what the layout has no place for. */
  encode({ entry, mark, state }: Item, id: KeyPart): RowWrite | TimelineError {
    try {
      const { payload, key } = entry;
      const put = this.context.layout.encode({
        entries: [{ body: payload.body, key, hash: payload.hash }],
        token: mark,
      });
      const version = this.context.versionOf(this.context.clock.entryTime(state.lastAt));
      const row = { table: this.context.tables.entries, key: this.context.rowKey(state, id), put, version } as const;
      return id === AUTO ? { ...row, type: 'PUT', returnKey: true } : { ...row, type: 'PUT', expect: 'missing' };
    } catch (error) {
      return toTimelineError(error, 'write');
    }
  }

  /** In the same requests, lists the Timelines that are not known to be listed. */
  async write(items: readonly Item[], rows: readonly RowWrite[], call: Call): Promise<RowResult[]> {
    const unlisted =
      this.context.layout.timelines || this.context.ttlMs !== undefined
        ? statesOf(items).filter(({ listed }) => !listed)
        : [];
    const listings = unlisted.map((state) => this.directory.listing(state));
    const { results, sound } = await writeEntries(this.context, [...rows, ...listings], call);
    // What was listed was so in an earlier life.
    if (!sound)
      await this.context.requests.write(
        statesOf(items).map((state) => this.directory.listing(state)),
        call,
      );
    unlisted.forEach((state, i) => {
      const result = results[rows.length + i] as RowResult;
      state.listed = result.ok || result.error.failure === 'condition';
      if (!state.listed) this.context.later.add(listings[i] as RowWrite);
    });
    return results.slice(0, rows.length);
  }

  /** Remembers an entry that was put, and in a library with a TTL keeps its id for the time when all are gone. */
  saw({ state }: Item, id: bigint): void {
    state.saw(id, this.context.clock.entryTime(state.lastAt));
    if (this.context.ttlMs !== undefined) this.context.later.add(this.directory.tail(state.timeline, id));
  }
}

function statesOf(items: readonly Item[]): TimelineState[] {
  return [...new Set(items.map(({ state }) => state))];
}
