import { describe, expect, it } from 'vitest';
import type { SyncMessage } from '../../sync/index.js';
import { nightly } from '../support/nightly.js';
import { away } from './support/interposed.js';
import { drain, say, shortly, take } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

const LONG = 'c'.repeat(95);
const many = (count: number) => Array.from({ length: count }, (_, i) => `${LONG}${String(i).padStart(5, '0')}`);
const diffusion = MODES.read();
const PAGES = ['pages', 'bob', 'phone'];

/** Bob is in conversations with long names, and ann has said something in each. */
async function busy(world: World, count: number, options = {}): Promise<{ process: Process; names: string[] }> {
  const process = await world.start({ diffusion, ...options });
  const names = many(count);
  if (world.setting.directory === 'kept')
    await Promise.all(names.map((name) => world.join(process, name, 'ann', 'bob')));
  else for (const name of names) world.members.set(name, new Set(['ann', 'bob']));
  await sayInAll(process, names, 'first');
  return { process, names };
}

const sayInAll = (process: Process, names: readonly string[], body: string) =>
  Promise.all(names.map((name) => say(process.sync, name, 'ann', body)));

const lastRecord = async ({ store }: Process) => (await store.timeline(PAGES).head()).lastSeqId;

const entrySeqIds = (messages: readonly SyncMessage<string>[]) =>
  messages.map(({ conversation, entrySeqId }) => `${conversation} ${entrySeqId}`);

inWorlds(
  'the cursor of a message',
  (open) => {
    it('is in no copy of the message and in no JSON, unless asked for', async () => {
      const world = await open();
      const { process } = await busy(world, 2);
      const [message] = (await process.sync.device('bob', 'phone').pull()).messages;
      expect(typeof message!.cursor).toBe('string');
      expect(Object.keys({ ...message! })).not.toContain('cursor');
      const asText = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
      expect(JSON.stringify(message, asText)).not.toContain('cursor');
      expect(JSON.parse(JSON.stringify({ ...message, cursor: message!.cursor }, asText))).toHaveProperty('cursor');
    });

    it.each([5, 40])('of one in %i conversations acknowledges it and all before it, in any process', async (count) => {
      const world = await open();
      const { process, names } = await busy(world, count);
      const other = await world.start({ diffusion });
      await sayInAll(process, names.slice(0, 3), 'second');
      const { messages } = await process.sync.device('bob', 'phone').pull();
      for (let i = 0; i < messages.length; i += count > 10 ? 7 : 1) {
        const server = i % 2 === 0 ? other : await world.start({ diffusion });
        await server.sync.device('bob', 'phone').ack(messages[i]!.cursor);
        const rest = await other.sync.device('bob', 'phone').pull();
        expect(entrySeqIds(rest.messages).sort()).toEqual(entrySeqIds(messages.slice(i + 1)).sort());
      }
    });

    it('acknowledges in any order, old pages too, and never goes back', async () => {
      const world = await open();
      const { process, names } = await busy(world, 40);
      const phone = process.sync.device('bob', 'phone');
      const old = await phone.pull({ limit: 30 });
      const whole = await phone.pull();
      await sayInAll(process, names, 'second');
      const other = await world.start({ diffusion });
      await other.sync.device('bob', 'phone').ack(whole.cursor);
      for (const cursor of [old.cursor, old.messages[3]!.cursor, whole.messages[20]!.cursor]) await phone.ack(cursor);
      expect(shortly((await phone.pull()).messages)).toEqual(names.map(() => 'second'));
    });

    it('is refused if it refers to another record', async () => {
      const world = await open();
      const { process } = await busy(world, 40);
      const phone = process.sync.device('bob', 'phone');
      const { cursor } = await phone.pull();
      const laptop = await process.sync.device('bob', 'laptop').pull();
      const [version, signature, content] = cursor.split('.');
      const forged = [
        `${version}.${signature}.${laptop.cursor.split('.')[2]}`,
        `${version}.${'A'.repeat(22)}.${content}`,
        laptop.cursor,
      ];
      for (const each of forged)
        await expect(phone.ack(each)).rejects.toMatchObject({ code: 'TIMELINE_INVALID_CURSOR', argument: 'cursor' });
      expect((await phone.pull()).messages).toHaveLength(40);
    });
  },
  { core: true },
);

