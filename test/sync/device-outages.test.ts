import { expect, it } from 'vitest';
import { away } from './support/interposed.js';
import { say, shortly, take } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

/** More than a subscription makes until it has caught up. */
const CALLS = 14;

inWorlds(
  'a subscription whose store fails once',
  (open, { directory }) => {
    it.skipIf(directory === 'listed').each(['store', 'sync'] as const)(
      'at any call of the %s loses nothing',
      async (library) => {
        const world = await open();
        const diffusion = MODES.hybrid();
        const process = await world.start({ diffusion });
        await world.join(process, 'crowd', 'ann', 'bob', 'cat');
        await world.join(process, 'pair', 'ann', 'bob');
        await say(process.sync, 'crowd', 'ann', 'c1');
        const phone = process.sync.device('bob', 'phone');
        await phone.ack((await phone.pull()).cursor);
        await say(process.sync, 'crowd', 'ann', 'c2', 'c3');
        await say(process.sync, 'pair', 'ann', 'p1', 'p2');
        await process.sync.history('crowd').trim({ keepLast: 1 });
        for (let failing = 1; failing <= CALLS; failing++) {
          const reader = await world.start({ diffusion, pollMs: 10 });
          let calls = 0;
          reader.faults[library].before = () => {
            if (++calls === failing) throw away();
          };
          const end = new AbortController();
          const messages = await take(reader.sync.device('bob', 'phone').subscribe({ signal: end.signal }), 3);
          end.abort();
          expect([failing, shortly(messages).toSorted()]).toEqual([failing, ['c3', 'p1', 'p2']]);
          expect(messages.flatMap(({ truncated = [] }) => truncated)).toHaveLength(1);
          if (calls < failing) return;
        }
      },
    );
  },
  { core: true },
);
