import { expect, it } from 'vitest';
import { nightly } from '../support/nightly.js';
import { Traffic } from './support/interposed.js';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

const diffusion = MODES.read();

inWorlds('read diffusion', (open) => {
  it('costs one write per message, however many the members', async () => {
    const traffic = new Traffic();
    const world = await open({ traffic });
    const process = await world.start({ diffusion });
    await world.join(process, 'g', ...numbered(200, 'user'));
    await say(process.sync, 'g', 'user0', 'first');
    traffic.reset();
    await say(process.sync, 'g', 'user0', ...numbered(20));
    // Beside the writes only the fan-out position of what went before may follow, late.
    expect(traffic.calls.filter((call) => call !== 'advance')).toEqual(Array.from({ length: 20 }, () => 'append'));
    await say(process.sync, 'g', 'user1', ...numbered(300));
    expect(traffic.count('append')).toBeLessThan(330);
    expect((await process.inboxes.timeline('user7').head()).lastSeqId).toBeLessThanOrEqual(1n);
    expect(shortly(await drain(process.sync.device('user7', 'phone')))).toEqual([
      'first',
      ...numbered(20),
      ...numbered(300),
    ]);
  });

  it('is delivered once it is stored', async () => {
    const world = await open();
    const process = await world.start({ diffusion });
    await world.join(process, 'g', 'ann', 'bob');
    await say(process.sync, 'g', 'ann', 'first');
    process.faults.sync.refuse('bob', 'ann');
    const { delivered } = await process.sync.send({ conversation: 'g', sender: 'ann', body: 'second' });
    expect(await delivered).toEqual({ recipients: 0, refused: [] });
    expect(shortly(await drain(process.sync.device('bob', 'phone')))).toEqual(['first', 'second']);
  });

  it('a device resumes at its position in another process', async () => {
    const world = await open();
    const [one, two] = [await world.start({ diffusion }), await world.start({ diffusion })];
    await world.join(one, 'g', 'ann', 'bob');
    await world.join(one, 'h', 'ann', 'bob');
    await say(one.sync, 'g', 'ann', 'g1', 'g2');
    await say(one.sync, 'h', 'ann', 'h1');
    const { messages, cursor } = await one.sync.device('bob', 'phone').pull();
    expect(shortly(messages).sort()).toEqual(['g1', 'g2', 'h1']);
    await two.sync.device('bob', 'phone').ack(cursor);
    await say(two.sync, 'h', 'ann', 'h2');
    for (const { sync } of [one, two])
      expect(shortly((await sync.device('bob', 'phone').pull()).messages)).toEqual(['h2']);
  });

  it('positions stay small in number and right in value over many acknowledgements', async () => {
    const world = await open();
    const process = await world.start({ diffusion });
    await world.join(process, 'g', 'ann', 'bob');
    const phone = process.sync.device('bob', 'phone');
    for (const body of numbered(150)) {
      await say(process.sync, 'g', 'ann', body);
      expect(shortly(await drain(phone))).toEqual([body]);
    }
    const log = await process.store.timeline(['device', 'bob', 'phone']).head();
    expect(log.lastSeqId - log.firstSeqId).toBeLessThan(70n);
    const later = await world.start({ diffusion });
    expect(await drain(later.sync.device('bob', 'phone'))).toEqual([]);
  });

  it('a member taken off the caller’s list gets nothing more', async () => {
    const world = await open();
    const process = await world.start({ diffusion });
    await world.join(process, 'g', 'ann', 'bob');
    await say(process.sync, 'g', 'ann', 'one');
    const phone = process.sync.device('bob', 'phone');
    expect(shortly(await drain(phone))).toEqual(['one']);
    await world.leave(process, 'g', 'bob');
    await say(process.sync, 'g', 'ann', 'secret');
    expect(await drain(phone)).toEqual([]);
    expect(await drain(process.sync.device('bob', 'laptop'))).toEqual(
      world.setting.directory === 'kept' ? expect.anything() : [],
    );
  });
});

inWorlds(
  'read diffusion',
  (open) => {
    it('reads 1,000 conversations of which 10 changed in two round trips, and of which none did in two', async () => {
      const traffic = new Traffic();
      const world = await open({ traffic });
      const process = await world.start({ diffusion });
      const { sync } = process;
      const names = numbered(1000, 'c');
      if (world.setting.directory === 'listed')
        for (const name of names) world.members.set(name, new Set(['ann', 'bob']));
      else await Promise.all(names.map((name) => world.join(process, name, 'ann', 'bob')));
      await Promise.all(names.map((conversation) => say(sync, conversation, 'bob', 'first')));
      const phone = sync.device('ann', 'phone');
      expect(await drain(phone, 2000)).toHaveLength(1000);

      traffic.reset();
      expect(await phone.pull()).toMatchObject({ messages: [], upToDate: true });
      expect(traffic.roundTrips).toBeLessThanOrEqual(2);

      const changed = names.filter((_, i) => i % 100 === 50);
      for (const conversation of changed) await say(sync, conversation, 'bob', `news of ${conversation}`);
      traffic.reset();
      const { messages, upToDate, cursor } = await phone.pull();
      expect(traffic.roundTrips).toBeLessThanOrEqual(2);
      expect(traffic.count('read') + traffic.count('heads') + traffic.count('get')).toBeLessThanOrEqual(5);
      expect(shortly(messages).sort()).toEqual(changed.map((conversation) => `news of ${conversation}`).sort());
      expect(upToDate).toBe(true);
      await phone.ack(cursor);
      expect((await phone.pull()).messages).toEqual([]);
      expect(cursor.length).toBeLessThan(2000);
    });
  },
  { core: true, only: ({ store, directory }) => directory === 'listed' || (nightly && store === 'redis') },
);
