import { describe, expect, it } from 'vitest';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

inWorlds(
  'a device',
  (open) => {
    describe.each(['write', 'read'] as const)('in %s diffusion', (mode) => {
      const diffusion = MODES[mode]();

      it('gets a page again until it acknowledges it, and then the next', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', ...numbered(5));
        const phone = process.sync.device('bob', 'phone');
        const first = await phone.pull({ limit: 2 });
        expect(shortly(first.messages)).toEqual(['m0', 'm1']);
        expect(first).toMatchObject({ upToDate: false, resynced: false });
        await say(process.sync, 'g', 'ann', 'm5');
        expect((await phone.pull({ limit: 2 })).messages).toEqual(first.messages);
        await phone.ack(first.cursor);
        await phone.ack(first.cursor);
        expect(shortly((await phone.pull({ limit: 2 })).messages)).toEqual(['m2', 'm3']);
        const rest = await phone.pull();
        expect(shortly(rest.messages)).toEqual(['m2', 'm3', 'm4', 'm5']);
        expect(rest.upToDate).toBe(true);
        await phone.ack(rest.cursor);
        expect(await phone.pull()).toMatchObject({ messages: [], upToDate: true });
      });

      it.each([1, 2, 3, 7])('takes %i at a time and misses nothing, from several conversations', async (limit) => {
        const world = await open();
        const process = await world.start({ diffusion });
        for (const conversation of ['g', 'h', 'i']) {
          await world.join(process, conversation, 'ann', 'bob');
          await say(process.sync, conversation, 'ann', ...numbered(4, conversation));
        }
        const phone = process.sync.device('bob', 'phone');
        const got: string[] = [];
        for (;;) {
          const page = await phone.pull({ limit });
          expect(page.messages.length).toBeLessThanOrEqual(limit);
          got.push(...shortly(page.messages));
          await phone.ack(page.cursor);
          if (page.upToDate) break;
        }
        for (const conversation of ['g', 'h', 'i']) {
          expect(got.filter((body) => body.startsWith(conversation))).toEqual(numbered(4, conversation));
        }
        expect(got).toHaveLength(12);
      });

      it('may acknowledge any message: it and all before it do not come again', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        for (const conversation of ['g', 'h']) {
          await world.join(process, conversation, 'ann', 'bob');
          await say(process.sync, conversation, 'ann', ...numbered(3, conversation));
        }
        const phone = process.sync.device('bob', 'phone');
        const { messages } = await phone.pull();
        for (const [i, { cursor }] of messages.entries()) {
          await phone.ack(cursor);
          expect(shortly((await phone.pull()).messages)).toEqual(shortly(messages.slice(i + 1)));
        }
      });

      it('never goes back: acknowledgements may be repeated, late and out of order', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', ...numbered(6));
        const phone = process.sync.device('bob', 'phone');
        const { messages, cursor } = await phone.pull();
        await phone.ack(messages[3]!.cursor);
        await Promise.all(
          [messages[0]!, messages[4]!, messages[2]!, messages[1]!].map((message) => phone.ack(message.cursor)),
        );
        expect(shortly((await phone.pull()).messages)).toEqual(['m5']);
        await phone.ack(cursor);
        await phone.ack(messages[0]!.cursor);
        expect((await phone.pull()).messages).toEqual([]);
        const again = await world.start({ diffusion });
        expect((await again.sync.device('bob', 'phone').pull()).messages).toEqual([]);
      });

      it('has a position of its own', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', 'one', 'two');
        const devices = numbered(12, 'device').map((name) => process.sync.device('bob', name));
        for (const device of devices.slice(0, 6)) await drain(device);
        await say(process.sync, 'g', 'ann', 'three');
        for (const [i, device] of devices.entries())
          expect(shortly(await drain(device))).toEqual(i < 6 ? ['three'] : ['one', 'two', 'three']);
      });

      it('may be served by two processes at once', async () => {
        const world = await open();
        const [one, two] = [await world.start({ diffusion }), await world.start({ diffusion })];
        await world.join(one, 'g', 'ann', 'bob');
        const [here, there] = [one.sync.device('bob', 'phone'), two.sync.device('bob', 'phone')];
        await say(one.sync, 'g', 'ann', ...numbered(6));
        const [a, b] = await Promise.all([here.pull({ limit: 3 }), there.pull({ limit: 4 })]);
        expect(a.messages.map(({ seqId }) => seqId)).toEqual(b.messages.slice(0, 3).map(({ seqId }) => seqId));
        await there.ack(b.cursor);
        await here.ack(a.cursor);
        for (const device of [here, there]) expect(shortly((await device.pull()).messages)).toEqual(['m4', 'm5']);
        await Promise.all([
          here.pull().then(({ cursor }) => here.ack(cursor)),
          there.pull().then(({ cursor }) => there.ack(cursor)),
        ]);
        await say(two.sync, 'g', 'ann', 'm6');
        for (const device of [here, there]) expect(shortly((await device.pull()).messages)).toEqual(['m6']);
      });

      it('refuses the cursor of another device, of another user, of a Timeline, and what is none', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', 'one');
        const phone = process.sync.device('bob', 'phone');
        const strange = [
          (await process.sync.device('bob', 'laptop').pull()).cursor,
          (await process.sync.device('ann', 'phone').pull()).cursor,
          (await process.sync.history('g').read()).next,
          ...['', 'x', 's1.x', 's1.x.y', `${(await phone.pull()).cursor}x.`, undefined, null, 1, 1n, {}],
        ];
        for (const cursor of strange) {
          await expect(phone.ack(cursor as string), String(cursor)).rejects.toMatchObject({
            code: 'TIMELINE_INVALID_CURSOR',
            argument: 'cursor',
          });
        }
        const good = (await phone.pull()).cursor;
        for (let i = 0; i < good.length; i += 3) {
          const bent = `${good.slice(0, i)}${good[i] === 'A' ? 'B' : 'A'}${good.slice(i + 1)}`;
          await phone.ack(bent).catch((error: unknown) => expect(error).toHaveProperty('code'));
        }
        expect(await phone.pull()).toMatchObject({ upToDate: true });
      });

      it('refuses a cursor that was made up: no device reads its way into a conversation of others', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'secret', 'ann', 'cat');
        await say(process.sync, 'secret', 'ann', 'not for bob');
        const phone = process.sync.device('bob', 'phone');
        const [version, tag] = (await phone.pull()).cursor.split('.');
        const forged = Buffer.from(JSON.stringify({ g: 0, p: { secret: '0 0 -' } })).toString('base64url');
        await expect(phone.ack(`${version}.${tag}.${forged}`)).rejects.toMatchObject({
          code: 'TIMELINE_INVALID_CURSOR',
        });
        expect(await drain(phone)).toEqual([]);
      });

      it('that is told to stop, stops', async () => {
        const world = await open();
        const { sync } = await world.start({ diffusion });
        const device = sync.device('bob', 'phone');
        await expect(device.pull({ signal: AbortSignal.abort() })).rejects.toMatchObject({ code: 'TIMELINE_ABORTED' });
      });
    });

    it('with names of any letters is kept apart from others', async () => {
      const world = await open();
      const process = await world.start();
      const names = ['a/b', 'a~b', 'ä', '日本', '__proto__', 'a b', '"', '{}'];
      for (const name of names) await world.join(process, `group ${name}`, name, 'ann');
      for (const name of names) await say(process.sync, `group ${name}`, 'ann', `to ${name}`);
      for (const name of names) expect(shortly(await drain(process.sync.device(name, name)))).toEqual([`to ${name}`]);
    });
  },
  { core: true },
);

