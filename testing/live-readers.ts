import assert from 'node:assert/strict';
import type { AdapterLibrary, Hint } from '../src/adapter.js';
import type { SubscribeOptions, Timeline, TimelineEntry, TimelineStore } from '../src/types.js';
import { fill, messages, seqIds, take, until, within } from './assertions.js';
import type { Fixture } from './fixture.js';
import type { DefineTest } from './law-group.js';
import { Random } from './random.js';

const NO_POLL = 60_000;
const DEADLINE = () => ({ deadline: performance.now() + 10_000 });

/** A subscription that has caught up, and all that it has got since. */
class LiveReader {
  readonly entries: TimelineEntry<string>[] = [];
  isCaughtUp = false;
  readonly ended: Promise<void>;
  readonly #abort = new AbortController();

  constructor(timeline: Timeline<string>, options: SubscribeOptions = {}) {
    const onCaughtUp = () => {
      this.isCaughtUp = true;
    };
    this.ended = this.#read(timeline.subscribe({ ...options, onCaughtUp, signal: this.#abort.signal }));
    this.ended.catch(() => undefined);
  }

  async #read(stream: AsyncIterable<TimelineEntry<string>>): Promise<void> {
    for await (const entry of stream) this.entries.push(entry);
  }

  stop(): void {
    this.#abort.abort();
  }
}

async function liveReaders(timeline: Timeline<string>, count: number, options?: SubscribeOptions) {
  const readers = Array.from({ length: count }, () => new LiveReader(timeline, options));
  await until('all readers have caught up', () => readers.every(({ isCaughtUp }) => isCaughtUp));
  return readers;
}

const untilAllHave = (readers: readonly LiveReader[], count: number) =>
  until(`every reader has ${count} entries`, () => readers.every(({ entries }) => entries.length >= count));

async function assertSameAsStored(readers: readonly LiveReader[], fixture: Fixture): Promise<void> {
  const stored = await take(fixture.timeline().scan());
  for (const { entries } of readers) assert.deepEqual(seqIds(entries), seqIds(stored));
  for (const reader of readers) reader.stop();
}

type Wake = (hint?: Hint) => void;

/** A store whose hints the test gives itself. */
async function openWithOwnHints(fixture: Fixture) {
  const wakes: Wake[] = [];
  let library: AdapterLibrary | undefined;
  const store = await fixture.openDecorated(
    (inner) => {
      library = inner;
      return {
        watch: (_, wake) => {
          wakes.push(wake);
          return () => undefined;
        },
      };
    },
    { pollMs: NO_POLL },
  );
  return {
    store,
    wake: (hint?: Hint) => {
      for (const wake of wakes) wake(hint);
    },
    /** The hint of one entry of the default Timeline. */
    hintOf: async (seqId: bigint): Promise<Hint> => {
      const range = { timeline: 'timeline', after: seqId - 1n, limit: 1, reverse: false };
      const [slice] = await (library as AdapterLibrary).read([range], DEADLINE());
      return { epoch: slice!.epoch, rows: slice!.rows };
    },
  };
}

async function watches(fixture: Fixture): Promise<boolean> {
  let found = false;
  await fixture.openDecorated((library) => {
    found = library.watch !== undefined;
    return {};
  });
  return found;
}

