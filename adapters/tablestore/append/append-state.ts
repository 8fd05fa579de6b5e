import type { Call } from '../../../src/adapter.js';
import type { KnownKey } from '../../../src/toolkit/index.js';
import type { Context } from '../context.js';
import type { FoundEntry } from '../tables/entry-table.js';
import type { TimelineState } from '../timeline-state.js';

interface TimedKey extends KnownKey {
  readonly at: number;
}

/**
 * A `cas` writer's knowledge of a Timeline: all entries up to `last` and, once a key is needed, those with keys within
 * the key window. A put behind `last` succeeds only if nobody else has written meanwhile, so a check against this state
 * is as good as one against the table.
 *
 * `TimelineBounds.last` cannot replace `last`: a reader may raise it past a row whose key is not known here, or past
 * this writer's own row whose answer was lost.
 */
export class AppendState {
  readonly #context: Context;
  readonly #state: TimelineState;
  last = 0n;
  /** The latest time of an entry up to `last`. */
  lastAt = 0;
  /** In the order of the entries. Undefined until a key is needed. */
  #keys: Map<string, TimedKey> | undefined;
  /** Keys held at the last call of {@link keyGrowth}. */
  countedKeys = 0;

  constructor(context: Context, state: TimelineState) {
    this.#context = context;
    this.#state = state;
  }

  get hasKeys(): boolean {
    return this.#keys !== undefined;
  }

  /** Keys held now, less those at the last call. */
  keyGrowth(): number {
    const before = this.countedKeys;
    this.countedKeys = this.#keys?.size ?? 0;
    return this.countedKeys - before;
  }

  /** Undefined for a key that is new or older than the key window. */
  lookUpKey(key: string): KnownKey | undefined {
    const known = this.#keys?.get(key);
    return known && known.at > this.#context.record.keyCutoff() ? known : undefined;
  }

  /** Reads the last entry, and all entries of the key window if keys are needed. */
  async load(needsKeys: boolean, call: Call): Promise<void> {
    if (needsKeys) await this.#loadKeys(call);
    if (this.last > 0n) return;
    const { seqId, newest } = await this.#context.bounds.readLast(this.#state, call);
    // A row that was added behind the ones read for their keys may have keys too.
    if (newest && this.#keys) await this.catchUp(call);
    else this.#raiseLast(seqId, newest?.at ?? 0);
  }

  async #loadKeys(call: Call): Promise<void> {
    const { entryTable, record } = this.#context;
    const cutoff = record.keyCutoff();
    const newestFirst: FoundEntry[] = [];
    for await (const rows of entryTable.pages(this.#state, { isBackward: true, columns: 'heads' }, call)) {
      newestFirst.push(...rows.flatMap((row) => entryTable.entriesOf(row).reverse()));
      const oldest = newestFirst.at(-1);
      if (!oldest || oldest.at <= cutoff) break;
    }
    this.#keys = new Map();
    for (const found of newestFirst.reverse()) this.#addFound(found);
  }

  /** Takes in entries behind `last`. Resolves with true if the row with this recovery tag is among them. */
  async catchUp(call: Call, recoveryTag?: string): Promise<boolean> {
    const { entryTable } = this.#context;
    let hasTag = false;
    for await (const rows of entryTable.pages(this.#state, { from: this.last + 1n, columns: 'heads' }, call)) {
      for (const found of rows.flatMap((row) => entryTable.entriesOf(row))) {
        hasTag ||= recoveryTag !== undefined && found.recoveryTag === recoveryTag;
        this.#addFound(found);
      }
    }
    return hasTag;
  }

  #addFound(found: FoundEntry): void {
    this.add(found.seqId, found.at, found.stored.key, found.stored.hash);
    this.#state.rememberPosition(found);
  }

  add(seqId: bigint, at: number, key: string | undefined, hash: string | undefined): void {
    this.#raiseLast(seqId, at);
    this.#state.sawLastEntry(seqId, at);
    if (key === undefined || !this.#keys) return;
    // A forgotten key that is used again moves to the end.
    this.#keys.delete(key);
    this.#keys.set(key, { seqId, hash: hash ?? '', at });
    for (const [oldest, known] of this.#keys) {
      if (known.at > this.#context.record.keyCutoff()) break;
      this.#keys.delete(oldest);
    }
  }

  #raiseLast(seqId: bigint, at: number): void {
    if (seqId > this.last) this.last = seqId;
    this.lastAt = Math.max(this.lastAt, at);
  }
}
