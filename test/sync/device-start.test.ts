import { expect, it } from 'vitest';
import { until } from '../support/until.js';
import { drain, say, shortly } from './support/people.js';
import { inWorlds } from './support/worlds.js';

inWorlds(
  'a device that begins',
  (open, { directory }) => {
    it.skipIf(directory === 'listed')('gets nothing older, if its process dies before the inbox position', async () => {
      const world = await open();
      const [one, two] = [await world.start(), await world.start()];
      await world.join(one, 'g', 'ann', 'bob');
      await say(one.sync, 'g', 'ann', 'before');
      await world.leave(one, 'g', 'bob');
      let hasDied = false;
      one.faults.sync.before = (called: string) => {
        if (called !== 'advance' || hasDied) return;
        hasDied = true;
        one.crash();
      };
      const start = { last: 1 };
      one.sync
        .device('bob', 'phone', { start })
        .pull()
        .catch(() => undefined);
      await until('it dies', () => hasDied);
      expect(shortly(await drain(two.sync.device('bob', 'phone', { start })))).toEqual([]);
    });
  },
  { core: true },
);
