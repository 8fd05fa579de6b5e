import { describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { standingNotes } from './support/notes.js';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

const PEOPLE = numbered(20, 'user');

/** A process that has died after storing what it says, with the fan-out begun and not ended. */
async function deadAfter(world: World, options: object, ...bodies: string[]): Promise<Process> {
  const process = await world.start(options);
  await world.join(process, 'g', ...PEOPLE);
  await say(process.sync, 'g', 'user0', 'before');
  process.faults.sync.refuse(...PEOPLE.slice(5));
  for (const body of bodies) await process.sync.send({ conversation: 'g', sender: 'user0', body });
  await until('some of it is written', () => process.faults.sync.refusals >= 15);
  process.crash();
  return process;
}

inWorlds(
  'what a dead process left',
  (open) => {
    it('is finished by recover(), once and in order, and then there is nothing left', async () => {
      const world = await open();
      await deadAfter(world, {}, 'one', 'two');
      const { sync } = await world.start();
      expect(await sync.recover()).toEqual({ resumed: 1 });
      for (const user of PEOPLE)
        expect(shortly(await drain(sync.device(user, 'phone')))).toEqual(['before', 'one', 'two']);
      expect(await sync.recover()).toEqual({ resumed: 0 });
    });

    it('is finished by the background loop of another, which nobody called', async () => {
      const world = await open();
      await deadAfter(world, { leaseMs: 100 }, 'one', 'two');
      const { sync } = await world.start({ leaseMs: 100, recoverEveryMs: 30 });
      const phone = sync.device('user19', 'phone');
      await until('it is there', async () => shortly((await phone.pull()).messages).join() === 'before,one,two');
      for (const user of PEOPLE)
        expect(shortly(await drain(sync.device(user, 'phone')))).toEqual(['before', 'one', 'two']);
    });

    it('is finished once though several processes look for it at once', async () => {
      const world = await open();
      await deadAfter(world, {}, 'one', 'two');
      const others = [await world.start(), await world.start(), await world.start()];
      await Promise.all(others.map(({ sync }) => sync.recover()));
      for (const user of PEOPLE) {
        const { entries } = await others[0]!.inboxes.timeline(user).read();
        expect(entries).toHaveLength(3);
      }
    });

    it('is finished by whoever sends to the conversation next', async () => {
      const world = await open();
      await deadAfter(world, {}, 'one');
      const { sync } = await world.start();
      await say(sync, 'g', 'user3', 'two');
      for (const user of PEOPLE)
        expect(shortly(await drain(sync.device(user, 'phone')))).toEqual(['before', 'one', 'two']);
    });

    it('is no duplicate when its client sends again, elsewhere', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      process.faults.sync.refuse('bob');
      const message = { conversation: 'g', sender: 'ann', body: 'one', key: 'k' };
      await process.sync.send(message);
      process.crash();
      const { sync } = await world.start();
      const again = await sync.send(message);
      expect(again.duplicate).toBe(true);
      await again.delivered;
      expect(shortly(await drain(sync.device('bob', 'phone')))).toEqual(['one']);
      expect(shortly(await drain(sync.device('ann', 'phone')))).toEqual(['one']);
    });
  },
  { core: true },
);

