import type { Call, Write, WriteEntry, WriteOutcome } from '../../../src/adapter.js';
import type { Context } from '../context.js';
import { toTimelineError } from '../service/errors.js';
import { type Claimant, type Claimed, type Claims, conflict } from './key-reservations.js';
import type { Item, Putter } from './row-writer.js';

/** An item that has a key. */
type KeyedItem = Item & Claimant;

/**
 * Appends of one row each: under ids of the service (`auto`), or of the caller (`manual`). First the keys are claimed, then what is free
 * is put, all of it in as few requests as hold it; what others have claimed is answered with their entries, or put once they are gone.
 */
export class RowAppender {
  constructor(
    private readonly context: Context,
    private readonly claims: Claims | undefined,
    private readonly putter: Putter,
  ) {}

  async append(writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]> {
    const outcomes = new Array<WriteOutcome>(writes.length);
    const items = writes.flatMap((write, place) => {
      try {
        return [
          this.#item(write, (outcome) => {
            outcomes[place] = outcome;
          }),
        ];
      } catch (cause) {
        outcomes[place] = { ok: false, error: toTimelineError(cause, 'write') };
        return [];
      }
    });
    const { first, again } = withoutRepeats(items);
    const settled = new Map<Item, WriteOutcome>();
    await this.#appendAll(first, settled, call);
    for (const { item, original } of again) item.settle(repeated(item, original, settled.get(original)));
    return outcomes;
  }

  #item({ timeline, entries }: Write, settle: (outcome: WriteOutcome) => void): Item {
    const state = this.context.state(timeline);
    const entry = entries[0] as WriteEntry;
    const token = this.context.token();
    const at = this.context.clock.entryTime();
    const item: Item = { state, entry, token, mark: this.context.markOf(token, entry.key), at, settle };
    return entry.key === undefined ? item : Object.assign(item, { key: entry.key, hash: entry.payload.hash ?? '' });
  }

  async #appendAll(items: readonly Item[], settled: Map<Item, WriteOutcome>, call: Call): Promise<void> {
    const settle = (item: Item, outcome: WriteOutcome) => {
      settled.set(item, outcome);
      item.settle(outcome);
    };
    const keyed = this.claims ? items.filter(isKeyed) : [];
    const claimed = new Map<Item, Claimed | undefined>();
    const claims = this.claims ? await this.claims.claim(keyed, call) : [];
    keyed.forEach((item, i) => {
      claimed.set(item, claims[i]);
    });
    const free = items.filter((item) => !claimed.has(item) || isWon(claimed.get(item)));
    await this.#put(free, settle, call);
    const late: Item[] = [];
    await Promise.all(
      keyed.map(async (item) => {
        const claim = claimed.get(item) ?? (await this.claims?.resolve(item, call));
        if (claim && 'error' in claim) settle(item, { ok: false, error: claim.error });
        else if (claim && !claim.won) settle(item, this.#applied(claim.seqId, true));
        else if (!settled.has(item)) late.push(item);
      }),
    );
    // In the order of the call, whichever was resolved first.
    await this.#put(
      items.filter((item) => late.includes(item)),
      settle,
      call,
    );
    this.claims?.release(keyed);
  }

  async #put(items: readonly Item[], settle: (item: Item, outcome: WriteOutcome) => void, call: Call): Promise<void> {
    if (items.length === 0) return;
    const results = await this.putter.put(items, call);
    results.forEach((result, i) => {
      const item = items[i] as Item;
      if (typeof result === 'bigint') {
        if (isKeyed(item)) this.claims?.learn(item, result);
        settle(item, this.#applied(result, false));
      } else settle(item, { ok: false, error: result });
    });
  }

  #applied(seqId: bigint, duplicate: boolean): WriteOutcome {
    return { ok: true, epoch: this.context.epoch, entries: [{ seqId, duplicate }] };
  }
}

function isKeyed(item: Item): item is KeyedItem {
  return item.entry.key !== undefined;
}

function isWon(claimed: Claimed | undefined): boolean {
  return claimed !== undefined && 'won' in claimed && claimed.won;
}

/** A key twice in one call counts as seen at its second place. */
function withoutRepeats(items: readonly Item[]): { first: Item[]; again: { item: KeyedItem; original: KeyedItem }[] } {
  const originals = new Map<string, KeyedItem>();
  const again: { item: KeyedItem; original: KeyedItem }[] = [];
  const first = items.filter((item) => {
    if (!isKeyed(item)) return true;
    const name = JSON.stringify([item.state.timeline, item.key]);
    const original = originals.get(name);
    if (original) again.push({ item, original });
    else originals.set(name, item);
    return !original;
  });
  return { first, again };
}

function repeated(item: KeyedItem, original: KeyedItem, outcome: WriteOutcome | undefined): WriteOutcome {
  if (!outcome?.ok) return outcome as WriteOutcome;
  const [appended] = outcome.entries;
  if (appended && item.hash === original.hash) return { ...outcome, entries: [{ ...appended, duplicate: true }] };
  return { ok: false, error: conflict(item, appended?.seqId ?? 0n) };
}
