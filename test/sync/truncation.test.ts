import { describe, expect, it } from 'vitest';
import { hybridDiffusion, type SyncMessage } from '../../sync/index.js';
import { until } from '../support/until.js';
import { drainTold, told } from './support/losses.js';
import { drain, say, shortly } from './support/people.js';
import { inWorlds, MODES, SHORT_PATIENCE } from './support/worlds.js';

const DAY = 24 * 3600 * 1000;

inWorlds(
  'a conversation in read mode, trimmed behind a device,',
  (open, { directory }) => {
    async function begin() {
      const world = await open();
      const process = await world.start({ diffusion: MODES.read() });
      for (const each of ['a', 'b']) await world.join(process, each, 'ann', 'bob');
      const send = (conversation: string, ...bodies: string[]) => say(process.sync, conversation, 'ann', ...bodies);
      const phone = process.sync.device('bob', 'phone');
      await send('a', 'a1', 'a2', 'a3');
      await send('b', 'b1');
      expect((await drain(phone)).length).toBe(4);
      return { world, process, send, phone };
    }

    it('is told by every pull until acknowledged, and then no more', async () => {
      const { process, send, phone } = await begin();
      const last = await send('a', 'a4', 'a5', 'a6', 'a7');
      await process.sync.history('a').trim({ keepLast: 1 });
      for (let i = 0; i < 2; i++) {
        const page = await phone.pull();
        expect([shortly(page.messages), page.truncated, page.resynced]).toEqual([['a7'], told('a', last - 1n), false]);
      }
      await phone.ack((await phone.pull()).cursor);
      await send('a', 'a8');
      const page = await phone.pull();
      expect([shortly(page.messages), page.truncated]).toEqual([['a8'], undefined]);
      expect('truncated' in page).toBe(false);
    });

    it.each([1, 2, 100])('is told among several, %i at a time', async (limit) => {
      const { process, send, phone } = await begin();
      const lastA = await send('a', 'a4', 'a5', 'a6');
      const lastB = await send('b', 'b2', 'b3', 'b4');
      await process.sync.history('a').trim({ keepLast: 2 });
      await process.sync.history('b').trim({ keepLast: 0 });
      const { told: losses, messages } = await drainTold(phone, limit);
      expect(losses).toEqual({ a: lastA - 2n, b: lastB });
      expect(messages).toEqual(['a5', 'a6']);
    });

    it('is told once in a subscription, before the next message of any conversation', async () => {
      const { world, send, process } = await begin();
      const reader = await world.start({ diffusion: MODES.read(), pollMs: 10 });
      const end = new AbortController();
      const stream = reader.sync.device('bob', 'phone').subscribe({ signal: end.signal })[Symbol.asyncIterator]();
      await send('b', 'b2');
      expect((await stream.next()).value).not.toHaveProperty('truncated');
      const next = stream.next();
      // The device makes one call after the other: while one of them is held, it reads nothing.
      let release: (() => void) | undefined;
      const held = new Promise<void>((resolve) => {
        release = resolve;
      });
      let isHeld = false;
      reader.faults.store.before = (method) => {
        if (method !== 'heads' && method !== 'read') return;
        isHeld = true;
        return held;
      };
      await until('a call of the device', () => isHeld);
      const last = await send('a', 'a4', 'a5');
      await process.sync.history('a').trim({ keepLast: 0 });
      await send('b', 'b3', 'b4');
      release?.();
      const seen = [await next, await stream.next()].map(({ value }) => value as SyncMessage<string>);
      end.abort();
      expect(shortly(seen)).toEqual(['b3', 'b4']);
      expect(seen.flatMap(({ truncated = [] }) => truncated)).toEqual(told('a', last));
    });

    it('begins for a new device with the oldest entry kept, of which it need not be told', async () => {
      const { process, send } = await begin();
      await send('a', 'a4');
      await process.sync.history('a').trim({ keepLast: 1 });
      const tablet = process.sync.device('bob', 'tablet');
      const first = await tablet.pull();
      expect([shortly(first.messages).sort(), first.truncated]).toEqual([['a4', 'b1'], undefined]);
      await tablet.ack(first.cursor);
      const last = await send('a', 'a5', 'a6');
      await process.sync.history('a').trim({ keepLast: 1 });
      expect(await drainTold(tablet, 1)).toEqual({ told: { a: last - 1n }, messages: ['a6'] });
    });

    it('tells a device that knew nothing of it yet what its user was to get', async () => {
      const { world, process, send, phone } = await begin();
      await world.join(process, 'c', 'ann', 'bob');
      const last = await send('c', 'c1', 'c2', 'c3');
      await process.sync.history('c').trim({ keepLast: 1 });
      expect(await drainTold(phone, 1)).toEqual({ told: { c: last - 1n }, messages: ['c3'] });
    });

    if (directory === 'kept') {
      it('shows a new member what is kept, and tells of nothing that was gone before', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES.read(), newcomers: 'all' });
        await world.join(process, 'a', 'ann');
        await world.join(process, 'b', 'bob');
        const phone = process.sync.device('bob', 'phone');
        await drain(phone);
        await say(process.sync, 'a', 'ann', 'a1', 'a2', 'a3');
        await process.sync.history('a').trim({ keepLast: 1 });
        await world.join(process, 'a', 'bob');
        expect(await drainTold(phone, 1)).toEqual({ told: {}, messages: ['a3'] });
      });

      it('shows nothing of after a leave that is gone, until the user joins again', async () => {
        const { world, process, send, phone } = await begin();
        await send('a', 'a4');
        await world.leave(process, 'a', 'bob');
        await send('a', 'secret 1', 'secret 2');
        await process.sync.history('a').trim({ keepLast: 1 });
        const { told: losses, messages } = await drainTold(phone, 1);
        expect(messages).toEqual([]);
        expect(Object.keys(losses)).toEqual(['a']);
        await world.join(process, 'a', 'bob');
        await send('a', 'welcome');
        expect(await drainTold(phone, 1)).toEqual({ told: {}, messages: ['welcome'] });
      });
    }
  },
  { patience: SHORT_PATIENCE, only: () => true },
);

