import { EventEmitter, once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { hybridDiffusion, readDiffusion } from '../../sync/index.js';
import { nightly } from '../support/nightly.js';
import { until } from '../support/until.js';
import { standingNotes } from './support/notes.js';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, type Process, type World } from './support/worlds.js';

const MEMBERS = numbered(20, 'user');
const RUNS = nightly ? 10_000 : 150;

/** Counts the rows that a process writes to inboxes. */
function countCopies(process: Process): () => number {
  let copies = 0;
  process.faults.sync.before = (method, [writes]) => {
    if (method === 'append') copies += (writes as readonly unknown[]).length;
  };
  return () => copies;
}

async function startSeveral(world: World, count: number): Promise<Process[]> {
  const first = await world.start();
  await world.join(first, 'g', ...MEMBERS);
  await say(first.sync, 'g', 'user0', 'before');
  const processes = [first];
  while (processes.length < count) processes.push(await world.start());
  return processes;
}

inWorlds(
  'several processes that send to one conversation',
  (open) => {
    it('write each copy about once, and every inbox holds each message once', async () => {
      const world = await open();
      const processes = await startSeveral(world, 4);
      const copies = processes.map(countCopies);
      const sends = processes.flatMap(({ sync }, p) =>
        numbered(15, `p${p}-`).map(async (body) => {
          await (await sync.send({ conversation: 'g', sender: `user${p}`, body })).delivered;
        }),
      );
      await Promise.all(sends);
      const written = copies.reduce((sum, count) => sum + count(), 0);
      expect(written).toBeLessThanOrEqual(1.5 * 60 * MEMBERS.length);
      const { entries } = await processes[0]!.inboxes.timeline('user7').read({ limit: 1000 });
      const bodies = entries.flatMap(({ message }) => ('body' in message && message.body ? [message.body] : []));
      expect(bodies).toHaveLength(61);
      expect(new Set(bodies).size).toBe(61);
    });

    it('run no entry of their own that another has delivered with its own', async () => {
      const world = await open();
      const [running, waiting] = (await startSeveral(world, 2)) as [Process, Process];
      const send = async ({ sync }: Process, body: string) => sync.send({ conversation: 'g', sender: 'user0', body });
      await say(waiting.sync, 'g', 'user0', 'loaded');
      await say(running.sync, 'g', 'user0', 'loaded');
      const events = new EventEmitter();
      const [isReleased, looksAtPosition] = [once(events, 'released'), once(events, 'position')];
      running.faults.store.before = async (method) => {
        if (method === 'read') await isReleased;
      };
      const first = await send(running, 'first');
      waiting.faults.store.before = (method) => {
        if (method === 'get') events.emit('position');
      };
      const second = await send(waiting, 'second');
      await looksAtPosition;
      const third = await send(waiting, 'third');
      const copies = countCopies(waiting);
      events.emit('released');
      await Promise.all([first, second, third].map(({ delivered }) => delivered));
      expect(copies()).toBe(0);
    });

    it('take over from one that died, within their patience', async () => {
      const world = await open();
      const [dying, other] = (await startSeveral(world, 2)) as [Process, Process];
      dying.faults.sync.refuse(...MEMBERS);
      await dying.sync.send({ conversation: 'g', sender: 'user0', body: 'left' });
      dying.crash();
      const began = performance.now();
      await say(other.sync, 'g', 'user1', 'next');
      expect(performance.now() - began).toBeLessThan(10_000);
      expect(shortly(await drain(other.sync.device('user5', 'phone')))).toEqual(['before', 'left', 'next']);
    });

    it('lose no time by one that closes in order', async () => {
      const world = await open();
      const [closing, other] = (await startSeveral(world, 2)) as [Process, Process];
      await Promise.all(numbered(5).map((body) => closing.sync.send({ conversation: 'g', sender: 'user0', body })));
      await closing.sync.close();
      const copies = countCopies(other);
      await say(other.sync, 'g', 'user1', 'next');
      expect(copies()).toBe(MEMBERS.length);
    });
  },
  { core: true },
);

