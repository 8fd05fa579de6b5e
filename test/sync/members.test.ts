import { describe, expect, it } from 'vitest';
import { all, numbered, say } from './support/people.js';
import { inWorlds, type Process, type World } from './support/worlds.js';

const entriesOf = async ({ store }: Process) => (await store.timeline('g').read({ limit: 1000 })).entries;

inWorlds(
  'members',
  (open, setting) => {
    const keeps = setting.directory === 'kept';

    async function twoProcesses(): Promise<{ world: World; here: Process; there: Process }> {
      const world = await open();
      return { world, here: await world.start(), there: await world.start() };
    }

    it('are listed, and asked for, in every process', async () => {
      const { world, here, there } = await twoProcesses();
      expect(await all(there.sync.members('g'))).toEqual([]);
      expect(await there.sync.isMember('g', 'ann')).toBe(false);
      await world.join(here, 'g', 'ann', 'bob');
      for (const { sync } of [here, there]) {
        expect((await all(sync.members('g'))).sort()).toEqual(['ann', 'bob']);
        expect(await sync.isMember('g', 'bob')).toBe(true);
        expect(await sync.isMember('g', 'cat')).toBe(false);
        expect(await sync.isMember('other', 'bob')).toBe(false);
      }
      await world.leave(here, 'g', 'bob');
      for (const { sync } of [here, there]) {
        expect(await all(sync.members('g'))).toEqual(['ann']);
        expect(await sync.isMember('g', 'bob')).toBe(false);
      }
      await world.join(there, 'g', 'bob');
      for (const { sync } of [here, there]) expect(await sync.isMember('g', 'bob')).toBe(true);
    });

    it('who have left were members, in every process', async () => {
      const { world, here, there } = await twoProcesses();
      await world.join(here, 'g', 'ann', 'bob');
      const were = (user: string) => Promise.all([here, there].map(({ sync }) => sync.wasMember('g', user)));
      expect(await were('bob')).toEqual([false, false]);
      await world.leave(here, 'g', 'bob');
      // A directory of the caller's own keeps no leaves.
      expect(await were('bob')).toEqual([keeps, keeps]);
      expect(await were('eve')).toEqual([false, false]);
      await world.join(here, 'g', 'bob');
      expect(await were('bob')).toEqual([false, false]);
    });

    it('are asked for many times at once with few reads', async () => {
      const { world, here } = await twoProcesses();
      await world.join(here, 'g', 'ann', 'bob');
      let reads = 0;
      here.faults.store.before = (method) => {
        if (method === 'read') reads++;
      };
      const answers = await Promise.all(numbered(100).map(() => here.sync.isMember('g', 'bob')));
      expect(answers).toEqual(numbered(100).map(() => true));
      expect(reads).toBeLessThanOrEqual(keeps ? 2 : 0);
    });

    it('are not looked for beyond the one who is meant', async () => {
      const world = await open();
      let asked = 0;
      const members = function* () {
        for (const user of ['ann', 'bob', 'cat']) {
          asked++;
          yield user;
        }
      };
      const { sync } = await world.start({ directory: { members, conversations: () => ['g'] } });
      expect(await sync.isMember('g', 'bob')).toBe(true);
      expect(asked).toBe(2);
      for await (const user of sync.members('g')) if (user === 'ann') break;
      expect(asked).toBe(3);
    });

    it('have names', async () => {
      const world = await open();
      const { sync } = await world.start();
      const code = 'TIMELINE_INVALID_ARGUMENT';
      await expect(sync.isMember('', 'ann')).rejects.toMatchObject({ code, argument: 'conversation' });
      await expect(sync.isMember('g', 1 as never)).rejects.toMatchObject({ code, argument: 'user' });
      expect(() => sync.members(undefined as never)).toThrow(expect.objectContaining({ argument: 'conversation' }));
      await sync.close();
      await expect(sync.isMember('g', 'ann')).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
      await expect(all(sync.members('g'))).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
    });

    describe.runIf(keeps)('who come and go', () => {
      it('by somebody are so in the conversation', async () => {
        const { here } = await twoProcesses();
        await (await here.sync.join('g', ['ann', 'bob'], { by: 'root' })).delivered;
        await (await here.sync.leave('g', 'bob', { by: 'ann' })).delivered;
        await (await here.sync.leave('g', 'ann')).delivered;
        expect((await entriesOf(here)).map(({ message }) => message)).toMatchObject([
          { kind: 'join', users: ['ann', 'bob'], by: 'root' },
          { kind: 'leave', users: ['bob'], by: 'ann' },
          { kind: 'leave', users: ['ann'] },
        ]);
      });

      it('with a key do so once, from any process', async () => {
        const { here, there } = await twoProcesses();
        const first = await here.sync.join('g', ['ann', 'bob'], { key: 'k' });
        expect(first.duplicate).toBe(false);
        const again = await there.sync.join('g', ['ann', 'bob'], { key: 'k' });
        expect(again).toMatchObject({ seqId: first.seqId, duplicate: true });
        await again.delivered;
        const left = await there.sync.leave('g', ['ann', 'bob'], { key: 'k' });
        expect(left.duplicate).toBe(false);
        await left.delivered;
        expect((await here.sync.leave('g', ['ann', 'bob'], { key: 'k' })).duplicate).toBe(true);
        expect((await here.sync.join('g', ['ann', 'bob'], { key: 'k' })).duplicate).toBe(true);
        expect(await here.sync.isMember('g', 'ann')).toBe(false);
        const other = here.sync.join('g', ['cat'], { key: 'k' });
        await expect(other).rejects.toMatchObject({ code: 'TIMELINE_KEY_CONFLICT' });
      });

      it('in parts are completed by a repetition after a crash', async () => {
        const { here, there } = await twoProcesses();
        const users = numbered(1200, 'user-');
        let appends = 0;
        here.faults.store.after = (method, [writes]) => {
          const isJoin = JSON.stringify(writes, (_, value) =>
            typeof value === 'bigint' ? String(value) : value,
          ).includes('user-');
          if (method === 'append' && isJoin && ++appends === 2) here.crash();
        };
        void here.sync.join('g', users, { key: 'all' }).catch(() => undefined);
        await expect.poll(() => here.faults.store.isDead).toBe(true);
        const again = await there.sync.join('g', users, { key: 'all' });
        expect(again.duplicate).toBe(false);
        await again.delivered;
        expect((await all(there.sync.members('g'))).length).toBe(1200);
        const sizes = (await entriesOf(there)).flatMap(({ message }) =>
          message?.kind === 'join' ? [message.users.length] : [],
        );
        expect(sizes).toEqual([500, 500, 200]);
        expect((await there.sync.join('g', users, { key: 'all' })).duplicate).toBe(true);
      });
    });

    it('who edit and recall are told to devices', async () => {
      for (const bodies of ['copy', 'reference'] as const) {
        const world = await open();
        const process = await world.start({ bodies });
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob');
        const seqId = await say(sync, 'g', 'ann', 'first', 'second');
        await (await sync.edit('g', seqId, 'changed', { by: 'mod' })).delivered;
        await (await sync.edit('g', seqId, 'again')).delivered;
        await (await sync.recall('g', seqId - 1n, { by: 'mod' })).delivered;
        const changes = (await sync.device('bob', 'phone').pull()).messages.filter(({ kind }) => kind !== 'message');
        expect(
          changes.map((message) => [message.kind, message.sender, 'by' in message ? message.by : undefined]),
        ).toEqual([
          ['edit', 'ann', 'mod'],
          ['edit', 'ann', undefined],
          ['recall', 'ann', 'mod'],
        ]);
        const twice = await sync.recall('g', seqId - 1n, { by: 'ann' });
        expect(twice).toMatchObject({ duplicate: true });
        expect((await process.store.timeline('g').get(twice.seqId))!.message).toMatchObject({ by: 'mod' });
        await twice.delivered;
      }
    });
  },
  { core: true },
);
