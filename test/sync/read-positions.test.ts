import { expect, it } from 'vitest';
import { until } from '../support/until.js';
import { all, drain, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

async function readSeqId({ sync }: Process, user: string): Promise<bigint | undefined> {
  return (await all(sync.conversations(user)))[0]?.readSeqId;
}

inWorlds(
  'what was read',
  (open) => {
    it('never goes back, whoever says so and when', async () => {
      const world = await open();
      const [one, two] = [await world.start(), await world.start()];
      await world.join(one, 'g', 'ann', 'bob');
      const first = await say(one.sync, 'g', 'ann', 'one');
      const last = await say(one.sync, 'g', 'ann', 'two', 'three');
      expect(await one.sync.markRead('bob', 'g', last - 1n)).toBe(last - 1n);
      expect(await two.sync.markRead('bob', 'g', first)).toBe(last - 1n);
      const raced = await Promise.all(
        [last, first, last - 1n].map((seqId, i) => [one, two, one][i]!.sync.markRead('bob', 'g', seqId)),
      );
      expect(raced[0]).toBe(last);
      expect(await two.sync.markRead('bob', 'g', 0n)).toBe(last);
      expect(await readSeqId(two, 'bob')).toBe(last);
      expect(await readSeqId(two, 'ann')).toBe(0n);
    });

    it('reaches the user’s other devices, once each, and nobody else’s', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      const first = await say(process.sync, 'g', 'ann', 'one');
      const second = await say(process.sync, 'g', 'ann', 'two');
      const devices = ['phone', 'laptop'].map((name) => process.sync.device('bob', name));
      for (const device of devices) await drain(device);
      const ann = process.sync.device('ann', 'phone');
      await drain(ann);
      await process.sync.markRead('bob', 'g', first);
      await process.sync.markRead('bob', 'g', second);
      await process.sync.markRead('bob', 'g', first);
      for (const device of devices) {
        const heard = await drain(device);
        expect(shortly(heard)).toEqual([`read ${first}`, `read ${second}`]);
        expect(heard[0]).toMatchObject({ kind: 'read', conversation: 'g', seqId: first, sender: 'bob' });
      }
      expect(await drain(ann)).toEqual([]);
    });

    it('is told of all members, or of those named', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob', 'cat');
      const first = await say(process.sync, 'g', 'ann', 'one');
      const second = await say(process.sync, 'g', 'ann', 'two');
      await process.sync.markRead('bob', 'g', first);
      await process.sync.markRead('cat', 'g', second);
      const positions = new Map([
        ['ann', 0n],
        ['bob', first],
        ['cat', second],
      ]);
      expect(await process.sync.readPositions('g')).toEqual(positions);
      expect(await process.sync.readPositions('g', ['cat', 'dan'])).toEqual(
        new Map([
          ['cat', second],
          ['dan', 0n],
        ]),
      );
      expect(await process.sync.readPositions('empty')).toEqual(new Map());
    });

    it('beyond the end is refused before any write, and of nothing is nothing', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      const last = await say(process.sync, 'g', 'ann', 'one');
      for (const [conversation, seqId] of [
        ['g', last + 1n],
        ['empty', 1n],
      ] as const) {
        await expect(process.sync.markRead('bob', conversation, seqId)).rejects.toMatchObject({
          code: 'TIMELINE_INVALID_ARGUMENT',
          argument: 'seqId',
        });
      }
      expect(await process.sync.markRead('bob', 'empty', 0n)).toBe(0n);
      expect(await process.sync.markRead('bob', 'g', 0n)).toBe(0n);
      expect(await drain(process.sync.device('bob', 'phone'))).toHaveLength(1);
    });

    it.each(
      (['write', 'read', 'hybrid'] as const).flatMap((mode) =>
        (['append', 'advance'] as const).flatMap((method) =>
          (['before', 'after'] as const).map((when) => [mode, when, method] as const),
        ),
      ),
    )('is the same for devices and list in %s diffusion if its process dies %s the %s', async (mode, when, method) => {
      const world = await open();
      const diffusion = MODES[mode]();
      const [one, two] = [await world.start({ diffusion }), await world.start({ diffusion })];
      await world.join(one, 'g', 'ann', 'bob');
      const first = await say(one.sync, 'g', 'ann', 'one');
      const second = await say(one.sync, 'g', 'ann', 'two');
      await one.sync.markRead('bob', 'g', first);
      await drain(two.sync.device('bob', 'phone'));
      // Fan-out positions are advanced late: none is left to be taken for the one of this call.
      await one.sync.recover();
      let hasDied = false;
      const die = (called: string) => {
        if (called !== method || hasDied) return;
        hasDied = true;
        one.crash();
      };
      const faults = method === 'append' ? one.faults.sync : one.faults.store;
      faults[when] = die;
      one.sync.markRead('bob', 'g', second).catch(() => undefined);
      await until('it dies', () => hasDied);
      // A call that was made may still be executed.
      await until('its last call has ended', async () => {
        const { lastSeqId } = await two.inboxes.timeline('bob').head();
        const entry = lastSeqId === 0n ? undefined : await two.inboxes.timeline('bob').get(lastSeqId);
        const isTold = entry?.message.kind === 'read' && entry.message.seqId === String(second);
        return isTold === (method === 'advance' || when === 'after');
      });
      const heard = shortly(await drain(two.sync.device('bob', 'phone'))).filter((text) => text.startsWith('read'));
      const isTold = method === 'advance' || when === 'after';
      expect(heard).toEqual(isTold ? [`read ${second}`] : []);
      expect(await readSeqId(two, 'bob')).toBe(isTold ? second : first);
      expect(await two.sync.markRead('bob', 'g', second)).toBe(second);
      expect(await two.sync.markRead('bob', 'g', first)).toBe(second);
      const late = shortly(await drain(two.sync.device('bob', 'late'))).filter((text) => text.startsWith('read'));
      expect(late).toEqual([`read ${first}`, `read ${second}`]);
    });
  },
  { core: true },
);
