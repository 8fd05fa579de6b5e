import { afterEach, describe, expect, it } from 'vitest';
import { all, drain, say, shortly } from './support/people.js';
import { type Library, RestorableWorld, type RestoredProcess } from './support/restored.js';
import { MODES } from './support/worlds.js';

let world: RestorableWorld;
afterEach(() => world.remove());

/** A conversation of two, with three messages that bob has read and that the backup holds. */
async function begin(mode: 'write' | 'read', { hasState = false } = {}): Promise<RestoredProcess> {
  world = new RestorableWorld({ hasState });
  const process = await world.start({ diffusion: MODES[mode](), receipts: true });
  await (await process.sync.join('g', ['ann', 'bob'])).delivered;
  await process.sync.markRead('bob', 'g', await say(process.sync, 'g', 'ann', 'one', 'two', 'three'));
  await world.backup();
  return process;
}

/** The read position in the list, unread messages there and in total, and the position that others see. */
async function positionOf({ sync }: RestoredProcess): Promise<object> {
  const { readSeqId, unread } = (await all(sync.conversations('bob')))[0] ?? {};
  const { messages: total } = await sync.unread('bob');
  return { readSeqId, unread, total, others: (await sync.readPositions('g')).get('bob') };
}

describe.each(['write', 'read'] as const)('in %s mode, after the store library went back,', (mode) => {
  const options = { diffusion: MODES[mode](), receipts: true };
  const CASES = [
    ['with the state', ['store'], false],
    ['without the state', ['store'], true],
  ] as const;

  describe.each(CASES)('%s,', (_, libraries: readonly Library[], hasState) => {
    it('what was read stays read, and what was read of lost messages hides no new ones', async () => {
      let process = await begin(mode, { hasState });
      const standing = (await process.sync.readPositions('g')).get('bob') as bigint;
      await process.sync.markRead('bob', 'g', await say(process.sync, 'g', 'ann', 'lost', 'lost too', 'lost as well'));
      process = await world.restart(libraries, options);
      expect(await positionOf(process)).toEqual({ readSeqId: standing, unread: 0, total: 0, others: standing });
      await say(process.sync, 'g', 'ann', 'four', 'five');
      expect(await positionOf(process)).toEqual({ readSeqId: standing, unread: 2, total: 2, others: standing });
      // The inbox tells of the position in lost messages.
      for (const name of ['phone', 'laptop']) {
        const told = shortly(await drain(process.sync.device('bob', name)));
        expect(told.filter((word) => word.startsWith('read') && word > `read ${standing}`)).toEqual([]);
      }
      const receipts = shortly(await drain(process.sync.device('ann', 'phone')));
      expect(receipts.filter((word) => word.startsWith('receipt') && word > `receipt ${standing}`)).toEqual([]);
      expect(await positionOf(process)).toEqual({ readSeqId: standing, unread: 2, total: 2, others: standing });
      expect(await process.sync.markRead('bob', 'g', 1n)).toBe(standing);
      expect(await process.sync.markRead('bob', 'g', standing + 1n)).toBe(standing + 1n);
      expect(await positionOf(process)).toMatchObject({ readSeqId: standing + 1n, unread: 1, total: 1 });
    });

    it('a live list does not take a position in lost messages over', async () => {
      const process = await begin(mode, { hasState });
      const standing = (await process.sync.readPositions('g')).get('bob') as bigint;
      const lost = await say(process.sync, 'g', 'ann', 'lost', 'lost too', 'lost as well');
      const ending = new AbortController();
      const changes = process.sync.conversationChanges('bob', { signal: ending.signal })[Symbol.asyncIterator]();
      // The stream has begun, and reads this after the restore.
      await all(process.sync.conversations('bob', { limit: 1 }));
      await process.sync.markRead('bob', 'g', lost);
      await world.restoreLive(libraries);
      await say(process.sync, 'g', 'ann', 'four', 'five');
      for (;;) {
        const { value } = await changes.next();
        expect(value).toMatchObject({ conversation: 'g', readSeqId: standing });
        if (value?.unread === 2) break;
      }
      ending.abort();
    });
  });

  it('a position of before that comes late hides nothing, and yields to a new one', async () => {
    const before = await begin(mode);
    await say(before.sync, 'g', 'ann', 'lost', 'lost too', 'lost as well');
    const lost = (await before.sync.history('g').latest())?.cursor as string;
    const process = await world.restart(['store'], options);
    const standing = (await process.sync.readPositions('g')).get('bob') as bigint;
    await process.store.timeline('g').checkpoint('read:bob').reset(lost);
    const last = await say(process.sync, 'g', 'ann', 'four', 'five', 'six', 'seven');
    expect(await positionOf(process)).toMatchObject({ readSeqId: 0n, unread: 7, total: 7, others: 0n });
    expect(await process.sync.markRead('bob', 'g', standing)).toBe(standing);
    expect(await positionOf(process)).toEqual({ readSeqId: standing, unread: 4, total: 4, others: standing });
    expect(await process.sync.markRead('bob', 'g', last)).toBe(last);
  });

  it('a call under way marks no message read that gets the SeqId of a lost one', async () => {
    world = new RestorableWorld({ hasState: false });
    let isHeld = false;
    let onHeld: () => void = () => undefined;
    let release: () => void = () => undefined;
    const process = await world.start(options, (directory) => ({
      ...directory,
      members: async (conversation, about) => {
        const found = (await directory.members(conversation, about)) as string[];
        if (!isHeld || about !== undefined) return found;
        isHeld = false;
        onHeld();
        await new Promise<void>((resolve) => {
          release = resolve;
        });
        return found;
      },
    }));
    const { sync } = process;
    await (await sync.join('g', ['ann', 'bob'])).delivered;
    const standing = await sync.markRead('bob', 'g', await say(sync, 'g', 'ann', 'one', 'two'));
    await world.backup();
    const lost = await say(sync, 'g', 'ann', 'lost', 'lost too');
    isHeld = true;
    const held = new Promise<void>((resolve) => {
      onHeld = resolve;
    });
    const marking = sync.markRead('bob', 'g', lost);
    await held;
    await world.restoreLive(['store']);
    release();
    expect(await marking).toBe(standing);
    await say(sync, 'g', 'ann', 'three', 'four', 'five');
    expect(await positionOf(process)).toEqual({ readSeqId: standing, unread: 3, total: 3, others: standing });
  });
});