/** Tests of the law Subscription: readers that have caught up share what comes next. */
export function testLiveReaders(test: DefineTest): void {
  test('any number of waiting readers causes as many reads as one', async (fixture) => {
    // An adapter without `watch` is read at each poll.
    const pollMs = (await watches(fixture)) ? NO_POLL : 100;
    const { store, calls } = await fixture.openCounted({ pollMs });
    const readers = await liveReaders(store.timeline('timeline'), 100);
    const readsSoFar = () => (calls.get('read') ?? 0) + (calls.get('heads') ?? 0);
    const [before, start] = [readsSoFar(), performance.now()];
    const appends = 10;
    for (let i = 1; i <= appends; i++) {
      await (i % 2 === 0 ? store.timeline('timeline') : fixture.timeline()).append(`m${i}`);
      await untilAllHave(readers, i);
    }
    const reads = readsSoFar() - before;
    const polls = (performance.now() - start) / (pollMs / 2);
    assert.ok(reads <= 3 * appends + polls, `${reads} reads for ${appends} appends to 100 readers`);
    await assertSameAsStored(readers, fixture);
  });

  test('an entry that comes with its hint is the one that a read returns', async (fixture) => {
    const keyed = fixture.capabilities.keyWindowMs !== 0;
    const [reader] = await liveReaders(fixture.timeline(), 1);
    await fixture.timeline().append('plain');
    await fixture.timeline().append('with a key', keyed ? { key: 'k-1' } : {});
    if (fixture.capabilities.atomicBatch > 1) await fixture.timeline().appendMany(['several', 'at once']);
    await fixture.store.appendToMany(['timeline', 'other'], 'shared');
    const stored = await take(fixture.timeline().scan());
    await untilAllHave([reader!], stored.length);
    assert.deepEqual(JSON.parse(JSON.stringify(reader!.entries)), JSON.parse(JSON.stringify(stored)));
    reader!.stop();
  });

  test('readers that have caught up share a frozen entry', async (fixture) => {
    const readers = await liveReaders(fixture.timeline(), 2);
    await fixture.timeline().append('m');
    await untilAllHave(readers, 1);
    const [one, other] = readers.map(({ entries }) => entries[0]);
    assert.equal(one, other);
    assert.ok(Object.isFrozen(one));
    for (const reader of readers) reader.stop();
  });

  test('a reader that stops for a while holds up nobody and loses nothing', async (fixture) => {
    const slow = fixture.timeline().subscribe()[Symbol.asyncIterator]();
    const first = slow.next();
    const readers = await liveReaders(fixture.timeline(), 3);
    await fixture.timeline().append('first');
    const seen = [(await within('the first entry', first)).value as TimelineEntry<string>];
    await fill(fixture.timeline(), 300);
    await untilAllHave(readers, 301);
    while (seen.length < 301) seen.push((await within('the next entry', slow.next())).value);
    assert.deepEqual(seqIds(seen), seqIds(readers[0]!.entries));
    const last = slow.next();
    await fixture.timeline().append('last');
    assert.equal((await within('the last entry', last)).value.message, 'last');
    await slow.return?.();
    await untilAllHave(readers, 302);
    await assertSameAsStored(readers, fixture);
  });

  test('hints that are lost, repeated, late or without entries lose and repeat nothing', async (fixture) => {
    const random = new Random(7);
    const store = await fixture.openDecorated(
      (library) => ({
        watch: library.watch && ((timeline, wake) => library.watch!(timeline, (hint) => disturb(wake, hint, random))),
      }),
      { pollMs: 20 },
    );
    const readers = await liveReaders(store.timeline('timeline'), 20, { pageSize: 3 });
    for (let round = 0; round < 20; round++) {
      const writer: TimelineStore<string> = random.chance(0.5) ? store : fixture.store;
      await fill(writer.timeline('timeline'), 1 + random.below(8), `${round}:`);
      if (random.chance(0.5)) readers.push(new LiveReader(store.timeline('timeline')));
    }
    await untilAllHave(readers, (await take(fixture.timeline().scan())).length);
    await assertSameAsStored(readers, fixture);
  });

  test('the hint of a later entry may come first', async (fixture) => {
    const { store, wake, hintOf } = await openWithOwnHints(fixture);
    const readers = await liveReaders(store.timeline('timeline'), 3);
    const appended = await fill(fixture.timeline(), 3);
    const hints = await Promise.all(appended.map(({ seqId }) => hintOf(seqId)));
    for (const i of [1, 0, 2, 1]) wake(hints[i]);
    await untilAllHave(readers, 3);
    await assertSameAsStored(readers, fixture);
  });

  test('a hint of another epoch, or of an entry long ago, is only a hint', async (fixture) => {
    const { store, wake, hintOf } = await openWithOwnHints(fixture);
    await fixture.timeline().append('first');
    const readers = await liveReaders(store.timeline('timeline'), 2);
    const { seqId } = await fixture.timeline().append('stored');
    const { epoch, rows } = await hintOf(seqId);
    const forged = rows.map((row) => ({ ...row, body: '"forged"' }));
    wake({ epoch: 'another', rows: forged });
    await untilAllHave(readers, 2);
    const { seqId: next } = await fixture.timeline().append('stored too');
    wake({ epoch, rows: forged.map((row) => ({ ...row, seqId: next, appendedAt: row.appendedAt - 60_000 })) });
    await untilAllHave(readers, 3);
    assert.deepEqual(messages(readers[0]!.entries), ['first', 'stored', 'stored too']);
    await assertSameAsStored(readers, fixture);
  });

  test('a reader that comes back gets an entry as it was updated meanwhile', ['update'], async (fixture) => {
    const stream = fixture.timeline().subscribe()[Symbol.asyncIterator]();
    const first = stream.next();
    await fixture.timeline().append('first');
    await within('the first entry', first);
    const { seqId } = await fixture.timeline().append('old');
    await fixture.timeline().update(seqId, 'new');
    assert.equal((await within('the updated entry', stream.next())).value.message, 'new');
    await stream.return?.();
  });

  test('a reader that comes back gets the tombstone of an entry deleted meanwhile', ['delete'], async (fixture) => {
    const stream = fixture.timeline().subscribe()[Symbol.asyncIterator]();
    const first = stream.next();
    await fixture.timeline().append('first');
    await within('the first entry', first);
    const { seqId } = await fixture.timeline().append('deleted');
    await fixture.timeline().delete(seqId);
    const { value } = await within('the tombstone', stream.next());
    assert.deepEqual([value.deleted, value.message], [true, undefined]);
    await stream.return?.();
  });

  test('one of many that wait can be ended alone', async (fixture) => {
    const readers = await liveReaders(fixture.timeline(), 3);
    readers[1]!.stop();
    await assert.rejects(within('its end', readers[1]!.ended, 1000), { code: 'TIMELINE_ABORTED' });
    await fixture.timeline().append('m');
    await untilAllHave([readers[0]!, readers[2]!], 1);
    assert.equal(readers[1]!.entries.length, 0);
    for (const reader of readers) reader.stop();
  });
}

function disturb(wake: Wake, hint: Hint | undefined, random: Random): void {
  const later = () => setTimeout(() => wake(hint), random.below(20)).unref();
  const ways: (() => void)[] = [
    () => undefined,
    later,
    () => wake(),
    () => wake(hint),
    () => {
      wake(hint);
      later();
    },
  ];
  random.pick(ways)();
}