inWorlds(
  'a conversation in read mode, expired behind a device,',
  (open) => {
    it('is told', async () => {
      const world = await open({ storeTtlMs: 30 * DAY });
      const { sync } = await world.start({ diffusion: MODES.read() });
      await world.join({ sync } as never, 'a', 'ann', 'bob');
      await say(sync, 'a', 'ann', 'a1');
      const phone = sync.device('bob', 'phone');
      expect(shortly(await drain(phone))).toEqual(['a1']);
      const lost = await say(sync, 'a', 'ann', 'a2', 'a3');
      world.now += 40 * DAY;
      expect(await drainTold(phone, 1)).toEqual({ told: { a: lost }, messages: [] });
      await say(sync, 'a', 'ann', 'a4');
      expect(await drainTold(phone, 1)).toEqual({ told: {}, messages: ['a4'] });
    });
  },
  { patience: SHORT_PATIENCE },
);

for (const [mode, diffusion] of Object.entries(MODES)) {
  inWorlds(
    `entries that are gone before their fan-out, ${mode},`,
    (open) => {
      it.each([0, 1])('are told to every member, once, with %i of them kept', async (keepLast) => {
        const world = await open();
        const before = await world.start({ diffusion: diffusion() });
        await world.join(before, 'a', 'ann', 'bob', 'cem');
        await say(before.sync, 'a', 'ann', 'a1');
        const after = await world.start({ diffusion: diffusion() });
        for (const user of ['bob', 'cem'])
          expect(shortly(await drain(after.sync.device(user, 'phone')))).toEqual(['a1']);
        // The inboxes are out of reach for the process, so that it dies before any of them has a copy.
        before.faults.sync.before = (method) => {
          if (method === 'append') throw Object.assign(new Error('out of reach'), { code: 'E' });
        };
        let last = 0n;
        for (const body of ['a2', 'a3', 'a4']) {
          const sent = await before.sync.send({ conversation: 'a', sender: 'ann', body });
          last = sent.seqId;
        }
        before.crash();
        await after.sync.history('a').trim({ keepLast });
        await after.sync.recover();
        const kept = ['a2', 'a3', 'a4'].slice(3 - keepLast);
        for (const user of ['bob', 'cem']) {
          const phone = after.sync.device(user, 'phone');
          const again = await phone.pull();
          expect([shortly(again.messages), again.truncated]).toEqual([kept, told('a', last - BigInt(keepLast))]);
          expect(await drainTold(phone, 1)).toEqual({ told: { a: last - BigInt(keepLast) }, messages: kept });
          expect(await drainTold(phone, 1)).toEqual({ told: {}, messages: [] });
        }
        await say(after.sync, 'a', 'ann', 'a5');
        for (const user of ['bob', 'cem'])
          expect(await drainTold(after.sync.device(user, 'phone'), 1)).toEqual({ told: {}, messages: ['a5'] });
      });
    },
    { patience: SHORT_PATIENCE, only: () => true },
  );
}

