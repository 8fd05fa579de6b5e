import { describe, expect, it } from 'vitest';
import { all, drain, numbered, say } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

async function receiptsOf({ sync }: Process, user: string): Promise<string[]> {
  const messages = await drain(sync.device(user, 'phone'));
  const receipts = messages.filter(({ kind }) => kind === 'receipt');
  return receipts.map(({ conversation, sender, seqId }) => `${sender} ${conversation} ${seqId}`);
}

inWorlds(
  'receipts',
  (open) => {
    describe.each(['write', 'read'] as const)('in %s diffusion', (mode) => {
      const options = { diffusion: MODES[mode](), receipts: true };

      it('tell each sender once how far a member has read', async () => {
        const world = await open();
        const process = await world.start(options);
        await world.join(process, 'g', 'ann', 'bob', 'cem');
        await say(process.sync, 'g', 'ann', 'one', 'two');
        const last = await say(process.sync, 'g', 'cem', 'three');
        await process.sync.markRead('bob', 'g', last);
        await process.sync.markRead('bob', 'g', last);
        expect(await receiptsOf(process, 'ann')).toEqual([`bob g ${last}`]);
        expect(await receiptsOf(process, 'cem')).toEqual([`bob g ${last}`]);
        expect(await receiptsOf(process, 'bob')).toEqual([]);
        const next = await say(process.sync, 'g', 'cem', 'four');
        await process.sync.markRead('bob', 'g', next);
        expect(await receiptsOf(process, 'ann')).toEqual([]);
        expect(await receiptsOf(process, 'cem')).toEqual([`bob g ${next}`]);
        expect((await all(process.sync.conversations('ann'))).map(({ unread }) => unread)).toEqual([2]);
      });

      it('are not sent unless asked for, nor by those who are no members', async () => {
        const world = await open();
        const process = await world.start(options);
        const silent = await world.start({ diffusion: options.diffusion });
        await world.join(process, 'g', 'ann', 'bob');
        const last = await say(process.sync, 'g', 'ann', 'one');
        await silent.sync.markRead('bob', 'g', last);
        await process.sync.markRead('eve', 'g', last);
        expect(await receiptsOf(process, 'ann')).toEqual([]);
      });

      it('are sent of what is kept of a trimmed conversation', async () => {
        const world = await open();
        const process = await world.start(options);
        await world.join(process, 'g', 'ann', 'bob', 'cem');
        const gone = await say(process.sync, 'g', 'ann', 'one');
        const last = await say(process.sync, 'g', 'cem', 'two');
        await process.sync.history('g').trim({ through: gone });
        expect(await process.sync.markRead('bob', 'g', last)).toBe(last);
        expect(await receiptsOf(process, 'cem')).toEqual([`bob g ${last}`]);
        expect(await receiptsOf(process, 'ann')).toEqual([]);
      });

      it('are sent by a repetition if the process dies before the position', async () => {
        for (let nth = 1; nth <= 2; nth++) {
          const world = await open();
          const process = await world.start(options);
          await world.join(process, 'g', 'ann', 'bob');
          const last = await say(process.sync, 'g', 'ann', 'one');
          const dying = await world.start(options);
          let calls = 0;
          dying.faults.sync.before = (method) => {
            if (method === 'append' && ++calls === nth) dying.crash();
          };
          dying.sync.markRead('bob', 'g', last).catch(() => undefined);
          while (!dying.faults.sync.isDead) await new Promise((resolve) => setImmediate(resolve));
          await drain(process.sync.device('bob', 'phone'));
          await process.sync.markRead('bob', 'g', last);
          expect(await receiptsOf(process, 'ann')).toEqual([`bob g ${last}`]);
        }
      });
    });

    it('are not sent in a conversation of more than 100 members', async () => {
      const world = await open();
      const process = await world.start({ receipts: true });
      await world.join(process, 'g', 'ann', 'bob', ...numbered(99));
      const last = await say(process.sync, 'g', 'ann', 'one');
      await process.sync.markRead('bob', 'g', last);
      expect(await receiptsOf(process, 'ann')).toEqual([]);
    });
  },
  { core: true },
);
