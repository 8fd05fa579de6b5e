import { expect, it } from 'vitest';
import type { Write } from '../../src/adapter.js';
import { encodeTimelineId } from '../../src/timeline-id.js';
import { until } from '../support/until.js';
import { inboxText } from './support/inbox-text.js';
import { bodyOf, drain } from './support/people.js';
import { inWorlds, MODES, SHORT_PATIENCE } from './support/worlds.js';

const isToInbox = (writes: readonly Write[]) => writes.some(({ timeline }) => timeline === encodeTimelineId('bob'));

inWorlds(
  'copies of entries that are gone by then',
  (open) => {
    const write = { diffusion: MODES.write() };

    it.each(['recall', 'edit'] as const)(
      'leave no body, where a late copy of one comes after its %s',
      async (change) => {
        const world = await open();
        const slow = await world.start(write);
        await world.join(slow, 'a', 'ann', 'bob');
        let hold: (() => void) | undefined;
        slow.faults.sync.before = (method, [writes]) => {
          if (method === 'append' && isToInbox(writes as Write[])) return new Promise((resolve) => (hold = resolve));
        };
        const { seqId, delivered } = await slow.sync.send({ conversation: 'a', sender: 'ann', body: 'secret' });
        await until('a copy on its way', () => hold !== undefined);
        const fast = await world.start(write);
        const changed =
          change === 'recall' ? await fast.sync.recall('a', seqId) : await fast.sync.edit('a', seqId, 'better');
        await fast.sync.history('a').trim({ through: seqId });
        await changed.delivered;
        slow.faults.sync.before = () => undefined;
        hold?.();
        await delivered;
        expect(await inboxText(fast.inboxes, 'ann', 'bob')).not.toMatch(/secret|better/);
        const phone = fast.sync.device('bob', 'phone');
        expect((await drain(phone)).map(bodyOf)).not.toContain('secret');
      },
    );

    it('leave no body, where a copy waited for its inbox until after the recall', async () => {
      const world = await open();
      const slow = await world.start(write);
      await world.join(slow, 'a', 'ann', 'bob');
      slow.faults.sync.refuse('bob');
      const { seqId, delivered } = await slow.sync.send({ conversation: 'a', sender: 'ann', body: 'secret' });
      await until('a refused inbox', () => slow.faults.sync.refusals > 0);
      const fast = await world.start(write);
      const recalled = await fast.sync.recall('a', seqId);
      await fast.sync.history('a').trim({ through: seqId });
      await recalled.delivered;
      slow.faults.sync.relent();
      await delivered;
      expect(await inboxText(fast.inboxes, 'ann', 'bob')).not.toContain('secret');
    });
  },
  { patience: SHORT_PATIENCE, only: () => true },
);
