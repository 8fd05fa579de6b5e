import { describe, expect, it } from 'vitest';
import type { Device, SyncMessage } from '../../sync/index.js';
import { until } from '../support/until.js';
import { all, bodyOf, drain, say } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

function inWords(message: SyncMessage<string>): string {
  if (message.kind !== 'join' && message.kind !== 'leave') return String(bodyOf(message));
  const { kind, users, by } = message;
  return `${kind} ${users}${by === undefined ? '' : ` by ${by}`}`;
}
const events = async (device: Device<string>) => (await drain(device, 3)).map(inWords);

inWorlds(
  'joins and leaves on devices',
  (open, { directory }) => {
    describe.skipIf(directory === 'listed')('of members kept', () => {
      describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
        const diffusion = MODES[mode]();

        it('come in the order of the conversation, from the own join to the own leave', async () => {
          const world = await open();
          const process = await world.start({ diffusion, membershipEvents: true });
          const { sync } = process;
          await world.join(process, 'g', 'ann');
          await say(sync, 'g', 'ann', 'one');
          await (await sync.join('g', ['bob', 'cem'], { by: 'ann' })).delivered;
          await say(sync, 'g', 'ann', 'two');
          await (await sync.leave('g', 'cem', { by: 'ann' })).delivered;
          await say(sync, 'g', 'bob', 'three');
          await (await sync.leave('g', 'bob')).delivered;
          await say(sync, 'g', 'ann', 'four');
          const own = ['join bob,cem by ann', 'two', 'leave cem by ann'];
          expect(await events(sync.device('ann', 'phone'))).toEqual([
            'join ann',
            'one',
            ...own,
            'three',
            'leave bob',
            'four',
          ]);
          expect(await events(sync.device('bob', 'phone'))).toEqual([...own, 'three', 'leave bob']);
          expect(await events(sync.device('cem', 'phone'))).toEqual(own);
        });

        it('come once to one who rejoins, and to a device that reads between', async () => {
          const world = await open();
          const process = await world.start({ diffusion, membershipEvents: true });
          const { sync } = process;
          await world.join(process, 'g', 'ann', 'bob', 'cem');
          const phone = sync.device('bob', 'phone');
          expect(await events(phone)).toEqual(['join ann,bob,cem']);
          await world.leave(process, 'g', 'bob');
          expect(await events(phone)).toEqual(['leave bob']);
          await say(sync, 'g', 'ann', 'unseen');
          await world.join(process, 'g', 'bob');
          await say(sync, 'g', 'ann', 'seen');
          expect(await events(phone)).toEqual(['join bob', 'seen']);
        });

        it('come once to a device that reads before the inbox tells of the own join', async () => {
          const world = await open();
          const first = await world.start({ diffusion, membershipEvents: true });
          await world.join(first, 'g', 'ann');
          first.faults.sync.refuse('bob');
          await first.sync.join('g', 'bob');
          await until('a refused inbox', () => first.faults.sync.refusals > 0);
          first.crash();
          const second = await world.start({ diffusion, membershipEvents: true });
          const phone = second.sync.device('bob', 'phone');
          const early = await events(phone);
          await second.sync.recover({ all: true });
          await say(second.sync, 'g', 'ann', 'one');
          expect([...early, ...(await events(phone))]).toEqual(['join bob', 'one']);
        });

        it('are not there unless asked for', async () => {
          const world = await open();
          const process = await world.start({ diffusion });
          await world.join(process, 'g', 'ann', 'bob');
          await say(process.sync, 'g', 'ann', 'one');
          expect(await events(process.sync.device('bob', 'phone'))).toEqual(['one']);
        });
      });

      it('have one key in every inbox, by fan-out and as the past of a new member: none comes twice', async () => {
        const world = await open();
        const process = await world.start({
          ...{ diffusion: MODES.write(), newcomers: 'all', membershipEvents: true },
        });
        await world.join(process, 'g', 'ann');
        await world.join(process, 'g', 'cem');
        await world.leave(process, 'g', 'cem');
        await world.join(process, 'g', 'bob');
        const keys = async (user: string) =>
          (await all(process.inboxes.timeline(user).scan())).map(({ key, message }) => `${message.kind} ${key}`);
        const ofBob = await keys('bob');
        expect(ofBob).toHaveLength(4);
        expect(ofBob).toEqual(await keys('ann'));
      });
    });
  },
  { core: true },
);