inWorlds('a process with another diffusion beside a new release', (open) => {
  it('delivers its messages to devices, whatever mode it has read before', async () => {
    const world = await open();
    const old = await world.start({ diffusion: readDiffusion() });
    await world.join(old, 'g', 'ann', 'bob');
    await say(old.sync, 'g', 'ann', 'first');
    const next = await world.start({ diffusion: hybridDiffusion() });
    await say(next.sync, 'g', 'ann', 'second');
    const bodies = numbered(50, 'old');
    for (const body of bodies) await (await old.sync.send({ conversation: 'g', sender: 'ann', body })).delivered;
    const bob = next.sync.device('bob', 'phone');
    expect(shortly(await drain(bob))).toEqual(['first', 'second', ...bodies]);
    expect(await next.sync.recover()).toEqual({ resumed: 0 });
  });

  it('leaves a note of what it sends by read, so that a mode change under it strands nothing', async () => {
    const world = await open();
    const old = await world.start({ diffusion: readDiffusion() });
    await world.join(old, 'g', 'ann', 'bob');
    await say(old.sync, 'g', 'ann', 'first');
    const next = await world.start({ diffusion: hybridDiffusion() });
    await say(next.sync, 'g', 'ann', 'second');
    old.faults.sync.refuse('ann', 'bob');
    await old.sync.send({ conversation: 'g', sender: 'ann', body: 'third' });
    old.crash();
    expect(await next.sync.recover()).toEqual({ resumed: 1 });
    expect(shortly(await drain(next.sync.device('bob', 'phone')))).toEqual(['first', 'second', 'third']);
  });
});

inWorlds('recover({ all: true })', (open) => {
  it('finishes a conversation of which no note is left', async () => {
    const world = await open();
    const [dying, other] = (await startSeveral(world, 2)) as [Process, Process];
    dying.faults.sync.refuse(...MEMBERS);
    await dying.sync.send({ conversation: 'g', sender: 'user0', body: 'left' });
    dying.crash();
    for (let shard = 0; shard < 16; shard++) {
      await other.store.timeline(['pending', String(shard)]).trim({ keepLast: 0 });
    }
    expect(await other.sync.recover()).toEqual({ resumed: 0 });
    expect(await other.sync.recover({ all: true })).toEqual({ resumed: 1 });
    expect(await other.sync.recover({ all: true })).toEqual({ resumed: 0 });
    expect(shortly(await drain(other.sync.device('user5', 'phone')))).toEqual(['before', 'left']);
  });
});

describe('bookkeeping', () => {
  inWorlds(
    `of ${RUNS} runs of a process`,
    (open) => {
      it('a tenth of them killed, ends: 16 Timelines, and in the end no note', { timeout: 240_000 }, async () => {
        const world = await open();
        const conversations = numbered(Math.min(1000, RUNS / 10), 'c');
        const directory = { members: () => ['ann'], conversations: () => conversations };
        const living = await world.start({ directory, leaseMs: 100, recoverEveryMs: 20 });
        for (let run = 0; run < RUNS; run++) {
          const conversation = conversations[run % conversations.length]!;
          const process = await world.start({ directory, leaseMs: 100 });
          if (run % 10 === 0) {
            process.faults.sync.refuse('ann');
            await process.sync.send({ conversation, sender: 'ann', body: `left ${run}` });
            process.crash();
            // No call of a dead process reaches a store. This only ends the timers that it leaves here.
            await Promise.all([process.faults.store.bury(), process.faults.sync.bury()]);
            void process.sync.close().catch(() => undefined);
          } else {
            await say(process.sync, conversation, 'ann', `said ${run}`);
            await process.sync.close();
            await Promise.all([process.store.close(), process.inboxes.close()]);
          }
        }
        await until('no note is left', async () => (await standingNotes(living)) === 0);
        const kinds = new Map<string, number>();
        for await (const id of living.store.timelines()) {
          const kind = Array.isArray(id) ? String(id[0]) : 'conversation';
          kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
        }
        expect(kinds.get('pending')).toBeLessThanOrEqual(16);
        expect(kinds.get('conversation')).toBe(conversations.length);
        expect([...kinds.keys()].sort()).toEqual(['conversation', 'modes', 'pending']);
        const { entries } = await living.inboxes.timeline('ann').read({ limit: 10_000 });
        expect(entries).toHaveLength(RUNS);
      });
    },
    { only: ({ store, sync }) => store === 'memory' && sync === 'memory' },
  );
});
