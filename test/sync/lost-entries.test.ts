import { expect, it } from 'vitest';
import type { Range, Write } from '../../src/adapter.js';
import { encodeTimelineId } from '../../src/timeline-id.js';
import { hybridDiffusion } from '../../sync/index.js';
import { timelineOf } from '../../sync/shared/names.js';
import { until } from '../support/until.js';
import { inboxText } from './support/inbox-text.js';
import { away } from './support/interposed.js';
import { drainTold } from './support/losses.js';
import { all, drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process, SHORT_PATIENCE, type World } from './support/worlds.js';

const MODES_OF_A = encodeTimelineId(timelineOf.modes('a'));

/** Sends what no inbox gets before the process dies. */
async function sendAndDie(process: Process, ...bodies: string[]): Promise<bigint> {
  process.faults.sync.before = (method) => {
    if (method === 'append') throw away();
  };
  let last = 0n;
  for (const body of bodies) last = (await process.sync.send({ conversation: 'a', sender: 'ann', body })).seqId;
  process.crash();
  return last;
}

inWorlds(
  'entries that are gone before their fan-out',
  (open, { directory }) => {
    const write = { diffusion: MODES.write() };

    it('are told once in every inbox, though the process dies between two of them', async () => {
      const world = await open();
      const first = await world.start(write);
      await world.join(first, 'a', 'ann', 'bob', 'cem');
      await say(first.sync, 'a', 'ann', 'a1');
      const last = await sendAndDie(first, 'a2', 'a3');
      const second = await world.start(write);
      await second.sync.history('a').trim({ keepLast: 0 });
      second.faults.sync.refuse('cem');
      const recovering = second.sync.recover().catch(() => undefined);
      await until('a refused inbox', () => second.faults.sync.refusals > 0);
      second.crash();
      void recovering;
      const third = await world.start(write);
      const phone = third.sync.device('bob', 'phone');
      const loss = { told: { a: last }, messages: ['a1'] };
      expect(await drainTold(phone, 1)).toEqual(loss);
      await third.sync.recover();
      await say(third.sync, 'a', 'ann', 'a4');
      expect(await drainTold(phone, 1)).toEqual({ told: {}, messages: ['a4'] });
      const both = { told: { a: last }, messages: ['a1', 'a4'] };
      for (const user of ['bob', 'cem']) expect(await drainTold(third.sync.device(user, 'tablet'), 1)).toEqual(both);
      const markers = (await all(third.inboxes.timeline('bob').scan())).filter(
        ({ message }) => message.kind === 'truncated',
      );
      expect(markers).toHaveLength(1);
    });

    it('stay gone where a process that stood still writes their copies later', async () => {
      const world = await open();
      const slow = await world.start(write);
      await world.join(slow, 'a', 'ann', 'bob');
      await say(slow.sync, 'a', 'ann', 'a1');
      let hold: (() => void) | undefined;
      slow.faults.sync.before = (method) => {
        if (method === 'append') return new Promise((resolve) => (hold = resolve));
      };
      const { seqId, delivered } = await slow.sync.send({ conversation: 'a', sender: 'ann', body: 'a2' });
      await until('a copy on its way', () => hold !== undefined);
      const fast = await world.start(write);
      await fast.sync.history('a').trim({ keepLast: 0 });
      await fast.sync.recover();
      const phone = fast.sync.device('bob', 'phone');
      expect(await drainTold(phone, 1)).toEqual({ told: { a: seqId }, messages: ['a1'] });
      slow.faults.sync.before = () => undefined;
      hold?.();
      await delivered;
      await say(fast.sync, 'a', 'ann', 'a3');
      expect(await drainTold(phone, 1)).toEqual({ told: {}, messages: ['a3'] });
      const tablet = fast.sync.device('bob', 'tablet');
      expect(await drainTold(tablet, 1)).toEqual({ told: { a: seqId }, messages: ['a1', 'a3'] });
      expect(await inboxText(fast.inboxes, 'bob')).not.toContain('"a2"');
    });

    it.each(['stays in read mode', 'goes over to write mode'])(
      'are told, though the mode was recorded behind them, where the conversation %s',
      async (what) => {
        const world = await open();
        let wanted: 'write' | 'read' = 'read';
        const read = { diffusion: hybridDiffusion({ policy: () => wanted }) };
        const first = await world.start(read);
        await world.join(first, 'a', 'ann', 'bob');
        const { seqId: start } = await first.sync.send({ conversation: 'a', sender: 'ann', body: 'a1' });
        await first.sync.markRead('bob', 'a', start);
        const phone = first.sync.device('bob', 'phone');
        // The position after the first message of a page comes before the page's end, where the conversation begins.
        for await (const { cursor } of phone.subscribe()) {
          await phone.ack(cursor);
          break;
        }
        const { seqId } = await first.sync.send({ conversation: 'a', sender: 'ann', body: 'a2' });
        first.crash();
        const second = await world.start(read);
        await second.sync.history('a').trim({ through: seqId });
        await second.sync.recover({ all: true });
        if (what === 'goes over to write mode') wanted = 'write';
        await say(second.sync, 'a', 'ann', 'a3');
        const { told, messages } = await drainTold(second.sync.device('bob', 'phone'), 5);
        expect(told).toEqual({ a: seqId });
        expect(messages).toEqual(['a3']);
      },
    );

    it('may end with the marker of a mode change that is done: another process passes them', async () => {
      const world = await open();
      let wanted: 'write' | 'read' = 'write';
      const start = () => world.start({ diffusion: hybridDiffusion({ policy: () => wanted }) });
      const first = await start();
      await world.join(first, 'a', 'ann', 'bob');
      await say(first.sync, 'a', 'ann', 'a1');
      wanted = 'read';
      const second = await start();
      second.faults.store.before = (method) => {
        if (method === 'advance') throw away();
      };
      await say(second.sync, 'a', 'ann', 'a2');
      const { entries } = await second.sync.history('a').read();
      const marker = entries.find(({ message }) => message.kind === 'mode')!;
      await second.sync.history('a').trim({ through: marker.seqId });
      second.crash();
      expect(await say(first.sync, 'a', 'ann', 'a3')).toBeGreaterThan(marker.seqId);
    });

    it('may hold the marker of a mode change that has begun: it is completed for everybody', async () => {
      const world = await open();
      let wanted: 'write' | 'read' = 'write';
      const start = () => world.start({ diffusion: hybridDiffusion({ policy: () => wanted }) });
      const first = await start();
      await world.join(first, 'a', 'ann', 'bob', 'cem');
      await say(first.sync, 'a', 'ann', 'a1');
      wanted = 'read';
      first.faults.sync.refuse('cem');
      const second = await start();
      const switching = await start();
      switching.faults.sync.refuse('cem');
      const { seqId } = await switching.sync.send({ conversation: 'a', sender: 'ann', body: 'a2' });
      await until('a refused inbox', () => switching.faults.sync.refusals > 0);
      switching.crash();
      await second.sync.history('a').trim({ keepLast: 0 });
      await second.sync.recover();
      const after = await start();
      await say(after.sync, 'a', 'ann', 'a3');
      for (const user of ['bob', 'cem']) {
        expect(await drainTold(after.sync.device(user, 'phone'), 1)).toEqual({
          told: { a: seqId },
          messages: ['a1', 'a3'],
        });
        expect(await inboxText(after.inboxes, user)).not.toContain('"a3"');
      }
    });

    it('may hold the marker of a mode change that a process begins late: it counts as never appended', async () => {
      const world = await open();
      let wanted: 'write' | 'read' = 'write';
      const start = () => world.start({ diffusion: hybridDiffusion({ policy: () => wanted }) });
      const fast = await start();
      await world.join(fast, 'a', 'ann', 'bob');
      await say(fast.sync, 'a', 'ann', 'a1');
      const slow = await start();
      let hold: (() => void) | undefined;
      slow.faults.store.before = (method, [writes]) => {
        const isRecord = method === 'append' && (writes as Write[]).some(({ timeline }) => timeline === MODES_OF_A);
        if (isRecord) return new Promise((resolve) => (hold = resolve));
      };
      wanted = 'read';
      const { delivered } = await slow.sync.send({ conversation: 'a', sender: 'ann', body: 'a2' });
      await until('a change of mode on its way', () => hold !== undefined);
      wanted = 'write';
      const { lastSeqId } = await fast.sync.history('a').head();
      await fast.sync.history('a').trim({ keepLast: 0 });
      await fast.sync.recover({ all: true });
      const phone = fast.sync.device('bob', 'phone');
      await say(fast.sync, 'a', 'ann', 'a3');
      expect(await drainTold(phone, 1)).toEqual({ told: { a: lastSeqId }, messages: ['a1', 'a3'] });
      slow.faults.store.before = () => undefined;
      hold?.();
      await delivered.catch(() => undefined);
      await until('a late marker', async () => (await inboxText(fast.inboxes, 'bob')).includes('"mode":"read"'));
      await say(fast.sync, 'a', 'ann', 'a4');
      expect(await drainTold(phone, 1)).toEqual({ told: {}, messages: ['a4'] });
      const tablet = fast.sync.device('bob', 'tablet');
      expect(await drainTold(tablet, 1)).toEqual({ told: { a: lastSeqId }, messages: ['a1', 'a3', 'a4'] });
    });

    it('are passed where the records of older modes were trimmed', async () => {
      const world = await open();
      let wanted: 'write' | 'read' = 'write';
      const start = () => world.start({ diffusion: hybridDiffusion({ policy: () => wanted }) });
      let process = await start();
      await world.join(process, 'a', 'ann', 'bob');
      for (const [i, mode] of (['read', 'write', 'read', 'write'] as const).entries()) {
        wanted = mode;
        process = await start();
        await say(process.sync, 'a', 'ann', `a${i}`);
        await process.sync.recover();
      }
      await drain(process.sync.device('bob', 'phone'));
      const last = await sendAndDie(process, 'lost 1', 'lost 2');
      const after = await start();
      await after.sync.history('a').trim({ keepLast: 0 });
      await after.sync.recover();
      await say(after.sync, 'a', 'ann', 'new');
      const phone = after.sync.device('bob', 'phone');
      expect(await drainTold(phone, 1)).toEqual({ told: { a: last }, messages: ['new'] });
    });

    it('may hold a recalled message: the fan-out of the recall takes its body out of the inboxes', async () => {
      const world = await open();
      const first = await world.start(write);
      await world.join(first, 'a', 'ann', 'bob');
      const target = await say(first.sync, 'a', 'ann', 'secret');
      const phone = first.sync.device('bob', 'phone');
      expect(shortly(await drain(phone))).toEqual(['secret']);
      first.faults.sync.before = (method) => {
        if (method === 'append' || method === 'update') throw away();
      };
      await first.sync.recall('a', target);
      first.crash();
      const after = await world.start(write);
      await after.sync.history('a').trim({ through: target });
      await after.sync.recover();
      expect(await inboxText(after.inboxes, 'bob')).not.toContain('secret');
      expect(shortly(await drain(after.sync.device('bob', 'phone')))).toEqual([`recall ${target}`]);
      expect(shortly(await drain(after.sync.device('bob', 'tablet'))).join()).not.toContain('secret');
    });

    if (directory === 'kept') {
      it('are told to a new member whose backfill they are missing from', async () => {
        const world = await open();
        const options = { ...write, newcomers: 'all' } as const;
        const process = await world.start(options);
        await world.join(process, 'a', 'ann', 'bob');
        const last = await say(process.sync, 'a', 'ann', ...numbered(4));
        const other = await world.start(options);
        const through = last - 2n;
        let isTrimmed = false;
        process.faults.store.before = async (method, [ranges]) => {
          const isBackfill = (range: Range) => range.after === 0n && range.before !== undefined && !range.reverse;
          if (method !== 'read' || isTrimmed || !(ranges as Range[]).some(isBackfill)) return;
          isTrimmed = true;
          await other.sync.history('a').trim({ through });
        };
        await world.join(process, 'a', 'cem');
        expect(isTrimmed).toBe(true);
        const loss = { told: { a: through }, messages: ['m2', 'm3'] };
        expect(await drainTold(other.sync.device('cem', 'phone'), 1)).toEqual(loss);
        expect(await drainTold(other.sync.device('bob', 'phone'), 1)).toEqual({ told: {}, messages: numbered(4) });
      });
    }
  },
  { patience: SHORT_PATIENCE, only: () => true },
);

