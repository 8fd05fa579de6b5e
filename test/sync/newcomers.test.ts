import { describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { drain, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const edit = async ({ sync }: Process, seqId: bigint, body: string) => (await sync.edit('g', seqId, body)).delivered;
const recall = async ({ sync }: Process, seqId: bigint) => (await sync.recall('g', seqId)).delivered;
const seenBy = async ({ sync }: Process, user: string, device = 'phone') =>
  shortly(await drain(sync.device(user, device)));

inWorlds(
  'an edit or recall',
  (open, { directory }) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      const diffusion = MODES[mode]();
      const isListed = directory === 'listed';

      it.skipIf(isListed)('of a message from before a newcomer reaches the others only', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'cat');
        const one = await say(process.sync, 'g', 'ann', 'one');
        const two = await say(process.sync, 'g', 'ann', 'two');
        await world.join(process, 'g', 'bob');
        const three = await say(process.sync, 'g', 'ann', 'three');
        await edit(process, one, 'secret');
        await recall(process, two);
        await edit(process, three, 'THREE');
        expect(await seenBy(process, 'bob')).toHaveLength(2);
        expect((await seenBy(process, 'bob', 'new')).at(-1)).toBe(`edit ${three}: THREE`);
        for (const user of ['ann', 'cat']) {
          const changes = (await seenBy(process, user)).slice(-3);
          expect(changes).toEqual([`edit ${one}: secret`, `recall ${two}`, `edit ${three}: THREE`]);
        }
        await world.leave(process, 'g', 'bob');
        expect(JSON.stringify(await seenBy(process, 'bob', 'late'))).not.toMatch(/secret|recall/);
      });

      it.skipIf(isListed)('reaches those who saw the message in any earlier membership', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        const phone = process.sync.device('bob', 'phone');
        const seen: bigint[] = [];
        const missed: bigint[] = [];
        for (const stay of [1, 2, 3]) {
          seen.push(await say(process.sync, 'g', 'ann', `seen ${stay}`));
          await world.leave(process, 'g', 'bob');
          missed.push(await say(process.sync, 'g', 'ann', `missed ${stay}`));
          await world.join(process, 'g', 'bob');
        }
        expect(shortly(await drain(phone))).toEqual(['seen 1', 'seen 2', 'seen 3']);
        for (const seqId of [...seen, ...missed]) await edit(process, seqId, 'new');
        const changes = seen.map((seqId) => `edit ${seqId}: new`);
        expect(shortly(await drain(phone))).toEqual(changes);
        await world.leave(process, 'g', 'bob');
        await edit(process, seen[0]!, 'newer');
        const late = await seenBy(process, 'bob', 'late');
        // The later edit does not reach bob as one. The body that it replaced is gone for everyone.
        expect(late.slice(-3)).toEqual([`edit ${seen[0]}: newer`, ...changes.slice(1)]);
      });

      it.skipIf(isListed)('from before a newcomer comes with the past that it changes, and not alone', async () => {
        const world = await open();
        const process = await world.start({ diffusion, newcomers: { last: 2 } });
        await world.join(process, 'g', 'ann', 'cat');
        const one = await say(process.sync, 'g', 'ann', 'one');
        const two = await say(process.sync, 'g', 'ann', 'two');
        await say(process.sync, 'g', 'ann', 'three');
        await edit(process, one, 'secret');
        await edit(process, two, 'TWO');
        await world.join(process, 'g', 'bob');
        expect(await seenBy(process, 'bob')).toEqual(['TWO', 'three', `edit ${two}: TWO`]);
      });

      it.skipIf(isListed)('of what one saw before comes with the past on coming back', async () => {
        const world = await open();
        const process = await world.start({ diffusion, newcomers: 'all' });
        await world.join(process, 'g', 'ann', 'bob');
        const one = await say(process.sync, 'g', 'ann', 'one');
        expect(await seenBy(process, 'bob')).toEqual(['one']);
        await world.leave(process, 'g', 'bob');
        await edit(process, one, 'ONE');
        await world.join(process, 'g', 'bob');
        expect(await seenBy(process, 'bob')).toEqual([`edit ${one}: ONE`]);
        await recall(process, one);
        expect(await seenBy(process, 'bob')).toEqual([`recall ${one}`]);
      });

      it.runIf(isListed)('reaches all whom a directory without history lists', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann');
        const one = await say(process.sync, 'g', 'ann', 'one');
        await world.join(process, 'g', 'bob');
        await edit(process, one, 'ONE');
        expect((await seenBy(process, 'bob')).at(-1)).toBe(`edit ${one}: ONE`);
      });

      it.skipIf(isListed).each(['update', 'advance', 'append'] as const)(
        'reaches those who saw the message though a process died during their leave, after an %s',
        async (died) => {
          const world = await open();
          const [one, two] = [await world.start({ diffusion }), await world.start({ diffusion })];
          await world.join(one, 'g', 'ann', 'cat');
          const missed = await say(one.sync, 'g', 'ann', 'missed');
          await world.join(one, 'g', 'bob');
          const seen = await say(one.sync, 'g', 'ann', 'seen');
          const { seqId } = await one.sync.send({ conversation: 'g', sender: 'ann', body: 'last' });
          let isLeaving = false;
          let hasDied = false;
          one.faults.store.after = (method, [items]) => {
            const concerns = method === 'append' ? 'memberships' : method === 'advance' ? 'left:bob' : '';
            if (!isLeaving || hasDied || method !== died || !JSON.stringify(items, plain).includes(concerns)) return;
            hasDied = true;
            one.crash();
          };
          isLeaving = true;
          await one.sync.leave('g', 'bob');
          await until('the process dies', () => hasDied);
          await two.sync.recover();
          await world.join(two, 'g', 'bob');
          for (const target of [missed, seen, seqId]) await edit(two, target, 'new');
          expect((await seenBy(two, 'bob')).slice(-2)).toEqual([`edit ${seen}: new`, `edit ${seqId}: new`]);
          const entries = (await two.sync.history('g').read({ limit: 100 })).entries;
          const ended = entries.flatMap(({ message }) => (message.kind === 'leave' ? [message.ended] : []));
          expect(ended).toEqual([[{ user: 'bob', from: String(missed + 1n), leftBefore: '0' }]]);
        },
      );
    });
  },
  { core: true },
);

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
