import { describe, expect, it } from 'vitest';
import { seqIdOf } from '../../src/index.js';
import { encodeTimelineId } from '../../src/timeline-id.js';
import { relatedMessages } from '../../sync/conversations/related-messages.js';
import { timelineOf } from '../../sync/shared/names.js';
import { until } from '../support/until.js';
import { all, bodyOf, drain, say } from './support/people.js';
import { inWorlds, MODES, type Process } from './support/worlds.js';

const STEPS = ['the message', 'the index', 'the copies', 'the position'] as const;

/** Which call of a store makes this step of a send. */
function isStep(step: (typeof STEPS)[number], target: bigint, method: string, [writes]: readonly unknown[]): boolean {
  const isAppend = (...to: string[]) =>
    method === 'append' && (writes as { timeline: string }[]).some(({ timeline }) => to.includes(timeline));
  switch (step) {
    case 'the message':
      return isAppend(encodeTimelineId('g'));
    case 'the index':
      return isAppend(encodeTimelineId(timelineOf.relations('g', target)));
    case 'the copies':
      return isAppend('ann', 'bob');
    case 'the position':
      return method === 'advance';
  }
}

async function relatedTo(process: Process, target: bigint): Promise<string[]> {
  const { messages } = await process.sync.messages('g', { user: 'ann' });
  const found = messages.find(({ seqId }) => seqId === target) as { related?: { body?: string }[] } | undefined;
  return (found?.related ?? []).map(({ body }) => String(body));
}

