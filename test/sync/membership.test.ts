import { describe, expect, it } from 'vitest';
import type { SyncOptions } from '../../sync/index.js';
import { until } from '../support/until.js';
import { all, drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const seenBy = async ({ sync }: Process, user: string, device = 'phone') =>
  shortly(await drain(sync.device(user, device)));

inWorlds(
  'a member',
  (open) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      const diffusion = MODES[mode]();

      it('gets what is sent from joining to leaving, again after joining again, and nothing else', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'cat');
        await say(process.sync, 'g', 'ann', 'before');
        const early = process.sync.device('bob', 'early');
        expect(await drain(early)).toEqual([]);
        await world.join(process, 'g', 'bob');
        await say(process.sync, 'g', 'ann', 'first stay');
        await world.leave(process, 'g', 'bob');
        await say(process.sync, 'g', 'ann', 'between');
        const middle = process.sync.device('bob', 'middle');
        expect(shortly(await drain(middle))).toEqual(['first stay']);
        await world.join(process, 'g', 'bob');
        await say(process.sync, 'g', 'ann', 'second stay');
        for (const limit of [1, 100])
          expect(shortly(await drain(process.sync.device('bob', `late ${limit}`), limit))).toEqual([
            'first stay',
            'second stay',
          ]);
        expect(shortly(await drain(early))).toEqual(['first stay', 'second stay']);
        expect(shortly(await drain(middle))).toEqual(['second stay']);
        await world.leave(process, 'g', 'bob');
        await say(process.sync, 'g', 'ann', 'after');
        for (const name of ['early', 'middle', 'never seen']) {
          expect(await seenBy(process, 'bob', name)).toEqual(
            name === 'never seen' ? ['first stay', 'second stay'] : [],
          );
        }
        expect(await seenBy(process, 'cat')).toEqual(['before', 'first stay', 'between', 'second stay', 'after']);
      });

      it('gets the same when joins, leaves and messages are recorded long before they are worked in', async () => {
        const world = await open();
        const [one, two] = [await world.start({ diffusion }), await world.start({ diffusion })];
        await world.join(one, 'g', 'ann', 'cat');
        await say(one.sync, 'g', 'ann', 'before');
        const { faults } = one;
        // From here on the first process records, and works nothing in.
        faults.sync.die();
        faults.store.refuse(['members', 'g'], ['memberships', 'bob'], ['memberships', 'dan']);
        const send = (body: string) => one.sync.send({ conversation: 'g', sender: 'ann', body });
        await one.sync.join('g', 'bob');
        await send('stay');
        await one.sync.leave('g', 'bob');
        await send('between');
        await one.sync.join('g', ['bob', 'dan']);
        await send('again');
        one.crash();
        await two.sync.recover();
        expect(await seenBy(two, 'bob')).toEqual(['stay', 'again']);
        expect(await seenBy(two, 'dan')).toEqual(['again']);
        expect(await seenBy(two, 'cat')).toEqual(['before', 'stay', 'between', 'again']);
      });

      it.each([
        ['all', ['m0', 'm1', 'm2', 'm3', 'm4', 'live']],
        ['since-joining', ['live']],
        [{ last: 2 }, ['m3', 'm4', 'live']],
        [{ last: 0 }, ['live']],
        [{ last: 50 }, ['m0', 'm1', 'm2', 'm3', 'm4', 'live']],
      ] as const)('who is new sees of the past what %j says, edits included', async (newcomers, expected) => {
        const world = await open();
        const process = await world.start({
          diffusion,
          newcomers: newcomers as NonNullable<SyncOptions<string>['newcomers']>,
        });
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'cat');
        await say(sync, 'g', 'ann', 'm0', 'm1', 'm2');
        const third = await say(sync, 'g', 'ann', 'raw');
        await (await sync.edit('g', third, 'm3')).delivered;
        await say(sync, 'g', 'ann', 'm4');
        await world.join(process, 'g', 'bob');
        await say(sync, 'g', 'ann', 'live');
        for (const name of ['phone', 'laptop']) {
          const messages = (await drain(sync.device('bob', name))).filter(({ kind }) => kind === 'message');
          expect(shortly(messages)).toEqual(expected);
        }
        const [summary] = await all(sync.conversations('bob'));
        expect(summary).toMatchObject({ conversation: 'g', unread: expected.length });
      });

      it('who comes back sees what was missed only if newcomers do, and nothing twice', async () => {
        const world = await open();
        const process = await world.start({ diffusion, newcomers: 'all' });
        await world.join(process, 'g', 'ann', 'cat');
        await say(process.sync, 'g', 'ann', 'zero');
        await world.join(process, 'g', 'bob');
        await say(process.sync, 'g', 'ann', 'one');
        const phone = process.sync.device('bob', 'phone');
        expect(shortly(await drain(phone))).toEqual(['zero', 'one']);
        await world.leave(process, 'g', 'bob');
        await say(process.sync, 'g', 'ann', 'two');
        await world.join(process, 'g', 'bob');
        await say(process.sync, 'g', 'ann', 'three');
        expect(shortly(await drain(phone))).toEqual(['two', 'three']);
        expect(await seenBy(process, 'bob', 'new')).toEqual(['zero', 'one', 'two', 'three']);
      });

      it('joining or leaving twice changes nothing', async () => {
        const world = await open();
        const process = await world.start({ diffusion, newcomers: 'all' });
        const { sync, directory } = process;
        await world.join(process, 'g', 'ann', 'bob', 'bob');
        await say(sync, 'g', 'ann', 'one');
        await world.join(process, 'g', 'bob');
        expect(await seenBy(process, 'bob')).toEqual(['one']);
        await world.leave(process, 'g', 'bob');
        await world.leave(process, 'g', 'bob', 'stranger');
        await say(sync, 'g', 'ann', 'two');
        expect(await seenBy(process, 'bob')).toEqual([]);
        expect(
          await all(
            (async function* () {
              yield* await directory.members('g');
            })(),
          ),
        ).toEqual(['ann']);
        expect(await all(sync.conversations('bob'))).toEqual([]);
        expect(await directory.size?.('g')).toBe(1);
      });
    });

    it('sees in other processes what one process changed', async () => {
      const world = await open();
      const [one, two] = [await world.start(), await world.start()];
      await world.join(one, 'g', 'ann');
      await say(two.sync, 'g', 'ann', 'one');
      await world.join(one, 'g', 'bob');
      await say(two.sync, 'g', 'ann', 'two');
      await world.leave(two, 'g', 'ann');
      await say(one.sync, 'g', 'bob', 'three');
      expect(await seenBy(two, 'bob')).toEqual(['two', 'three']);
      expect(await seenBy(two, 'ann')).toEqual(['one', 'two']);
    });

    it('of more than a page of members is one of them', async () => {
      const world = await open();
      const process = await world.start();
      const users = numbered(1203, 'user');
      await world.join(process, 'g', ...users);
      const { delivered } = await process.sync.send({ conversation: 'g', sender: 'user0', body: 'all' });
      expect(await delivered).toMatchObject({ recipients: 1203 });
      for (const user of ['user0', 'user499', 'user500', 'user1202'])
        expect(await seenBy(process, user)).toEqual(['all']);
    });

    it('joins though what newcomers may see was changed between a crash and recovery', async () => {
      const world = await open();
      const one = await world.start({ newcomers: 'all' });
      await world.join(one, 'g', 'ann');
      await say(one.sync, 'g', 'ann', 'old');
      let isHalfDone = false;
      one.faults.store.after = (method, [writes]) => {
        if (isHalfDone || !isRoster(method, writes)) return;
        isHalfDone = true;
        one.crash();
      };
      await one.sync.join('g', 'bob');
      await until('half of it is done', () => isHalfDone);
      const two = await world.start({ newcomers: 'since-joining' });
      await two.sync.recover();
      await say(two.sync, 'g', 'ann', 'new');
      expect((await seenBy(two, 'bob')).at(-1)).toBe('new');
    });
  },
  { only: ({ directory }) => directory === 'kept' },
);

/** Is this how the directory records a join or leave? */
function isRoster(method: string, writes: unknown): boolean {
  return (
    method === 'append' && (writes as { timeline: string }[]).some(({ timeline }) => timeline.startsWith('members'))
  );
}