inWorlds('a device that was never seen before', (open) => {
  describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
    const diffusion = MODES[mode]();
    const PEOPLE = ['ann', 'bob', 'cat'];

    it('starts with the oldest that is kept', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      await world.join(process, 'g', ...PEOPLE);
      await say(process.sync, 'g', 'ann', ...numbered(3));
      expect(shortly(await drain(process.sync.device('bob', 'phone', { start: 'oldest' })))).toEqual(numbered(3));
    });

    it('starts now: with what comes after its first pull', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      const phone = process.sync.device('bob', 'phone', { start: 'now' });
      expect(await phone.pull()).toMatchObject({ messages: [], resynced: false });
      await world.join(process, 'g', ...PEOPLE);
      await say(process.sync, 'g', 'ann', 'first');
      expect(shortly(await drain(phone))).toEqual(['first']);
      const tablet = process.sync.device('bob', 'tablet', { start: 'now' });
      expect((await tablet.pull()).messages).toEqual([]);
      await say(process.sync, 'g', 'ann', 'second');
      expect(shortly((await tablet.pull()).messages)).toEqual(['second']);
      const elsewhere = await world.start({ diffusion });
      expect(shortly(await drain(elsewhere.sync.device('bob', 'tablet', { start: 'now' })))).toEqual(['second']);
    });

    it('starts with the last few of each conversation, then what comes', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      const { sync } = process;
      for (const conversation of ['g', 'h']) await world.join(process, conversation, ...PEOPLE);
      await say(sync, 'g', 'ann', ...numbered(5, 'g'));
      await (await sync.edit('g', (await say(sync, 'g', 'ann', 'g5')) - 1n, 'G4')).delivered;
      await say(sync, 'h', 'ann', 'h0');
      const phone = sync.device('bob', 'phone', { start: { last: 2 } });
      const { messages, resynced } = await phone.pull();
      expect(resynced).toBe(false);
      const of = (conversation: string) => shortly(messages.filter((message) => message.conversation === conversation));
      expect(of('g').filter((text) => !text.startsWith('edit'))).toEqual(['G4', 'g5']);
      expect(of('h')).toEqual(['h0']);
      await say(sync, 'g', 'cat', 'g6');
      const got = await drain(phone, 1);
      expect(shortly(got.filter(({ conversation, kind }) => conversation === 'g' && kind === 'message'))).toEqual([
        'G4',
        'g5',
        'g6',
      ]);
    });

    it('keeps where it started when it is asked for in another way', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      await world.join(process, 'g', ...PEOPLE);
      await say(process.sync, 'g', 'ann', 'one', 'two', 'three');
      const first = await process.sync.device('bob', 'phone', { start: { last: 1 } }).pull();
      expect(shortly(first.messages)).toEqual(['three']);
      for (const start of ['oldest', 'now', { last: 2 }] as const) {
        const other = await world.start({ diffusion });
        expect(shortly((await other.sync.device('bob', 'phone', { start }).pull()).messages)).toEqual(['three']);
      }
    });

    it('of a user without anything gets nothing, then what comes', async () => {
      const world = await open();
      const process = await world.start({ diffusion });
      const phone = process.sync.device('bob', 'phone');
      expect(await drain(phone)).toEqual([]);
      await world.join(process, 'g', ...PEOPLE);
      await say(process.sync, 'g', 'ann', 'first');
      expect(shortly(await drain(phone))).toEqual(['first']);
    });
  });
});
