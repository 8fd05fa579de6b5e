import type { Call } from '../../../src/adapter.js';
import type { Context, Found } from '../context.js';
import type { Ends } from '../read/bounds.js';
import { MAX, MIN } from '../service/values.js';
import type { TimelineState } from '../timeline-state.js';

export interface KnownKey {
  readonly seqId: bigint;
  readonly hash: string;
  readonly at: number;
}

/**
 * What a `cas` writer knows of a Timeline: its tail, and the keys of all entries within the window up to that tail. A put behind the tail
 * succeeds only if nobody else wrote meanwhile, so that a check against the ledger is as good as one against the table.
 */
export class Ledger {
  last = 0n;
  /** Time of the last entry. */
  at = 0;
  /** In the order of the entries. Undefined until a key is asked for. */
  #keys: Map<string, KnownKey> | undefined;

  constructor(
    private readonly context: Context,
    private readonly ends: Ends,
    private readonly state: TimelineState,
  ) {}

  /** Keys held, as of the last call of {@link growth}. */
  size = 0;

  /** How many keys are held more than at the last call. */
  growth(): number {
    const before = this.size;
    this.size = this.#keys?.size ?? 0;
    return this.size - before;
  }

  /** Undefined for a key that is new or forgotten. */
  lookUp(key: string): KnownKey | undefined {
    const known = this.#keys?.get(key);
    return known && known.at > this.context.keysSince() ? known : undefined;
  }

  /** Looks at the tail, and where keys are needed at all entries of the window. */
  async load(withKeys: boolean, call: Call): Promise<void> {
    if (withKeys) await this.#loadKeys(call);
    if (this.last > 0n) return;
    const { seqId, found } = await this.ends.tail(this.state, call);
    // A row that came after the keys were looked for has a key that is to be known too.
    if (found && this.#keys) await this.catchUp(call);
    else this.#advance(seqId, found?.at ?? 0);
  }

  get hasKeys(): boolean {
    return this.#keys !== undefined;
  }

  async #loadKeys(call: Call): Promise<void> {
    const { requests, tables, layout, rowKey } = this.context;
    const start = this.context.keysSince();
    const newestFirst: Found[] = [];
    const [from, to] = [rowKey(this.state, MAX), rowKey(this.state, MIN)];
    const range = { table: tables.entries, from, to, backward: true, columns: layout.headColumns };
    for await (const rows of requests.pages(range, call)) {
      newestFirst.push(...rows.flatMap((row) => this.context.entriesOf(row).reverse()));
      const oldest = newestFirst.at(-1);
      if (!oldest || oldest.at <= start) break;
    }
    this.#keys = new Map();
    for (const found of newestFirst.reverse()) this.#add(found);
  }

  /** Takes in what others have appended; resolves with whether a row was found that the write with this token made. */
  async catchUp(call: Call, token?: string): Promise<boolean> {
    const { requests, tables, layout, rowKey } = this.context;
    let isOurs = false;
    const [from, to] = [rowKey(this.state, this.last + 1n), rowKey(this.state, MAX)];
    for await (const rows of requests.pages({ table: tables.entries, from, to, columns: layout.headColumns }, call)) {
      for (const row of rows) {
        isOurs ||= token !== undefined && this.context.decode(row).token === token;
        for (const found of this.context.entriesOf(row)) this.#add(found);
      }
    }
    return isOurs;
  }

  #add({ seqId, rowId, at, stored }: Found): void {
    this.appended(seqId, at, stored.key, stored.hash);
    this.state.placed(seqId, rowId, at);
  }

  appended(seqId: bigint, at: number, key: string | undefined, hash: string | undefined): void {
    this.#advance(seqId, at);
    this.state.saw(seqId, at);
    if (key === undefined || !this.#keys) return;
    // A key that was forgotten and came again stands where it came last.
    this.#keys.delete(key);
    this.#keys.set(key, { seqId, hash: hash ?? '', at });
    for (const [oldest, known] of this.#keys) {
      if (known.at > this.context.keysSince()) break;
      this.#keys.delete(oldest);
    }
  }

  #advance(seqId: bigint, at: number): void {
    if (seqId > this.last) this.last = seqId;
    if (at > this.at) this.at = at;
  }
}
