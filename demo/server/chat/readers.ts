/** Readers of the channel: each has a position of its own in the conversation, and follows it at its own pace. */
import { type Cursor, seqIdOf } from 'timeline-model';
import type { ReaderPositions } from '../../shared/inspection.js';
import { CHANNEL } from '../../shared/people.js';
import type { Libraries } from './libraries.js';

const BATCH = 250;
const TICK_MS = 100;

export class ChannelReaders {
  readonly #libraries: Libraries;
  readonly #names: readonly string[];
  readonly #positions: bigint[];
  /** For each reader the time at which it looks next; Infinity once it is at the tail. */
  readonly #due: number[];
  #tail: { cursor: Cursor; seqId: bigint } | undefined;
  readonly #ended = new AbortController();

  constructor(libraries: Libraries, names: readonly string[]) {
    this.#libraries = libraries;
    this.#names = names;
    this.#positions = names.map(() => 0n);
    this.#due = names.map(() => Number.POSITIVE_INFINITY);
  }

  /** Reads the positions, sets those that never were at the tail, then follows the channel until {@link stop}. */
  async start(): Promise<void> {
    const { store } = this.#libraries;
    const timeline = store.timeline(CHANNEL);
    const known = await this.#read();
    const latest = await timeline.latest();
    if (latest !== undefined) this.#tail = { cursor: latest.cursor, seqId: latest.seqId };
    const fresh = known.flatMap((cursor, i) => (cursor === undefined ? [i] : []));
    for (let start = 0; start < fresh.length; start += BATCH) await this.#advance(fresh.slice(start, start + BATCH));
    this.#wakeBehind();
    const follow = { after: this.#tail?.cursor ?? 0n, signal: this.#ended.signal };
    void this.#follow(timeline.subscribe(follow)).catch(() => {});
    const timer = setInterval(() => void this.#tick().catch(() => {}), TICK_MS);
    this.#ended.signal.addEventListener('abort', () => clearInterval(timer));
  }

  stop(): void {
    this.#ended.abort();
  }

  standing(): ReaderPositions {
    const counts = new Map<bigint, number>();
    for (const position of this.#positions) counts.set(position, (counts.get(position) ?? 0) + 1);
    const standing = [...counts].sort(([a], [b]) => (a < b ? 1 : -1));
    return {
      total: this.#names.length,
      last: String(this.#tail?.seqId ?? 0n),
      standing: standing.map(([seqId, readers]) => [String(seqId), readers] as const),
    };
  }

  async #read(): Promise<(Cursor | undefined)[]> {
    const cursors: (Cursor | undefined)[] = [];
    for (let start = 0; start < this.#names.length; start += BATCH) {
      const part = this.#names.slice(start, start + BATCH);
      cursors.push(...(await this.#libraries.store.checkpoints(part.map((name) => this.#checkpoint(name)))));
    }
    cursors.forEach((cursor, i) => {
      if (cursor !== undefined) this.#positions[i] = seqIdOf(cursor);
    });
    return cursors;
  }

  async #follow(entries: AsyncIterable<{ cursor: Cursor; seqId: bigint }>): Promise<void> {
    for await (const { cursor, seqId } of entries) {
      this.#tail = { cursor, seqId };
      this.#wakeBehind();
    }
  }

  #wakeBehind(): void {
    const now = Date.now();
    const tail = this.#tail?.seqId ?? 0n;
    this.#due.forEach((due, i) => {
      if (due === Number.POSITIVE_INFINITY && this.#positions[i]! < tail) this.#due[i] = now + pace();
    });
  }

  async #tick(): Promise<void> {
    const now = Date.now();
    const due: number[] = [];
    for (let i = 0; i < this.#due.length && due.length < BATCH; i++) if (this.#due[i]! <= now) due.push(i);
    if (due.length > 0) await this.#advance(due);
  }

  async #advance(indexes: readonly number[]): Promise<void> {
    const tail = this.#tail;
    if (tail === undefined) return;
    for (const i of indexes) this.#due[i] = Number.POSITIVE_INFINITY;
    const items = indexes.map((i) => ({ ...this.#checkpoint(this.#names[i]!), to: tail.cursor }));
    await this.#libraries.store.advanceCheckpoints(items);
    for (const i of indexes) this.#positions[i] = tail.seqId;
    this.#wakeBehind();
  }

  #checkpoint(name: string) {
    return { timeline: CHANNEL, reader: `read:${name}` };
  }
}

/** Milliseconds until a reader looks: most within seconds, a few after half a minute. */
function pace(): number {
  const luck = Math.random();
  if (luck < 0.85) return 200 + Math.random() * 2300;
  if (luck < 0.97) return 2500 + Math.random() * 8000;
  return 10_000 + Math.random() * 25_000;
}
