import { expect, it } from 'vitest';
import { TimelineError } from '../../src/errors.js';
import type { Sent } from '../../sync/index.js';
import { until } from '../support/until.js';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const PEOPLE = ['ann', 'bob', 'cat'];

async function inboxOf({ inboxes }: Process, user: string): Promise<(string | undefined)[]> {
  const { entries } = await inboxes.timeline(user).read({ limit: 1000 });
  return entries.map(({ message }) => (message.kind === 'message' ? message.body : message.kind));
}

const fanOutPosition = ({ store }: Process) => store.timeline('g').checkpoint('fan-out').get();

inWorlds('an inbox that takes no writes', (open) => {
  it('keeps nobody else waiting, and gets everything in order once it does', async () => {
    const world = await open();
    const process = await world.start();
    const { sync, faults } = process;
    await world.join(process, 'g', ...PEOPLE);
    faults.sync.refuse('bob');
    const sent = [];
    for (const body of numbered(5)) sent.push(await sync.send({ conversation: 'g', sender: 'ann', body }));
    await until('the others have all of it', async () => (await inboxOf(process, 'cat')).length === 5);
    await until('it was tried', () => faults.sync.refusals > 0);
    expect(await inboxOf(process, 'bob')).toEqual([]);
    faults.sync.relent();
    for (const { delivered } of sent) await delivered;
    for (const user of PEOPLE) expect(await inboxOf(process, user)).toEqual(numbered(5));
  });

  it('holds `delivered` and the durable position back, and they follow in order', async () => {
    const world = await open();
    const process = await world.start();
    const { sync, faults } = process;
    await world.join(process, 'g', ...PEOPLE);
    const before = await say(sync, 'g', 'ann', 'before');
    await until(
      'the position is durable',
      async () => (await fanOutPosition(process))?.endsWith(`.${before}`) ?? false,
    );
    const stood = await fanOutPosition(process);
    faults.sync.refuse('bob');
    let isDelivered = false;
    const { delivered } = await sync.send({ conversation: 'g', sender: 'ann', body: 'late' });
    void delivered.then(() => {
      isDelivered = true;
    });
    const refusals = faults.sync.refusals;
    await until('it was tried again', () => faults.sync.refusals > refusals + 2);
    expect(isDelivered).toBe(false);
    expect(await fanOutPosition(process)).toBe(stood);
    faults.sync.relent();
    expect(await delivered).toEqual({ recipients: 3, refused: [] });
    await until('the position follows', async () => (await fanOutPosition(process)) !== stood);
  });

  it('does not hold up other conversations of the same user', async () => {
    const world = await open();
    const process = await world.start();
    const { sync, faults } = process;
    await world.join(process, 'g', 'ann', 'bob');
    await world.join(process, 'h', 'bob', 'cat');
    faults.sync.refuse('ann');
    const held = await sync.send({ conversation: 'g', sender: 'bob', body: 'held' });
    await say(sync, 'h', 'cat', 'through');
    expect(await inboxOf(process, 'bob')).toEqual(expect.arrayContaining(['through']));
    faults.sync.relent();
    await held.delivered;
    expect(await inboxOf(process, 'bob')).toEqual(expect.arrayContaining(['held', 'through']));
  });

  it('misses nothing and repeats nothing when two processes send and each meets the refusal', async () => {
    const world = await open();
    const [one, two] = [await world.start(), await world.start()];
    await world.join(one, 'g', ...PEOPLE);
    for (const { faults } of [one, two]) faults.sync.refuse('cat');
    const sent: Sent[] = [];
    for (const body of numbered(6)) {
      const sender: Process = sent.length % 2 === 0 ? one : two;
      sent.push(await sender.sync.send({ conversation: 'g', sender: 'ann', body }));
    }
    await until('the others have all of it', async () => (await inboxOf(one, 'bob')).length === 6);
    two.faults.sync.relent();
    await sent[5]!.delivered;
    one.faults.sync.relent();
    for (const { delivered } of sent) await delivered;
    for (const user of PEOPLE) expect(await inboxOf(one, user)).toEqual(numbered(6));
  });

  it('is left to others when the sender closes: `delivered` says so, and recovery delivers', async () => {
    const world = await open();
    const [one, two] = [await world.start(), await world.start()];
    await world.join(one, 'g', ...PEOPLE);
    one.faults.sync.refuse('bob');
    const { delivered } = await one.sync.send({ conversation: 'g', sender: 'ann', body: 'late' });
    const outcome = expect(delivered).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
    await until('it was tried', () => one.faults.sync.refusals > 0);
    await one.sync.close();
    await outcome;
    expect(await two.sync.recover()).toEqual({ resumed: 1 });
    expect(await inboxOf(two, 'bob')).toEqual(['late']);
    expect(await inboxOf(two, 'cat')).toEqual(['late']);
  });

  it('is left to others when the sender closes while a store fails: `delivered` says why', async () => {
    const world = await open();
    const [one, two] = [await world.start(), await world.start()];
    await world.join(one, 'g', ...PEOPLE);
    await say(one.sync, 'g', 'ann', 'early');
    const isTried = new Promise<void>((resolve) => {
      one.faults.store.before = (method, [ranges]) => {
        if (method !== 'read' || (ranges as readonly { timeline: string }[])[0]?.timeline !== 'g') return;
        resolve();
        throw new TimelineError('TIMELINE_UNAVAILABLE', 'away', { retryable: true, outcome: 'not-applied' });
      };
    });
    const { delivered } = await one.sync.send({ conversation: 'g', sender: 'ann', body: 'late' });
    const outcome = expect(delivered).rejects.toMatchObject({
      code: 'TIMELINE_CLOSED',
      cause: { code: 'TIMELINE_UNAVAILABLE' },
    });
    await isTried;
    await one.sync.close();
    await outcome;
    expect(await two.sync.recover()).toEqual({ resumed: 1 });
    expect(await inboxOf(two, 'bob')).toEqual(['early', 'late']);
  });
});