inWorlds('a process', (open) => {
  it('that was taken for dead and lives on harms nothing, and its later work is found again', async () => {
    const world = await open();
    const slow = await world.start({ leaseMs: 100 });
    await world.join(slow, 'g', 'ann', 'bob');
    slow.faults.sync.refuse('bob');
    const late = await slow.sync.send({ conversation: 'g', sender: 'ann', body: 'one' });
    // It gives no sign of life for a while, as if it had been stopped.
    const heartbeat = slow.faults.store.before;
    let isPaused = true;
    const waiting: (() => void)[] = [];
    slow.faults.store.before = (method) =>
      method === 'append' && isPaused ? new Promise<void>((resolve) => waiting.push(resolve)) : undefined;
    const other = await world.start({ leaseMs: 100, recoverEveryMs: 30 });
    const bob = other.sync.device('bob', 'phone');
    await until('others have finished it', async () => shortly((await bob.pull()).messages).join() === 'one');
    isPaused = false;
    slow.faults.store.before = heartbeat;
    for (const go of waiting) go();
    slow.faults.sync.relent();
    await late.delivered;
    slow.faults.sync.refuse('bob');
    await slow.sync.send({ conversation: 'g', sender: 'ann', body: 'two' });
    slow.crash();
    await until('found again', async () => shortly((await bob.pull()).messages).join() === 'one,two');
    expect(shortly(await drain(bob))).toEqual(['one', 'two']);
    expect((await other.inboxes.timeline('bob').read()).entries).toHaveLength(2);
  });

  it('that is slow is helped by others, and each inbox gets each message once', async () => {
    const world = await open();
    const slow = await world.start();
    await world.join(slow, 'g', 'ann', 'bob');
    slow.faults.sync.refuse('bob');
    const late = await slow.sync.send({ conversation: 'g', sender: 'ann', body: 'one' });
    const other = await world.start({ recoverEveryMs: 20 });
    const bob = other.sync.device('bob', 'phone');
    await until('another has delivered it', async () => shortly((await bob.pull()).messages).join() === 'one');
    slow.faults.sync.relent();
    await late.delivered;
    expect((await other.inboxes.timeline('bob').read()).entries).toHaveLength(1);
  });

  it('that closes leaves no note', async () => {
    const world = await open();
    const process = await world.start();
    for (const conversation of numbered(5, 'c')) await say(process.sync, conversation, 'ann', 'hello');
    expect(await standingNotes(process)).toBe(5);
    await process.sync.close();
    const other = await world.start();
    expect(await other.sync.recover()).toEqual({ resumed: 0 });
    expect(await standingNotes(other)).toBe(0);
  });

  it('notes a busy conversation once, not once per message', async () => {
    const world = await open();
    const { sync, faults } = await world.start();
    await say(sync, 'g', 'ann', 'first');
    let appends = 0;
    faults.store.before = (method) => {
      if (method === 'append') appends++;
    };
    await say(sync, 'g', 'ann', ...numbered(50));
    expect(appends).toBe(50);
  });
});

describe.each(['write', 'read'] as const)('closing in %s diffusion', (mode) => {
  inWorlds('the sync', (open) => {
    it('lets fan-outs under way end, refuses what comes later, and may be done twice', async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES[mode]() });
      const { sync, store } = process;
      await world.join(process, 'g', ...PEOPLE);
      const phone = sync.device('user7', 'phone');
      const { cursor } = await phone.pull();
      const sent = [
        sync.send({ conversation: 'g', sender: 'user0', body: 'one' }),
        sync.send({ conversation: 'g', sender: 'user0', body: 'two' }),
      ];
      const closing = [sync.close(), sync.close(), sync[Symbol.asyncDispose]()];
      const seqId = (await sent[1]!).seqId;
      await Promise.all(closing);
      for (const each of sent) await (await each).delivered;
      const other = await world.start({ diffusion: MODES[mode]() });
      for (const user of PEOPLE) expect(shortly(await drain(other.sync.device(user, 'phone')))).toEqual(['one', 'two']);
      const refused = [
        () => sync.send({ conversation: 'g', sender: 'user0', body: 'x' }),
        () => sync.edit('g', seqId, 'x'),
        () => sync.recall('g', seqId),
        () => sync.join('g', 'x'),
        () => sync.leave('g', 'user0'),
        () => sync.markRead('user0', 'g', seqId),
        () => sync.recover(),
        () => sync.device('user7', 'phone').pull(),
        () => phone.pull(),
        () => phone.ack(cursor),
        () => phone.subscribe()[Symbol.asyncIterator]().next(),
        () => sync.conversations('user0')[Symbol.asyncIterator]().next(),
      ];
      for (const call of refused) await expect(call(), String(call)).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
      expect((await store.timeline('g').read()).entries.length).toBeGreaterThanOrEqual(2);
    });
  });
});
