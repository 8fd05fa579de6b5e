import { describe, expect, it } from 'vitest';
import { type Device, hybridDiffusion, type Mode, type SyncMessage } from '../../sync/index.js';
import { bodyOf, drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type ProcessOptions, type World } from './support/worlds.js';

const DAY = 24 * 3600 * 1000;
const WEEK = 7 * DAY;

/** Bob's phone has seen one message and sleeps past the TTL while others talk. */
async function sleepPast(world: World, options: ProcessOptions, ...missed: string[]) {
  const process = await world.start({ resyncLast: 3, ...options });
  await world.join(process, 'g', 'ann', 'bob', 'cat');
  await world.join(process, 'h', 'ann', 'bob');
  await say(process.sync, 'h', 'ann', 'quiet');
  await say(process.sync, 'g', 'ann', 'seen');
  const phone = process.sync.device('bob', 'phone');
  expect(shortly(await drain(phone)).sort()).toEqual(['quiet', 'seen']);
  await say(process.sync, 'g', 'ann', ...missed);
  world.now += 2 * WEEK;
  await say(process.sync, 'g', 'ann', 'fresh');
  return { process, phone };
}

const of = (messages: readonly SyncMessage<string>[], conversation: string) =>
  shortly(messages.filter((message) => message.conversation === conversation));

/** One page, acknowledged. */
async function next(device: Device<string>, limit: number) {
  const page = await device.pull({ limit });
  await device.ack(page.cursor);
  return page;
}