inWorlds('a change of mode while an inbox takes no writes', (open) => {
  it('keeps no sender waiting; the inbox hears of it in its turn', async () => {
    const world = await open();
    const before = await world.start();
    await world.join(before, 'g', 'ann', 'bob');
    await say(before.sync, 'g', 'ann', 'one');
    const { sync, faults } = await world.start({ diffusion: MODES.read() });
    faults.sync.refuse('bob');
    const { delivered } = await sync.send({ conversation: 'g', sender: 'ann', body: 'two' });
    const ann = sync.device('ann', 'phone');
    await until('the others have it', async () => shortly((await ann.pull()).messages).join() === 'one,two');
    faults.sync.relent();
    await delivered;
    expect(shortly(await drain(sync.device('bob', 'phone')))).toEqual(['one', 'two']);
  });

  it('does not keep it from closing', async () => {
    const world = await open();
    const [one, two] = [await world.start(), await world.start({ diffusion: MODES.read() })];
    await world.join(one, 'g', 'ann', 'bob');
    await say(one.sync, 'g', 'ann', 'one');
    two.faults.sync.refuse('bob');
    const sending = two.sync.send({ conversation: 'g', sender: 'ann', body: 'two' });
    await until('it was tried', () => two.faults.sync.refusals > 0);
    await two.sync.close();
    const { delivered } = await sending;
    await expect(delivered).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
    await one.sync.recover();
    expect(shortly(await drain(one.sync.device('bob', 'phone')))).toEqual(['one', 'two']);
  });
});