inWorlds(
  'page records',
  (open) => {
    it('are not written for a live subscription whose client acknowledges', async () => {
      const world = await open();
      const { process, names } = await busy(world, 60);
      await drain(process.sync.device('bob', 'phone'));
      const before = await lastRecord(process);
      const other = await world.start({ diffusion });
      const stop = new AbortController();
      const stream = process.sync.device('bob', 'phone').subscribe({ signal: stop.signal })[Symbol.asyncIterator]();
      for (const [i, name] of names.entries()) {
        await say(process.sync, name, 'ann', 'live');
        const { cursor } = (await stream.next()).value as SyncMessage<string>;
        await (i % 2 === 0 ? other : process).sync.device('bob', 'phone').ack(cursor);
      }
      stop.abort();
      expect(await lastRecord(process)).toBe(before);
    });

    it('are not written for inbox entries', async () => {
      const world = await open();
      const { process } = await busy(world, 60, { diffusion: MODES.write() });
      const phone = process.sync.device('bob', 'phone');
      const { messages } = await phone.pull();
      expect(messages).toHaveLength(60);
      expect(await lastRecord(process)).toBe(0n);
      await phone.ack(messages[30]!.cursor);
      expect(await drain(phone)).toHaveLength(29);
    });

    it('may stay behind when the process dies before the page or the acknowledgement', async () => {
      const world = await open();
      const { process } = await busy(world, 40);
      const dying = await world.start({ diffusion });
      // The first append registers the device.
      let appends = 0;
      dying.faults.store.after = (method) => {
        if (method === 'append' && ++appends === 2) dying.crash();
      };
      const lost = dying.sync.device('bob', 'phone').pull();
      lost.catch(() => undefined);
      await untilRecord(process);
      const phone = process.sync.device('bob', 'phone');
      const page = await phone.pull();
      expect(page.messages).toHaveLength(40);
      const acking = await world.start({ diffusion });
      const record = await lastRecord(process);
      acking.faults.store.before = (method) => {
        if (method === 'append') acking.crash();
      };
      acking.sync
        .device('bob', 'phone')
        .ack(page.cursor)
        .catch(() => undefined);
      await untilDead(acking);
      expect((await phone.pull()).messages).toHaveLength(40);
      await phone.ack(page.cursor);
      expect((await phone.pull()).messages).toEqual([]);
      expect(record).toBeGreaterThan(0n);
    });

    it('of a page that a resync has replaced are ignored', async () => {
      const WEEK = 7 * 24 * 3600 * 1000;
      const world = await open({ ttlMs: WEEK });
      const { process, names } = await busy(world, 40, { resyncLast: 1 });
      await world.join(process, 'written', 'ann', 'bob');
      const phone = process.sync.device('bob', 'phone');
      const old = await phone.pull();
      await phone.ack(old.messages[0]!.cursor);
      const written = await world.start({ diffusion: MODES.write(), resyncLast: 1 });
      await world.join(written, 'later', 'ann', 'bob');
      await drain(phone, 1);
      await say(written.sync, names[0]!, 'ann', 'by write');
      world.now += 2 * WEEK;
      await say(written.sync, names[0]!, 'ann', 'fresh');
      const page = await phone.pull();
      await phone.ack(old.cursor);
      const again = await phone.pull();
      expect(again.resynced).toBe(page.resynced);
      expect(entrySeqIds(again.messages)).toEqual(entrySeqIds(page.messages));
    });
  },
  { core: true },
);