inWorlds(
  'a process that stood still while others delivered',
  (open) => {
    it('tells nobody of entries that were trimmed after their delivery, and knows the mode behind them', async () => {
      const world = await open();
      let wanted: 'write' | 'read' = 'write';
      const choose = () => hybridDiffusion({ policy: () => wanted });
      const idle = await world.start({ diffusion: choose() });
      await world.join(idle, 'a', 'ann', 'bob');
      await say(idle.sync, 'a', 'ann', 'a1');
      const busy = await world.start({ diffusion: choose() });
      wanted = 'read';
      await say(busy.sync, 'a', 'ann', 'a2', 'a3');
      const phone = busy.sync.device('bob', 'phone');
      expect(shortly(await drain(phone))).toEqual(['a1', 'a2', 'a3']);
      await busy.sync.close();
      await idle.sync.history('a').trim({ keepLast: 1 });
      await say(idle.sync, 'a', 'ann', 'a4');
      expect(await drainTold(idle.sync.device('bob', 'phone'), 1)).toEqual({ told: {}, messages: ['a4'] });
    });
  },
  { patience: SHORT_PATIENCE },
);

describe('a mode marker that is gone before it was applied', () => {
  inWorlds(
    'counts for nothing',
    (open) => {
      it.each(['write', 'read'] as const)('and the mode changes later (from %s)', async (first) => {
        const world = await open();
        let wanted: 'write' | 'read' = first;
        const start = () => world.start({ diffusion: hybridDiffusion({ policy: () => wanted }) });
        const before = await start();
        await world.join(before, 'a', 'ann', 'bob');
        await say(before.sync, 'a', 'ann', 'a1');
        const after = await start();
        const phone = after.sync.device('bob', 'phone');
        expect(shortly(await drain(phone))).toEqual(['a1']);
        await before.sync.close();
        // The marker that a process appended before it died, by the key that every process uses.
        const history = after.sync.history('a');
        const next = first === 'write' ? 'read' : 'write';
        const { seqId: since } = (await history.read({ reverse: true, limit: 100 })).entries.find(
          ({ message }) => message.kind === 'mode',
        ) ?? { seqId: 0n };
        await history.append({ kind: 'mode', mode: next }, { key: `mode:${since}` });
        const { seqId } = await history.append({ kind: 'message', sender: 'ann', body: 'lost' });
        await history.trim({ through: seqId });
        await after.sync.recover({ all: true });
        wanted = next;
        const other = await start();
        await say(other.sync, 'a', 'ann', 'a2', 'a3');
        const { told: losses, messages } = await drainTold(other.sync.device('bob', 'phone'), 1);
        expect([losses, messages]).toEqual([{ a: seqId }, ['a2', 'a3']]);
        expect(shortly(await drain(other.sync.device('bob', 'new'))).slice(-2)).toEqual(['a2', 'a3']);
        const { entries } = await history.read({ after: seqId });
        expect(entries.map(({ message }) => message.kind)).toContain('mode');
      });
    },
    { patience: SHORT_PATIENCE },
  );
});