inWorlds(
  'a delivery',
  (open) => {
    it('reports who can never be reached, and reaches everyone else', async () => {
      const world = await open();
      const long = 'x'.repeat(600);
      const directory = { members: () => ['ann', '', long, 'bob'], conversations: () => ['g'] };
      const process = await world.start({ directory });
      for (const body of ['one', 'two']) {
        const { recipients, refused } = await (await process.sync.send({ conversation: 'g', sender: 'ann', body }))
          .delivered;
        expect(recipients).toBe(2);
        expect(refused.map(({ user, error }) => [user, error.code])).toEqual([
          ['', 'TIMELINE_INVALID_ARGUMENT'],
          [long, 'TIMELINE_TOO_LARGE'],
        ]);
      }
      expect(await inboxOf(process, 'bob')).toEqual(['one', 'two']);
    });

    it('says the same to whoever sends it again', async () => {
      const world = await open();
      const directory = { members: () => ['ann', '', 'bob'], conversations: () => ['g'] };
      const { sync } = await world.start({ directory });
      const send = async () => (await sync.send({ conversation: 'g', sender: 'ann', body: 'one', key: 'k' })).delivered;
      const first = await send();
      expect(await send()).toEqual(first);
      expect(first.refused).toHaveLength(1);
    });

    it('waits for a directory that fails, and warns once', async () => {
      const world = await open();
      let failures = 0;
      const directory = {
        members: () => {
          if (failures++ < 3) throw new Error('the directory is away');
          return ['ann', 'bob'];
        },
        conversations: () => ['g'],
      };
      const process = await world.start({ directory });
      await say(process.sync, 'g', 'ann', 'one');
      expect(process.warnings.map(({ code }) => code)).toEqual(['fan-out-waits']);
      expect(await inboxOf(process, 'bob')).toEqual(['one']);
    });

    it('resumes at the same entry when a directory fails half-way', async () => {
      const world = await open();
      const users = numbered(700, 'u');
      let failed = false;
      const directory = {
        async *members() {
          yield* users.slice(0, 600);
          if (!failed) {
            failed = true;
            throw new Error('the directory is away');
          }
          yield* users.slice(600);
        },
        conversations: () => ['g'],
      };
      const process = await world.start({ directory });
      const { delivered } = await process.sync.send({ conversation: 'g', sender: 'u0', body: 'one' });
      expect(await delivered).toMatchObject({ recipients: 700 });
      for (const user of ['u0', 'u599', 'u600', 'u699']) expect(await inboxOf(process, user)).toEqual(['one']);
    });

    it('takes members in any shape', async () => {
      const world = await open();
      const users = ['ann', 'bob', 'cat'];
      const shapes = {
        array: () => users,
        set: () => new Set(users),
        iterator: () => users.values(),
        'generator of its own': function* () {
          yield* users;
        },
        'async generator': async function* () {
          yield* users;
        },
        'promise of an array': async () => users,
        'promise of a set': async () => new Set(users),
      };
      for (const [shape, members] of Object.entries(shapes)) {
        const process = await world.start({ directory: { members, conversations: () => [shape] } });
        const { delivered } = await process.sync.send({ conversation: shape, sender: 'ann', body: shape });
        expect([shape, await delivered]).toEqual([shape, { recipients: 3, refused: [] }]);
      }
      const process = await world.start();
      expect(await inboxOf(process, 'cat')).toEqual(Object.keys(shapes));
    });
  },
  { only: ({ directory, sync }) => directory === 'listed' && sync === 'memory' },
);

inWorlds(
  'a conversation of 100,000',
  (open) => {
    it('is listed as it is written, never as a whole', async () => {
      const world = await open();
      let listed = 0;
      let written = 0;
      let most = 0;
      const directory = {
        async *members() {
          for (let i = 0; i < 100_000; i++) {
            listed++;
            most = Math.max(most, listed - written);
            yield `user${i}`;
          }
        },
        conversations: () => ['g'],
      };
      const process = await world.start({ directory });
      process.faults.sync.after = (method, [writes]) => {
        if (method === 'append') written += (writes as unknown[]).length;
      };
      const { delivered } = await process.sync.send({ conversation: 'g', sender: 'user7', body: 'hello all' });
      expect(await delivered).toEqual({ recipients: 100_000, refused: [] });
      expect(most).toBeLessThanOrEqual(3000);
      for (const user of ['user0', 'user7', 'user99999'])
        expect(shortly(await drain(process.sync.device(user, 'phone')))).toEqual(['hello all']);
    });
  },
  { only: ({ directory, sync, store }) => directory === 'listed' && sync === 'memory' && store === 'memory' },
);
