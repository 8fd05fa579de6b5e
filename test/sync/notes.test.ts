import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore } from '../../src/index.js';
import type { TimelineStore } from '../../src/types.js';
import type { Stored } from '../../sync/index.js';
import { decodeNote, NoteShard, type PendingNote, shardOf, shardTimelines } from '../../sync/outbox/note-shard.js';
import { OwnNotes } from '../../sync/outbox/own-notes.js';

const LIFE_MS = 1000;
const never = () => false;
const always = () => true;

let store: TimelineStore<Stored<string>>;

beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['performance'] });
  store = await openTimelineStore<Stored<string>>({ adapter: memoryAdapter(), name: 'store' });
});

afterEach(async () => {
  vi.useRealTimers();
  await store.close();
});

async function entriesOf(conversation: string) {
  const { entries } = await store.timeline(shardTimelines[shardOf(conversation)]!).read({ limit: 1000 });
  return entries;
}

async function standing(conversation: string): Promise<PendingNote[]> {
  const entries = await entriesOf(conversation);
  return entries.flatMap(({ message, deleted }) => (deleted ? [] : (decodeNote(message) ?? [])));
}

/** A process that looks at the shard of `g`. */
function looker() {
  const shard = new NoteShard(store, shardOf('g'));
  const look = async (isBehind: (conversation: string) => boolean) => {
    const [head] = await store.heads([shardTimelines[shardOf('g')]!]);
    await shard.refresh(head!);
    await shard.expireWatched(isBehind);
    await shard.compact();
  };
  return { shard, look };
}

describe('the notes of a process', () => {
  it('stand once per conversation and life, whatever is appended meanwhile', async () => {
    const notes = new OwnNotes(store, LIFE_MS);
    await Promise.all([notes.ensure('g'), notes.ensure('g')]);
    vi.advanceTimersByTime(LIFE_MS - 1);
    await notes.ensure('g');
    expect(await standing('g')).toHaveLength(1);
    vi.advanceTimersByTime(1);
    await notes.ensure('g');
    expect(await standing('g')).toHaveLength(2);
  });

  it('go when a newer one stands, and the last one when a life has passed and nothing is left to do', async () => {
    const notes = new OwnNotes(store, LIFE_MS);
    await notes.ensure('g');
    vi.advanceTimersByTime(LIFE_MS);
    await notes.ensure('g');
    await notes.delete(await notes.takeFinished(always, { all: false }));
    expect(await standing('g')).toHaveLength(1);
    vi.advanceTimersByTime(LIFE_MS);
    await notes.delete(await notes.takeFinished(never, { all: false }));
    expect(await standing('g')).toHaveLength(1);
    await notes.delete(await notes.takeFinished(always, { all: false }));
    expect(await standing('g')).toHaveLength(0);
  });

  it('are written again after a failure, and deleted later if that fails', async () => {
    const notes = new OwnNotes(store, LIFE_MS);
    await notes.ensure('g');
    const taken = await notes.takeFinished(always, { all: true });
    notes.putBack(taken);
    expect(await notes.takeFinished(always, { all: true })).toEqual(taken);
    await notes.delete(taken);
    await notes.ensure('g');
    expect(await standing('g')).toHaveLength(1);
  });
});

describe('a note whose process is gone', () => {
  it('stands for its watches, two lives each, and then goes', async () => {
    await new OwnNotes(store, LIFE_MS).ensure('g');
    const [{ watches } = { watches: 0 }] = await standing('g');
    const { look } = looker();
    for (let watch = watches; watch > 0; watch--) {
      await look(never);
      expect(await standing('g')).toMatchObject([{ conversation: 'g', lifeMs: LIFE_MS, watches: watch }]);
      vi.advanceTimersByTime(2 * LIFE_MS - 1);
      await look(never);
      expect(await standing('g')).toMatchObject([{ watches: watch }]);
      vi.advanceTimersByTime(1);
      await look(never);
    }
    expect(await entriesOf('g')).toEqual([]);
  });

  it('stands as long as its conversation is behind', async () => {
    await new OwnNotes(store, LIFE_MS).ensure('g');
    const before = await standing('g');
    const { shard, look } = looker();
    for (let i = 0; i < 20; i++) {
      await look(always);
      vi.advanceTimersByTime(2 * LIFE_MS);
    }
    await look(always);
    expect(await standing('g')).toEqual(before);
    expect([...shard.conversations]).toEqual(['g']);
  });

  it('is moved once by several processes that look at the same time', async () => {
    await new OwnNotes(store, LIFE_MS).ensure('g');
    const lookers = [looker(), looker(), looker()];
    for (const { look } of lookers) await look(never);
    vi.advanceTimersByTime(2 * LIFE_MS);
    await Promise.all(lookers.map(({ look }) => look(never)));
    expect(await standing('g')).toHaveLength(1);
  });

  it('counts by its own life, not by that of the process that looks', async () => {
    await new OwnNotes(store, 10 * LIFE_MS).ensure('g');
    const { look } = looker();
    await look(never);
    const before = await entriesOf('g');
    vi.advanceTimersByTime(19 * LIFE_MS);
    await look(never);
    expect(await entriesOf('g')).toEqual(before);
  });

  it('does not come back once its author has deleted it', async () => {
    const notes = new OwnNotes(store, LIFE_MS);
    await notes.ensure('g');
    const { look } = looker();
    await look(never);
    await notes.delete(await notes.takeFinished(always, { all: true }));
    vi.advanceTimersByTime(2 * LIFE_MS);
    await look(always);
    expect(await entriesOf('g')).toEqual([]);
  });
});

describe('a shard with many more notes than conversations', () => {
  it('is compacted to one per conversation, of the longest life and the most watches', async () => {
    for (let i = 0; i < 20; i++) await new OwnNotes(store, LIFE_MS).ensure('g');
    await new OwnNotes(store, 5 * LIFE_MS).ensure('g');
    for (let i = 0; i < 20; i++) await new OwnNotes(store, LIFE_MS).ensure('g');
    const { look } = looker();
    await look(never);
    expect(await standing('g')).toMatchObject([{ conversation: 'g', lifeMs: 5 * LIFE_MS }]);
    expect(await entriesOf('g')).toHaveLength(1);
  });

  it('loses the rows of deleted notes', async () => {
    for (let i = 0; i < 50; i++) {
      const notes = new OwnNotes(store, LIFE_MS);
      await notes.ensure('g');
      await notes.delete(await notes.takeFinished(always, { all: true }));
    }
    const { look } = looker();
    await look(never);
    expect(await entriesOf('g')).toEqual([]);
  });
});
