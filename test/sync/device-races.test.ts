import { expect, it } from 'vitest';
import { encodeTimelineId } from '../../src/timeline-id.js';
import { until } from '../support/until.js';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type World } from './support/worlds.js';

const WEEK = 7 * 24 * 3600 * 1000;
/** One more is compacted. */
const RECORDS = 64;
const LOG = encodeTimelineId(['device', 'bob', 'phone']);

/** Holds the first call for which `isIt` says so, until released. */
function hold(isIt: (method: string, args: readonly unknown[]) => boolean) {
  let release: () => void = () => undefined;
  const released = new Promise<void>((resolve) => {
    release = resolve;
  });
  const state = { isHeld: false };
  const before = (method: string, args: readonly unknown[]) => {
    if (state.isHeld || !isIt(method, args)) return undefined;
    state.isHeld = true;
    return released;
  };
  return { before, release, held: () => until('the call', () => state.isHeld) };
}

const isRecord = (method: string, [writes]: readonly unknown[]) =>
  method === 'append' && (writes as { timeline: string }[]).some(({ timeline }) => timeline === LOG);

/** Bob's phone has seen one message and sleeps past the TTL while others talk. */
async function sleepPast(world: World, records = 1) {
  const process = await world.start({ resyncLast: 2, diffusion: MODES.hybrid() });
  await world.join(process, 'crowd', 'ann', 'bob', 'cat');
  await world.join(process, 'pair', 'ann', 'bob');
  const phone = process.sync.device('bob', 'phone');
  for (let count = 0, i = 0; count < records; i++) {
    await say(process.sync, 'crowd', 'ann', `old${i}`);
    await drain(phone);
    count = (await process.store.timeline(['device', 'bob', 'phone']).read()).entries.length;
  }
  await say(process.sync, 'pair', 'ann', 'missed');
  world.now += 2 * WEEK;
  await say(process.sync, 'pair', 'ann', 'p1', 'p2');
  return { process, phone };
}

inWorlds(
  'a device that two processes serve at the same time',
  (open, { directory }) => {
    it('is resynced once: the slower of two resyncs changes nothing', async () => {
      const world = await open({ ttlMs: WEEK });
      const { process, phone } = await sleepPast(world);
      const slow = await world.start({ resyncLast: 2, diffusion: MODES.hybrid() });
      const heads = hold((method) => method === 'heads');
      slow.faults.sync.before = heads.before;
      const pulled = slow.sync.device('bob', 'phone').pull();
      await heads.held();
      const page = await phone.pull();
      expect([page.resynced, shortly(page.messages).toSorted()]).toEqual([true, ['old0', 'p1', 'p2']]);
      await phone.ack(page.cursor);
      await say(process.sync, 'pair', 'ann', 'p3', 'p4', 'p5');
      heads.release();
      await pulled;
      const next = await phone.pull();
      expect([next.resynced, shortly(next.messages)]).toEqual([false, ['p3', 'p4', 'p5']]);
    });

    it('is told once of a resync, while another process compacts its log', async () => {
      const world = await open({ ttlMs: WEEK });
      const { process, phone } = await sleepPast(world, RECORDS);
      let records = 0;
      const compaction = hold((method, args) => isRecord(method, args) && ++records === 2);
      process.faults.store.before = compaction.before;
      const pulled = phone.pull();
      await compaction.held();
      const other = (await world.start({ diffusion: MODES.hybrid() })).sync.device('bob', 'phone');
      const page = await other.pull();
      expect(page.resynced).toBe(true);
      await other.ack(page.cursor);
      compaction.release();
      await pulled;
      for (const each of [process, await world.start({ diffusion: MODES.hybrid() })])
        expect((await each.sync.device('bob', 'phone').pull()).resynced).toBe(false);
    });

    it('is told once of a resync, if the log that another process compacted says so', async () => {
      const world = await open({ ttlMs: WEEK });
      const { process, phone } = await sleepPast(world);
      expect((await phone.pull()).resynced).toBe(true);
      const other = (await world.start({ diffusion: MODES.hybrid() })).sync.device('bob', 'phone');
      await drain(other);
      for (const body of numbered(70)) {
        await say(process.sync, 'crowd', 'ann', body);
        await drain(other);
      }
      await say(process.sync, 'pair', 'ann', 'last');
      const page = await phone.pull();
      expect([page.resynced, shortly(page.messages)]).toEqual([false, ['last']]);
    });

    it('goes on in a subscription where another process has resynced it', async () => {
      const world = await open({ ttlMs: WEEK });
      const { process, phone } = await sleepPast(world);
      await say(process.sync, 'crowd', 'ann', 'c1');
      const subscribed = await world.start({ diffusion: MODES.hybrid(), pollMs: 10, resyncLast: 2 });
      const end = new AbortController();
      const stream = subscribed.sync.device('bob', 'phone').subscribe({ signal: end.signal })[Symbol.asyncIterator]();
      expect((await stream.next()).value).toMatchObject({ resynced: true });
      await say(process.sync, 'pair', 'ann', 'expires');
      while ((await stream.next()).value.body !== 'expires');
      world.now += 2 * WEEK;
      await say(process.sync, 'pair', 'ann', 'p3');
      await drain(phone);
      await say(process.sync, 'pair', 'ann', 'p4');
      for (;;) {
        const { value } = await stream.next();
        await subscribed.sync.device('bob', 'phone').ack(value.cursor);
        if (value.body === 'p4') break;
      }
      end.abort();
      expect(shortly((await phone.pull()).messages)).toEqual([]);
    });

    it.skipIf(directory === 'listed')(
      'reads on where the other has acknowledged, also in other conversations',
      async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES.read() });
        await world.join(process, 'a', 'ann', 'bob');
        await say(process.sync, 'a', 'ann', 'a1');
        const phone = process.sync.device('bob', 'phone');
        for (let i = 0; i < 3; i++) await drain(phone);
        const slow = await world.start({ diffusion: MODES.read() });
        await slow.sync.device('bob', 'phone').pull();
        const position = hold((method) => method === 'get');
        slow.faults.sync.before = position.before;
        let heads = 0;
        slow.faults.store.after = (method) => {
          if (method === 'heads') heads++;
        };
        const pulled = slow.sync.device('bob', 'phone').pull();
        await position.held();
        await until('the heads', () => heads >= 2);
        await world.join(process, 'b', 'ann', 'bob');
        await say(process.sync, 'b', 'ann', 'b1');
        await drain(phone);
        await say(process.sync, 'b', 'ann', 'b2');
        position.release();
        expect(shortly((await pulled).messages)).toEqual(['b2']);
      },
    );
  },
  { core: true },
);

inWorlds('a user whom a directory without joins lists again', (open, { directory }) => {
  it.skipIf(directory === 'kept')(
    'gets what follows, though the conversation changed to read mode meanwhile',
    async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES.hybrid(), pollMs: 10 });
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'one');
      const phone = process.sync.device('bob', 'phone');
      for (let i = 0; i < 3; i++) await drain(phone);
      await world.leave(process, 'g', 'bob');
      await world.join(process, 'g', 'cat', 'dan');
      const other = await world.start({ diffusion: MODES.hybrid() });
      await say(other.sync, 'g', 'ann', 'while away');
      await world.join(process, 'g', 'bob');
      await say(other.sync, 'g', 'ann', 'for bob');
      let got: string[] = [];
      await until('the message', async () => {
        got = [...got, ...shortly(await drain(phone))];
        return got.includes('for bob');
      });
      expect(got.filter((text) => text === 'for bob')).toHaveLength(1);
    },
  );
});