inWorlds(
  'messages that relate to another',
  (open) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      it('are shown with it, the newest of each sender, and neither count nor come last', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES[mode]() });
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        const target = await say(sync, 'g', 'ann', 'hello');
        const sent = [];
        for (const [sender, body] of [
          ['bob', 'x'],
          ['bob', 'y'],
          ['cat', 'z'],
          ['cat', 'w'],
        ] as const) {
          const reaction = { conversation: 'g', sender, body, countable: false, relatesTo: target };
          sent.push(await sync.send({ ...reaction, mentions: ['ann', 'ann'] }));
          await sent.at(-1)!.delivered;
        }
        await (await sync.recall('g', sent[3]!.seqId)).delivered;
        const related = await relatedMessages(process.store, 'g', [target, target + 1n]);
        expect([...related.keys()]).toEqual([target]);
        expect(related.get(target)!.map(({ message }) => message.body)).toEqual(['y', 'z']);
        const heard = await drain(sync.device('ann', 'phone'));
        const fields = { countable: false, relatesTo: target, mentions: ['ann'] };
        expect(heard.find((message) => bodyOf(message) === 'y')).toMatchObject(fields);
        const [summary] = await all(sync.conversations('ann'));
        expect(summary).toMatchObject({ unread: 0, mentions: 0, last: { seqId: target, body: 'hello' } });
        const { messages } = await sync.messages('g', { user: 'ann' });
        expect(messages).toMatchObject([{ body: 'hello', related: [{ body: 'y' }, { body: 'z' }] }]);
        for (const each of [messages[0]!, ...messages[0]!.related!]) expect(seqIdOf(each.cursor)).toBe(each.seqId);
        for (const relatesTo of [target + 1000n, sent[3]!.seqId + 1n]) {
          const missing = sync.send({ conversation: 'g', sender: 'bob', body: 'x', relatesTo });
          await expect(missing).rejects.toMatchObject({ code: 'TIMELINE_NOT_FOUND' });
        }
      });

      describe.each(['before', 'after'] as const)('and whose process dies %s', (when) => {
        it.each(STEPS.filter((step) => mode !== 'read' || step !== 'the copies'))(
          'writing %s are shown once, or not at all',
          async (step) => {
            const world = await open();
            const diffusion = MODES[mode]();
            const [process, dying] = [await world.start({ diffusion }), await world.start({ diffusion })];
            await world.join(process, 'g', 'ann', 'bob');
            const target = await say(process.sync, 'g', 'ann', 'hello');
            const reaction = { conversation: 'g', sender: 'bob', countable: false, relatesTo: target };
            await (await process.sync.send({ ...reaction, body: 'first' })).delivered;
            await process.sync.recover();
            await say(dying.sync, 'g', 'ann', 'other');
            await dying.sync.recover();
            let hasDied = false;
            const die = (method: string, args: readonly unknown[]) => {
              if (hasDied || !isStep(step, target, method, args)) return;
              hasDied = true;
              dying.crash();
            };
            const faults = step === 'the copies' ? dying.faults.sync : dying.faults.store;
            faults[when] = die;
            dying.sync
              .send({ ...reaction, body: 'second', key: 'k' })
              .then(({ delivered }) => delivered)
              .then(() => dying.sync.recover())
              .catch(() => undefined);
            await until('it dies', () => hasDied);
            const isStored = step !== 'the message' || when === 'after';
            await until('it is stored', async () => {
              const { entries } = await process.store.timeline('g').read({ reverse: true, limit: 1 });
              const body = entries[0]?.message.kind === 'message' ? entries[0].message.body : undefined;
              return (body === 'second') === isStored;
            });
            await process.sync.recover();
            expect(await relatedTo(process, target)).toEqual([isStored ? 'second' : 'first']);
            // The client does not know and sends again.
            const again = await process.sync.send({ ...reaction, body: 'second', key: 'k' });
            await again.delivered;
            expect(again.duplicate).toBe(isStored);
            expect(await relatedTo(process, target)).toEqual(['second']);
            const related = await relatedMessages(process.store, 'g', [target]);
            expect(related.get(target)!.map(({ entry }) => entry.seqId)).toEqual([again.seqId]);
            const index = await process.store.timeline(timelineOf.relations('g', target)).read();
            expect(index.entries).toHaveLength(2);
            const heard = (await drain(process.sync.device('ann', 'phone'))).map(bodyOf);
            expect(heard).toEqual(['hello', 'first', 'other', 'second']);
          },
        );
      });
    });

    it('are not shown once they are recalled, whether or not the recall has changed them', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      const target = await say(process.sync, 'g', 'ann', 'hello');
      const reaction = { conversation: 'g', sender: 'bob', countable: false, relatesTo: target };
      for (const body of ['first', 'second']) await (await process.sync.send({ ...reaction, body })).delivered;
      const { lastSeqId } = await process.store.timeline('g').head();
      // Its process died before it changed the message.
      await process.store.timeline('g').append({ kind: 'recall', sender: 'bob', target: String(lastSeqId) });
      expect(await relatedTo(process, target)).toEqual(['first']);
      await process.sync.recover({ all: true });
      expect(await relatedTo(process, target)).toEqual(['first']);
    });

    it('are those of the conversation as it is, whatever the index holds of another epoch', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      const target = await say(process.sync, 'g', 'ann', 'hello');
      const index = process.store.timeline(timelineOf.relations('g', target));
      const record = (relation: bigint, sender: string) =>
        index.append({ kind: 'state', state: { target: String(target), relation: String(relation), sender } });
      for (let i = 1n; i < 6n; i++) await record(target + i, 'cat');
      for (let i = 100n; i < 700n; i++) await record(target + i, 'bob');
      const reaction = { conversation: 'g', sender: 'bob', countable: false, relatesTo: target };
      for (const body of ['first', 'second']) await (await process.sync.send({ ...reaction, body })).delivered;
      let calls = 0;
      process.faults.store.before = () => void calls++;
      expect(await relatedTo(process, target)).toEqual(['second']);
      expect(calls).toBeLessThan(25);
    });

    it('by many senders are read from the index alone', async () => {
      const world = await open();
      const process = await world.start({ diffusion: MODES.read() });
      await world.join(process, 'g', 'ann', 'bob');
      const target = await say(process.sync, 'g', 'ann', 'hello');
      for (let i = 0; i < 20; i++)
        await process.sync.send({ conversation: 'g', sender: `user${i % 10}`, body: `r${i}`, relatesTo: target });
      await say(process.sync, 'g', 'ann', ...Array.from({ length: 5 }, (_, i) => `m${i}`));
      let ranges = 0;
      process.faults.store.before = (method, [some]) => {
        if (method === 'read') ranges += (some as unknown[]).length;
      };
      const related = await relatedMessages(process.store, 'g', [target]);
      expect(related.get(target)!.map(({ message }) => message.body)).toEqual(
        Array.from({ length: 10 }, (_, i) => `r${i + 10}`),
      );
      expect(ranges).toBeLessThanOrEqual(1 + 10);
    });
  },
  { core: true },
);