inWorlds(
  'a trimmed conversation',
  (open) => {
    async function begin(): Promise<{ world: World; process: Process }> {
      const world = await open();
      const process = await world.start({ diffusion: MODES.read() });
      await world.join(process, 'a', 'ann', 'bob');
      const last = await say(process.sync, 'a', 'ann', ...numbered(12));
      await process.sync.markRead('bob', 'a', 2n);
      const { seqId, delivered } = await process.sync.edit('a', last, 'm11, edited');
      await delivered;
      for (let i = 0; i < 8; i++) await (await process.sync.edit('a', last, `edit ${i}`)).delivered;
      await process.sync.history('a').trim({ through: seqId });
      return { world, process };
    }

    it('starts a device with the last messages that are kept', async () => {
      const { process } = await begin();
      const kept = await say(process.sync, 'a', 'ann', 'new');
      for (let i = 0; i < 8; i++) await (await process.sync.edit('a', kept, `new ${i}`)).delivered;
      const messages = await drain(process.sync.device('bob', 'phone', { start: { last: 5 } }));
      expect(shortly(messages.filter(({ kind }) => kind === 'message'))).toEqual(['new 7']);
    });

    it('is listed, whether or not a message is kept', async () => {
      const { process } = await begin();
      const listed = async () =>
        (await all(process.sync.conversations('bob'))).map(({ last, unread }) => [last, unread]);
      expect(await listed()).toEqual([[undefined, 0]]);
      await say(process.sync, 'a', 'ann', 'new');
      expect(await listed()).toEqual([[expect.objectContaining({ body: 'new' }), 1]]);
    });
  },
  { patience: SHORT_PATIENCE },
);
