import { describe, expect, it } from 'vitest';
import type { Range } from '../../src/adapter.js';
import { encodeTimelineId } from '../../src/timeline-id.js';
import { timelineOf } from '../../sync/shared/names.js';
import { recordSkip } from '../../sync/shared/skip-index.js';
import { until } from '../support/until.js';
import { all, say } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

const G = encodeTimelineId('g');
const SKIPS = encodeTimelineId(timelineOf.skips('g'));
/** More than a list and a page read of a conversation, whatever its length. */
const BOUND = 500;
const MANY = 600;

/** Counts the entries of the conversation that the store hands over. */
async function entriesOf<T>({ faults }: Process, call: () => Promise<T>): Promise<{ result: T; entries: number }> {
  let entries = 0;
  faults.store.after = (method, [ranges], slices) => {
    if (method !== 'read') return;
    for (const [i, { timeline }] of (ranges as Range[]).entries())
      if (timeline === G) entries += (slices as { rows: unknown[] }[])[i]!.rows.length;
  };
  const result = await call();
  faults.store.after = () => undefined;
  return { result, entries };
}

/** Appends to the conversation itself, and has it fanned out. */
async function react(process: Process, count: number, rest: object): Promise<void> {
  const entry = { kind: 'message', sender: 'bob', body: '+', countable: false, ...rest } as const;
  for (let left = count; left > 0; left -= 1000)
    await process.store.timeline('g').appendMany(Array.from({ length: Math.min(left, 1000) }, () => entry));
}

async function begin(world: World, process: Process): Promise<bigint> {
  await world.join(process, 'g', 'ann', 'bob');
  return say(process.sync, 'g', 'ann', 'zero', 'one');
}

const lastOf = async ({ sync }: Process) => (await all(sync.conversations('ann')))[0]?.last;