inWorlds(
  'cursors and page records in large numbers:',
  (open) => {
    it('a cursor has 200 bytes at most, in a thousand conversations with names of 100 bytes', async () => {
      const world = await open();
      const { process, names } = await busy(world, 1000);
      const phone = process.sync.device('bob', 'phone');
      for (const limit of [10_000, 300, 7]) {
        await sayInAll(process, names.slice(0, 400), `more than ${limit}`);
        const { messages, cursor } = await phone.pull({ limit });
        expect(messages.length).toBeGreaterThan(6);
        for (const each of [...messages, { cursor }]) expect(each.cursor.length).toBeLessThanOrEqual(200);
        const text = JSON.stringify(messages, (_, value) => (typeof value === 'bigint' ? String(value) : value));
        expect(text.length / messages.length).toBeLessThan(300);
        await phone.ack(cursor);
      }
      expect((await phone.pull({ limit: 10_000 })).messages.length).toBeLessThan(1500);
    });

    it('the cursor of a page whose record is gone is refused with advice, and a later one is taken', async () => {
      const world = await open();
      const { process } = await busy(world, 40);
      const phone = process.sync.device('bob', 'phone');
      const old = await phone.pull();
      for (let i = 0; i < 300; i++) await phone.pull();
      const { firstSeqId, lastSeqId } = await process.store.timeline(PAGES).head();
      expect(lastSeqId - firstSeqId).toBeLessThan(300n);
      await expect(phone.ack(old.cursor)).rejects.toMatchObject({
        code: 'TIMELINE_INVALID_CURSOR',
        message: expect.stringContaining('later page'),
      });
      await phone.ack((await phone.pull()).cursor);
      expect((await phone.pull()).messages).toEqual([]);
    });

    it('records are chained while a subscription acknowledges nothing, and all its cursors still hold', async () => {
      const world = await open();
      const { process, names } = await busy(world, 300);
      const heard: SyncMessage<string>[] = await take(process.sync.device('bob', 'phone').subscribe(), 300);
      const stop = new AbortController();
      const stream = process.sync.device('bob', 'phone').subscribe({ signal: stop.signal })[Symbol.asyncIterator]();
      const all: SyncMessage<string>[] = [];
      for (let i = 0; i < 300; i++) all.push((await stream.next()).value as SyncMessage<string>);
      for (const name of names) {
        await say(process.sync, name, 'ann', 'live');
        all.push((await stream.next()).value as SyncMessage<string>);
      }
      stop.abort();
      expect(heard).toHaveLength(300);
      expect(await lastRecord(process)).toBeLessThan(120n);
      for (const i of [3, 150, 299, 305, 330, 444, 451, 598, 599]) {
        expect(all[i]!.cursor.length).toBeLessThanOrEqual(200);
        const other = await world.start({ diffusion });
        const phone = other.sync.device('bob', 'phone');
        await phone.ack(all[i]!.cursor);
        const left = entrySeqIds((await phone.pull({ limit: 1000 })).messages);
        expect(left.sort()).toEqual(entrySeqIds(all.slice(i + 1)).sort());
      }
    });
  },
  { core: nightly },
);

describe.each(['copy', 'reference'] as const)('a subscription with bodies as %s', (bodies) => {
  inWorlds('whose store fails between the entries and their bodies or records', (open) => {
    it('hands every message over', async () => {
      const world = await open();
      const { names } = await busy(world, 30, {
        bodies,
        diffusion: bodies === 'copy' ? diffusion : MODES.write(),
      });
      const other = await world.start({ diffusion, bodies, pollMs: 10 });
      let failures = 0;
      let reads = 0;
      other.faults.store.before = (method) => {
        const isChosen = bodies === 'copy' ? method === 'append' : method === 'read' && ++reads > 1;
        if (!isChosen || failures >= 3) return;
        failures++;
        throw away();
      };
      const heard = await take(other.sync.device('bob', 'phone').subscribe(), 30);
      expect(heard.map(({ conversation }) => conversation).sort()).toEqual(names);
      expect(failures).toBeGreaterThan(0);
    });
  });
});

/** Resolves once a page record is stored. */
async function untilRecord(process: Process): Promise<void> {
  while ((await lastRecord(process)) === 0n) await new Promise((resolve) => setImmediate(resolve));
}

async function untilDead({ faults }: Process): Promise<void> {
  while (!faults.store.isDead) await new Promise((resolve) => setImmediate(resolve));
}
