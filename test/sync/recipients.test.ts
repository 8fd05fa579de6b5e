import { describe, expect, it } from 'vitest';
import { drain, say, shortly } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

inWorlds(
  'a message of one who is no member',
  (open, { directory }) => {
    describe.each([
      ['write', 'copy'],
      ['write', 'reference'],
      ['read', 'copy'],
      ['hybrid', 'copy'],
    ] as const)('in %s diffusion, bodies: %s', (mode, bodies) => {
      const options = { diffusion: MODES[mode](), bodies, newcomers: 'all' } as const;

      it('reaches the members, and not its sender', async () => {
        const world = await open();
        const process = await world.start(options);
        const { sync } = process;
        await world.join(process, 'g', 'bob', 'cat', 'dan');
        const seqId = await say(sync, 'g', 'ann', 'from outside');
        const edit = await sync.edit('g', seqId, 'from outside!');
        await edit.delivered;
        const recall = await sync.recall('g', await say(sync, 'g', 'ann', 'regretted'));
        await recall.delivered;
        expect(await drain(sync.device('ann', 'phone'))).toEqual([]);
        for (const user of ['bob', 'cat', 'dan']) {
          const kinds = (await drain(sync.device(user, 'phone'))).map(({ kind }) => kind);
          expect(kinds).toEqual(['message', 'edit', 'message', 'recall']);
        }
        expect((await process.inboxes.timeline('ann').head()).lastSeqId).toBe(0n);
      });

      it('reaches nobody without members', async () => {
        const world = await open();
        const { sync } = await world.start(options);
        const { delivered } = await sync.send({ conversation: 'g', sender: 'ann', body: 'note' });
        expect(await delivered).toEqual({ recipients: 0, refused: [] });
        expect(await drain(sync.device('ann', 'phone'))).toEqual([]);
      });

      it.skipIf(directory === 'listed')(
        'reaches its sender in order, once, after the sender has come back',
        async () => {
          const world = await open();
          const process = await world.start(options);
          const { sync } = process;
          await world.join(process, 'g', 'ann', 'bob');
          const early = sync.device('ann', 'early');
          const first = await say(sync, 'g', 'ann', 'one');
          expect(shortly(await drain(early))).toEqual(['one']);
          await world.leave(process, 'g', 'ann');
          await say(sync, 'g', 'bob', 'two');
          await say(sync, 'g', 'ann', 'three');
          await (await sync.edit('g', first, 'ONE')).delivered;
          await say(sync, 'g', 'bob', 'four');
          expect(await drain(early)).toEqual([]);
          await world.join(process, 'g', 'ann');
          await say(sync, 'g', 'ann', 'five');
          const missed = ['two', 'three', `edit ${first}: ONE`, 'four', 'five'];
          expect(shortly(await drain(early, 1))).toEqual(missed);
          for (const limit of [1, 100]) {
            const messages = await drain(sync.device('ann', `late ${limit}`), limit);
            expect(shortly(messages).slice(1)).toEqual(missed);
            expect(messages.map(({ entrySeqId }) => entrySeqId)).toEqual(
              messages.map(({ entrySeqId }) => entrySeqId).sort((a, b) => Number(a - b)),
            );
          }
        },
      );

      it.skipIf(directory === 'listed')('is missed if its sender comes back and newcomers see no past', async () => {
        const world = await open();
        const process = await world.start({ ...options, newcomers: 'since-joining' });
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob');
        await world.leave(process, 'g', 'ann');
        await say(sync, 'g', 'ann', 'kicked');
        await world.join(process, 'g', 'ann');
        await say(sync, 'g', 'ann', 'back');
        expect(shortly(await drain(sync.device('ann', 'phone')))).toEqual(['back']);
        expect(shortly(await drain(sync.device('bob', 'phone')))).toEqual(['kicked', 'back']);
      });
    });
  },
  { core: true },
);

inWorlds('joins and leaves', (open, { directory }) => {
  it.runIf(directory === 'listed')('are refused if the directory does not record them', async () => {
    const world = await open();
    const { sync, store, faults } = await world.start();
    const calls: string[] = [];
    faults.store.before = (method) => void calls.push(method);
    for (const change of ['join', 'leave'] as const) {
      await expect(sync[change]('g', ['ann', 'bob'])).rejects.toMatchObject({
        code: 'TIMELINE_UNSUPPORTED',
        capability: 'directory.apply',
      });
    }
    expect(calls).toEqual([]);
    expect((await store.timeline('g').head()).lastSeqId).toBe(0n);
  });

  it.runIf(directory === 'kept')('are accepted if it does', async () => {
    const world = await open();
    const { sync } = await world.start();
    await (await sync.join('g', 'ann')).delivered;
    await (await sync.leave('g', 'ann')).delivered;
  });
});
