import { expect, it } from 'vitest';
import type { Write } from '../../src/adapter.js';
import { encodeTimelineId } from '../../src/timeline-id.js';
import { timelineOf } from '../../sync/shared/names.js';
import { until } from '../support/until.js';
import { away } from './support/interposed.js';
import { drain, say } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

const MEMBERS_OF_A = encodeTimelineId(timelineOf.members('a'));

inWorlds(
  'a join that is recorded for the user, and not for the conversation',
  (open) => {
    it('shows the user edits and recalls already', async () => {
      const world = await open();
      const diffusion = MODES.read();
      const dying = await world.start({ diffusion, newcomers: 'all' });
      await world.join(dying, 'a', 'ann');
      await say(dying.sync, 'a', 'ann', 'm1');
      let isHalfApplied = false;
      dying.faults.store.before = (method, [writes]) => {
        if (method !== 'append' || !(writes as Write[]).some(({ timeline }) => timeline === MEMBERS_OF_A)) return;
        isHalfApplied = true;
        throw away();
      };
      (await dying.sync.join('a', ['bob'])).delivered.catch(() => undefined);
      await until('the join is half applied', () => isHalfApplied);
      const { seqId } = await dying.sync.send({ conversation: 'a', sender: 'ann', body: 'm2' });
      (await dying.sync.edit('a', seqId, 'm2, edited')).delivered.catch(() => undefined);
      const gone = await dying.sync.send({ conversation: 'a', sender: 'ann', body: 'm3' });
      (await dying.sync.recall('a', gone.seqId)).delivered.catch(() => undefined);
      dying.crash();
      const other = await world.start({ diffusion, newcomers: 'all' });
      const messages = await drain(other.sync.device('bob', 'phone'));
      expect(messages.map(({ kind, seqId: target }) => `${kind} ${target}`)).toEqual([
        ...['message 2', `message ${seqId}`, `edit ${seqId}`],
        ...[`message ${gone.seqId}`, `recall ${gone.seqId}`],
      ]);
    });
  },
  { core: true, only: ({ directory }) => directory === 'kept' },
);