inWorlds(
  'a device that slept past the TTL',
  (open) => {
    describe.each(['copy', 'reference'] as const)('(bodies: %s)', (bodies) => {
      it('is told, gets the last of each conversation, and then what comes', async () => {
        const world = await open({ ttlMs: WEEK });
        const { process, phone } = await sleepPast(world, { bodies }, ...numbered(6));
        const page = await phone.pull();
        expect(page.resynced).toBe(true);
        expect(of(page.messages, 'g')).toEqual(['m4', 'm5', 'fresh']);
        expect(of(page.messages, 'h')).toEqual(['quiet']);
        const again = await phone.pull();
        expect(again.resynced).toBe(true);
        expect(shortly(again.messages)).toEqual(shortly(page.messages));
        await phone.ack(page.cursor);
        expect(await phone.pull()).toMatchObject({ messages: [], resynced: false, upToDate: true });
        await say(process.sync, 'g', 'ann', 'later');
        const after = await phone.pull();
        expect(shortly(after.messages)).toEqual(['later']);
        expect(after.resynced).toBe(false);
      });

      it.each([1, 2, 3])('has no hole and no repetition while messages keep flowing, %i at a time', async (limit) => {
        const world = await open({ ttlMs: WEEK });
        const { process, phone } = await sleepPast(world, { bodies }, ...numbered(6));
        const got: SyncMessage<string>[] = [];
        const flags: boolean[] = [];
        for (let i = 0; i < 12; i++) {
          await say(process.sync, i % 3 === 0 ? 'h' : 'g', 'cat', `live${i}`);
          const page = await next(phone, limit);
          got.push(...page.messages);
          flags.push(page.resynced);
        }
        got.push(...(await drain(phone, limit)));
        expect(flags[0]).toBe(true);
        expect(flags.filter((flag) => flag)).toHaveLength(1);
        const live = (h: boolean) => numbered(12, 'live').filter((_, i) => (i % 3 === 0) === h);
        expect(of(got, 'h').slice(-4)).toEqual(live(true));
        expect(of(got, 'g')).toEqual(['m4', 'm5', 'fresh', ...live(false)]);
      });
    });

    it.each(['phone first', 'others first'])('does not disturb other devices (%s)', async (order) => {
      const world = await open({ ttlMs: WEEK });
      const { process, phone } = await sleepPast(world, {}, 'missed');
      const laptop = process.sync.device('bob', 'laptop', { start: 'oldest' });
      if (order === 'phone first') await drain(phone);
      expect(of(await drain(laptop), 'g')).toEqual(['fresh']);
      expect(of(await drain(phone), 'g')).toEqual(order === 'phone first' ? [] : ['seen', 'missed', 'fresh']);
    });

    it('that slept while nothing happened is not resynced', async () => {
      const world = await open({ ttlMs: WEEK });
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'seen');
      const phone = process.sync.device('bob', 'phone');
      await drain(phone);
      world.now += 10 * WEEK;
      expect(await phone.pull()).toMatchObject({ messages: [], resynced: false });
      await say(process.sync, 'g', 'ann', 'fresh');
      const page = await phone.pull();
      expect([shortly(page.messages), page.resynced]).toEqual([['fresh'], false]);
    });

    it('before it saw anything is resynced too, and is known from its first empty page on', async () => {
      const world = await open({ ttlMs: WEEK });
      const process = await world.start({ resyncLast: 2 });
      const phone = process.sync.device('bob', 'phone');
      await drain(phone);
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', ...numbered(3));
      world.now += 2 * WEEK;
      await say(process.sync, 'g', 'ann', 'fresh');
      const page = await phone.pull();
      expect([shortly(page.messages), page.resynced]).toEqual([['m2', 'fresh'], true]);
    });

    it('without having acknowledged anything still finds a conversation that changed to read diffusion', async () => {
      const world = await open({ ttlMs: WEEK });
      let mode: Mode = 'write';
      const process = await world.start({ diffusion: hybridDiffusion({ policy: () => mode }) });
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'unread');
      const phone = process.sync.device('bob', 'phone');
      expect(shortly((await phone.pull()).messages)).toEqual(['unread']);
      mode = 'read';
      await world.join(process, 'g', 'cat');
      const reviewed = await world.start({ diffusion: hybridDiffusion({ policy: () => mode }) });
      await say(reviewed.sync, 'g', 'ann', 'expired with the marker');
      world.now += 2 * WEEK;
      await say(reviewed.sync, 'g', 'ann', 'fresh');
      expect(shortly((await drain(phone)).slice(-1))).toEqual(['fresh']);
    });

    it('and acknowledges one message at a time from the first on finds such a conversation at the end', async () => {
      const world = await open({ ttlMs: WEEK });
      const process = await world.start();
      for (const conversation of ['g', 'h']) await world.join(process, conversation, 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'expired');
      const read = await world.start({ diffusion: MODES.read() });
      await say(read.sync, 'g', 'ann', 'after the marker');
      world.now += 2 * WEEK;
      for (const body of ['h1', 'h2', 'h3']) await say(process.sync, 'h', 'ann', body);
      const phone = read.sync.device('bob', 'phone');
      const bodies: string[] = [];
      for (let page = await phone.pull({ limit: 1 }); page.messages.length > 0; page = await phone.pull({ limit: 1 })) {
        bodies.push(...shortly(page.messages));
        await phone.ack(page.cursor);
      }
      expect(bodies.toSorted()).toEqual(['after the marker', 'h1', 'h2', 'h3']);
      await say(read.sync, 'g', 'ann', 'later');
      expect(shortly(await drain(read.sync.device('bob', 'phone')))).toEqual(['later']);
    });

    it('twice is told twice', async () => {
      const world = await open({ ttlMs: WEEK });
      const { process, phone } = await sleepPast(world, {}, 'missed');
      expect((await next(phone, 100)).resynced).toBe(true);
      await say(process.sync, 'g', 'ann', 'missed too');
      world.now += 2 * WEEK;
      await say(process.sync, 'g', 'ann', 'fresh again');
      const page = await next(phone, 100);
      expect(page.resynced).toBe(true);
      expect(of(page.messages, 'g')).toEqual(['fresh', 'missed too', 'fresh again']);
    });

    it('and is served by two processes at once is told by both, until one page is acknowledged', async () => {
      const world = await open({ ttlMs: WEEK });
      const { phone } = await sleepPast(world, {}, 'missed');
      const other = await world.start({ resyncLast: 3 });
      const there = other.sync.device('bob', 'phone');
      const [here, away] = await Promise.all([phone.pull(), there.pull()]);
      expect([here.resynced, away.resynced]).toEqual([true, true]);
      expect(of(here.messages, 'g')).toEqual(['seen', 'missed', 'fresh']);
      await there.ack((await there.pull()).cursor);
      expect(await phone.pull()).toMatchObject({ messages: [], resynced: false });
    });

    it('learns in a subscription with which message it starts over', async () => {
      const world = await open({ ttlMs: WEEK });
      const { phone } = await sleepPast(world, {}, 'missed');
      const heard: [string, boolean][] = [];
      for await (const message of phone.subscribe()) {
        if (message.conversation === 'g')
          heard.push([...shortly([message]), message.resynced ?? false] as [string, boolean]);
        if (message.resynced) expect(heard.length).toBeLessThanOrEqual(1);
        if (bodyOf(message) === 'fresh') break;
      }
      expect(heard.map(([text]) => text)).toEqual(['seen', 'missed', 'fresh']);
    });

    it('with resyncLast 0 only hears what comes', async () => {
      const world = await open({ ttlMs: WEEK });
      const { process, phone } = await sleepPast(world, { resyncLast: 0 }, 'missed');
      expect(await next(phone, 100)).toMatchObject({ messages: [], resynced: true });
      await say(process.sync, 'g', 'ann', 'later');
      expect(shortly((await next(phone, 100)).messages)).toEqual(['later']);
    });

    it('finds conversations in read diffusion beside others', async () => {
      const world = await open({ ttlMs: WEEK });
      const { process, phone } = await sleepPast(world, { diffusion: MODES.hybrid() }, ...numbered(3));
      const page = await next(phone, 100);
      if (page.resynced) expect(of(page.messages, 'g')).toEqual(['m1', 'm2', 'fresh']);
      else expect(of(page.messages, 'g')).toEqual([...numbered(3), 'fresh']);
      await say(process.sync, 'h', 'ann', 'h later');
      await say(process.sync, 'g', 'ann', 'g later');
      const got = await drain(phone, 1);
      expect([of(got, 'g'), of(got, 'h')]).toEqual([['g later'], ['h later']]);
    });

    it('sees of a conversation that it joined only what it may', async () => {
      const world = await open({ ttlMs: WEEK });
      const process = await world.start({ resyncLast: 10 });
      await world.join(process, 'h', 'ann', 'bob');
      await world.join(process, 'g', 'ann');
      await say(process.sync, 'g', 'ann', 'before');
      const phone = process.sync.device('bob', 'phone');
      await drain(phone);
      await world.join(process, 'g', 'bob');
      await say(process.sync, 'g', 'ann', 'since');
      await say(process.sync, 'h', 'ann', 'h');
      world.now += 2 * WEEK;
      await say(process.sync, 'h', 'ann', 'h2');
      const page = await phone.pull();
      expect(page.resynced).toBe(true);
      expect(of(page.messages, 'g')).toEqual(world.setting.directory === 'kept' ? ['since'] : ['before', 'since']);
    });
  },
  { core: true },
);
