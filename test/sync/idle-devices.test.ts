import { expect, it } from 'vitest';
import { assemble } from '../../sync/create-sync.js';
import type { MessageSync } from '../../sync/index.js';
import { all, drain, say } from './support/people.js';
import { inWorlds, MODES, type World } from './support/worlds.js';

const DAY = 24 * 3600 * 1000;

/** A process whose own clock is that of the world. */
async function startAt(world: World): Promise<MessageSync<string>> {
  const { store, inboxes, directory } = await world.start();
  const clock = { now: () => world.now, elapsed: () => world.now };
  const diffusion = MODES.write();
  return assemble({ store, sync: inboxes, directory, diffusion, recoverEveryMs: 0, deviceTtlMs: 40 * DAY }, { clock });
}

inWorlds(
  'a device in use',
  (open) => {
    it('is recorded once a day, whichever processes serve it', async () => {
      const world = await open();
      await world.join(await world.start(), 'g', 'ann', 'bob');
      const [one, two] = [await startAt(world), await startAt(world)];
      await say(one, 'g', 'ann', 'one');
      await drain(one.device('bob', 'phone'));
      for (const process of [two, two, one, two, one, one]) {
        world.now += 0.8 * DAY;
        await process.device('bob', 'phone').pull();
        const [phone] = await all(one.devices('bob'));
        expect(world.now - phone!.lastSeenAt).toBeLessThanOrEqual(DAY);
      }
      await Promise.all([one.close(), two.close()]);
    });
  },
  { core: true },
);
