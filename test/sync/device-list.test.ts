import { describe, expect, it } from 'vitest';
import type { Device } from '../../sync/index.js';
import { all, drain, numbered, say, shortly, take } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const DAY = 24 * 3600 * 1000;
const WEEK = 7 * DAY;

const namesOf = async ({ sync }: Process, user = 'bob') => (await all(sync.devices(user))).map(({ device }) => device);

/** The traces of the device in the libraries: entries of its Timelines, and checkpoints. */
async function leftovers({ store, inboxes }: Process, device: string): Promise<unknown[]> {
  const timelines = [
    ['device', 'bob', device],
    ['pages', 'bob', device],
  ] as const;
  const entries = (await Promise.all(timelines.map((id) => store.timeline(id).read()))).flatMap((page) => page.entries);
  const positions = entries.filter(({ message }) => !JSON.stringify(message).includes('forgotten'));
  const checkpoint = await inboxes.timeline('bob').checkpoint(`device:${device}`).get();
  return checkpoint === undefined ? positions : [...positions, checkpoint];
}

inWorlds(
  'devices of a user',
  (open) => {
    describe.each(['write', 'read'] as const)('in %s diffusion', (mode) => {
      const diffusion = MODES[mode]();

      it('are listed from their first acknowledgement on, in every process', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        const other = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', 'one');
        expect(await namesOf(process)).toEqual([]);
        await process.sync.device('bob', 'phone').pull();
        expect(await namesOf(process)).toEqual([]);
        await drain(process.sync.device('bob', 'phone'));
        world.now += 1000;
        await drain(other.sync.device('bob', 'laptop'));
        expect(await namesOf(process)).toEqual(['laptop', 'phone']);
        expect(await namesOf(other)).toEqual(['laptop', 'phone']);
        expect(await namesOf(other, 'ann')).toEqual([]);
        const [laptop, phone] = await all(process.sync.devices('bob'));
        expect(laptop!.lastSeenAt - phone!.lastSeenAt).toBeGreaterThanOrEqual(1000);
      });

      it('are forgotten: nothing is left, and one that comes back starts as a new one', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        const other = await world.start({ diffusion });
        for (const name of ['g', ...numbered(30, 'h')]) {
          await world.join(process, name, 'ann', 'bob');
          await say(process.sync, name, 'ann', `in ${name}`);
        }
        const phone = process.sync.device('bob', 'phone');
        const old = await phone.pull();
        await drain(phone, 7);
        const elsewhere = other.sync.device('bob', 'phone');
        expect(await drain(elsewhere)).toEqual([]);
        await other.sync.forgetDevice('bob', 'phone');
        await process.sync.forgetDevice('bob', 'phone');
        expect(await namesOf(process)).toEqual([]);
        expect(await leftovers(process, 'phone')).toEqual([]);
        // A process that has not noticed stores nothing that counts.
        await phone.ack(old.cursor).catch(() => undefined);
        for (const device of [phone, elsewhere]) expect((await device.pull()).messages).toHaveLength(31);
        await expect(phone.ack(old.cursor)).rejects.toMatchObject({ code: 'TIMELINE_INVALID_CURSOR' });
        expect(await drain(phone, 7)).toHaveLength(31);
        expect(await drain(elsewhere)).toEqual([]);
        expect(await namesOf(other)).toEqual(['phone']);
        await say(process.sync, 'g', 'ann', 'later');
        expect(shortly(await drain(elsewhere))).toEqual(['later']);
      });

      it('that come back after being forgotten start as they are told to', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', 'one', 'two', 'three');
        await drain(process.sync.device('bob', 'phone'));
        await process.sync.forgetDevice('bob', 'phone');
        const again = process.sync.device('bob', 'phone', { start: { last: 1 } });
        expect(shortly((await again.pull()).messages)).toEqual(['three']);
        expect(await namesOf(process)).toEqual(['phone']);
        await process.sync.forgetDevice('bob', 'phone');
        expect(shortly((await process.sync.device('bob', 'phone').pull()).messages)).toEqual(['one', 'two', 'three']);
      });

      it('are forgotten while another process acknowledges: nothing is skipped', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        const other = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', 'one', 'two');
        const phone = other.sync.device('bob', 'phone');
        const page = await phone.pull({ limit: 1 });
        await phone.ack(page.cursor);
        const next = await phone.pull({ limit: 1 });
        await Promise.all([process.sync.forgetDevice('bob', 'phone'), phone.ack(next.cursor).catch(() => undefined)]);
        // The acknowledgement counts, or the device has started anew.
        const got = shortly(await drain(process.sync.device('bob', 'phone')));
        expect([[], ['one', 'two']]).toContainEqual(got);
        await say(process.sync, 'g', 'ann', 'three');
        expect(shortly(await drain(phone))).toEqual(['three']);
        expect(await namesOf(process)).toEqual(['phone']);
      });

      it('are forgotten once they were idle, if another one is used, is listed or at a recovery', async () => {
        const world = await open();
        world.now -= 10 * WEEK;
        const options = { diffusion, deviceTtlMs: WEEK };
        const process = await world.start(options);
        await world.join(process, 'g', 'ann', 'bob');
        await say(process.sync, 'g', 'ann', 'one');
        for (const name of ['phone', 'laptop', 'tablet']) await drain(process.sync.device('bob', name));
        await drain(process.sync.device('ann', 'phone'));
        world.now += 6 * DAY;
        const next = await world.start(options);
        await next.sync.device('bob', 'phone').pull();
        world.now += 2 * DAY;
        const third = await world.start({ diffusion });
        expect(await namesOf(third)).toEqual(['phone', 'laptop', 'tablet'].sort((a) => (a === 'phone' ? -1 : 0)));
        await (await world.start(options)).sync.device('bob', 'phone').pull();
        expect(await namesOf(third)).toEqual(['phone']);
        expect(await namesOf(third, 'ann')).toEqual(['phone']);
        await next.sync.recover({ all: true });
        expect(await namesOf(third, 'ann')).toEqual([]);
        expect(await leftovers(third, 'laptop')).toEqual([]);
        world.now += 8 * DAY;
        expect(await namesOf(next)).toEqual([]);
        expect(shortly(await drain(next.sync.device('bob', 'laptop')))).toContain('one');
      });
    });

    it('that are subscribed start anew when they are forgotten', async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES.read(), pollMs: 10 });
      const other = await world.start({ diffusion: MODES.read() });
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'one');
      const phone: Device<string> = process.sync.device('bob', 'phone');
      await drain(phone);
      const heard = take(phone.subscribe(), 2);
      await other.sync.forgetDevice('bob', 'phone');
      await say(process.sync, 'g', 'ann', 'two');
      const got = await heard;
      expect(shortly(got).at(-1)).toBe('two');
      await phone.ack(got.at(-1)!.cursor);
      await say(process.sync, 'g', 'ann', 'three');
      expect(shortly(await drain(phone))).toEqual(['three']);
    });

    it('leave nothing a day later, however many there were', async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES.read() });
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'one');
      const tabs = numbered(20, 'tab');
      for (const tab of tabs) await drain(process.sync.device('bob', tab));
      for (const tab of tabs) await process.sync.forgetDevice('bob', tab);
      world.now += WEEK;
      expect(await namesOf(process)).toEqual([]);
      for (const tab of tabs)
        expect((await process.store.timeline(['device', 'bob', tab]).read({ limit: 10 })).entries).toEqual([]);
      expect(shortly(await drain(process.sync.device('bob', 'tab3')))).toEqual(['one']);
      expect(await drain(process.sync.device('bob', 'tab3'))).toEqual([]);
    });

    it.each(['append', 'trim', 'reset'] as const)(
      'are forgotten in the end if the process dies before any %s',
      async (method) => {
        for (let nth = 1; nth <= 4; nth++) {
          const world = await open();
          const process = await world.start({ diffusion: MODES.read() });
          await world.join(process, 'g', 'ann', 'bob');
          await say(process.sync, 'g', 'ann', 'one');
          await drain(process.sync.device('bob', 'phone'));
          await drain(process.sync.device('bob', 'laptop'));
          const dying = await world.start({ diffusion: MODES.read() });
          let calls = 0;
          for (const library of [dying.faults.store, dying.faults.sync]) {
            library.before = (called) => {
              if (called === method && ++calls === nth) dying.crash();
            };
          }
          const forgetting = dying.sync.forgetDevice('bob', 'phone').catch(() => undefined);
          const dead = async () => {
            while (!dying.faults.store.isDead) await new Promise((resolve) => setImmediate(resolve));
          };
          await Promise.race([forgetting, dead()]);
          const listed = await namesOf(process);
          expect(listed).toContain('laptop');
          if (!listed.includes('phone')) expect(await leftovers(process, 'phone')).toEqual([]);
          const got = shortly(await drain(process.sync.device('bob', 'phone')));
          expect(got).toEqual(listed.includes('phone') ? [] : ['one']);
        }
      },
    );
  },
  { core: true },
);