inWorlds(
  'conversations that end in entries that are no messages',
  (open) => {
    describe.each(['write', 'read'] as const)('in %s diffusion', (mode) => {
      it.each(['reactions', 'notices'] as const)('such as %s are listed by few reads', async (kind) => {
        const world = await open();
        const diffusion = MODES[mode]();
        const process = await world.start({ diffusion });
        const target = await begin(world, process);
        await react(process, MANY, kind === 'reactions' ? { relatesTo: String(target) } : {});
        await process.sync.recover({ all: true });
        const other = await world.start({ diffusion });
        const first = await entriesOf(other, () => lastOf(other));
        expect(first.result).toMatchObject({ seqId: target, body: 'one' });
        expect(first.entries).toBeLessThan(BOUND);
        // What this process has met, it does not meet again.
        await react(process, 200, { relatesTo: String(target) });
        const later = await entriesOf(other, () => lastOf(other));
        expect(later.result).toMatchObject({ seqId: target, body: 'one' });
        expect(later.entries).toBeLessThan(BOUND);
        const same = await entriesOf(other, () => lastOf(other));
        expect(same.entries).toBeLessThan(100);
      });

      it('are left out of pages, in both directions', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode]() });
        const target = await begin(world, process);
        await react(process, MANY, { relatesTo: String(target) });
        await process.sync.recover({ all: true });
        const end = await say(process.sync, 'g', 'ann', 'two');
        await react(process, MANY, { relatesTo: String(end) });
        await process.sync.recover({ all: true });
        const read = async (options: object) => {
          const { result, entries } = await entriesOf(process, () => process.sync.messages('g', options));
          expect(entries, JSON.stringify(Object.keys(options))).toBeLessThan(3 * BOUND);
          return result;
        };
        const newest = await read({ limit: 2 });
        expect(newest.messages.map(({ body }) => body)).toEqual(['one', 'two']);
        expect(newest).toMatchObject({ upToDate: true });
        const older = await read({ limit: 2, before: end });
        expect(older.messages.map(({ body }) => body)).toEqual(['zero', 'one']);
        expect(older).toMatchObject({ upToDate: false });
        const newer = await read({ limit: 2, after: target });
        expect(newer.messages.map(({ body }) => body)).toEqual(['two']);
        expect(newer).toMatchObject({ upToDate: true });
        expect((await read({ limit: 2, after: newer.after })).messages).toEqual([]);
        const between = await read({ limit: 2, after: target, before: end });
        expect(between).toMatchObject({ messages: [], upToDate: false });
        expect((await read({ limit: 2, after: between.after })).messages.map(({ body }) => body)).toEqual(['two']);
      });
    });

    it('are left out where unread messages are counted, exactly', async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES.read() });
      const target = await begin(world, process);
      await process.sync.markRead('bob', 'g', target);
      await react(process, 2 * MANY, { relatesTo: String(target) });
      await process.sync.recover({ all: true });
      await say(process.sync, 'g', 'ann', 'two');
      await react(process, 2 * MANY, { relatesTo: String(target) });
      await process.sync.recover({ all: true });
      await say(process.sync, 'g', 'ann', 'three');
      const { result, entries } = await entriesOf(process, () => process.sync.unread('bob'));
      expect(result).toMatchObject({ messages: 2, conversations: 1, capped: false });
      expect(entries).toBeLessThan(4 * BOUND);
    }, 60_000);

    it('show the edits and recalls that were met on the way, each time', async () => {
      const world = await open();
      const process = await world.start();
      const target = await begin(world, process);
      // Its process died before it changed the message.
      await process.store.timeline('g').append({ kind: 'recall', sender: 'ann', target: String(target) });
      await react(process, 20, { relatesTo: String(target) });
      for (let i = 0; i < 3; i++) expect(await lastOf(process), `look ${i}`).toMatchObject({ recalled: true });
      await react(process, 20, { relatesTo: String(target) });
      for (let i = 0; i < 2; i++) expect(await lastOf(process), `look ${i}`).toMatchObject({ recalled: true });
      await process.sync.recover({ all: true });
      expect(await lastOf(process)).toMatchObject({ seqId: target, recalled: true });
    });

    it('show the message before, if the last one is deleted', async () => {
      const world = await open();
      const process = await world.start();
      const target = await begin(world, process);
      await react(process, 600, { relatesTo: String(target) });
      await process.sync.recover({ all: true });
      expect(await lastOf(process)).toMatchObject({ body: 'one' });
      await process.store.timeline('g').delete(target);
      expect(await lastOf(process)).toMatchObject({ body: 'zero' });
      expect(await lastOf(await world.start())).toMatchObject({ body: 'zero' });
    });

    it('are not hidden by what was known of another epoch', async () => {
      const world = await open();
      const process = await world.start();
      const target = await begin(world, process);
      await react(process, 600, { relatesTo: String(target) });
      const { lastSeqId } = await process.store.timeline('g').head();
      for (const through of [target + 150n, lastSeqId, lastSeqId + 1000n])
        await recordSkip(process.store, 'g', { through, at: 1, counted: 0n, listed: 0n });
      expect(await lastOf(process)).toMatchObject({ body: 'one' });
      expect((await process.sync.messages('g', { limit: 1 })).messages).toMatchObject([{ body: 'one' }]);
      expect((await process.sync.messages('g', { after: 1n, limit: 5 })).messages.at(-1)).toMatchObject({
        body: 'one',
      });
    });

    it.each(['before', 'after'] as const)('are listed alike if a process dies %s it records them', async (when) => {
      const world = await open();
      const [process, dying] = [await world.start(), await world.start()];
      const target = await begin(world, process);
      await process.sync.recover();
      let hasDied = false;
      dying.faults.store[when] = (method, [writes]) => {
        if (method !== 'append' || !(writes as { timeline: string }[]).some(({ timeline }) => timeline === SKIPS))
          return;
        hasDied = true;
        dying.crash();
      };
      await react(dying, MANY, { relatesTo: String(target) });
      dying.sync.recover({ all: true }).catch(() => undefined);
      await until('it dies', () => hasDied);
      await process.sync.recover({ all: true });
      const other = await world.start();
      const { result, entries } = await entriesOf(other, () => lastOf(other));
      expect(result).toMatchObject({ seqId: target, body: 'one' });
      expect(entries).toBeLessThan(BOUND);
    });
  },
  { core: true },
);
