import { describe, expect, it } from 'vitest';
import type { MessageSync, SyncMessage } from '../../sync/index.js';
import { bodyOf, drain, say, shortly } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

/** Applies messages as a client does: of several edits the highest counts, and a recall is final. */
function shown(messages: readonly SyncMessage<string>[]): (string | undefined)[] {
  const bodies = new Map<bigint, { body: string | undefined; by: bigint }>();
  for (const message of messages) {
    const { kind, seqId, entrySeqId } = message;
    if (kind !== 'message' && kind !== 'edit' && kind !== 'recall') continue;
    const known = bodies.get(seqId);
    const by = kind === 'recall' || message.recalled ? 1n << 63n : entrySeqId;
    if (!known || by > known.by) bodies.set(seqId, { body: bodyOf(message), by });
  }
  return [...bodies].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, { body }]) => body);
}

async function history(sync: MessageSync<string>): Promise<(string | undefined)[]> {
  const { entries } = await sync.history('g').read({ limit: 1000 });
  return entries.flatMap(({ message }) => (message?.kind === 'message' ? [message.body] : []));
}

inWorlds('a message', (open) => {
  describe.each([
    ['write', 'copy'],
    ['write', 'reference'],
    ['write', 6],
    ['read', 'copy'],
    ['hybrid', 'reference'],
  ] as const)('in %s diffusion, bodies: %s', (mode, bodies) => {
    const options = { diffusion: MODES[mode](), bodies };

    it('that is edited is changed for devices that have it, and for those that come later', async () => {
      const world = await open();
      const process = await world.start(options);
      const { sync } = process;
      await world.join(process, 'g', 'ann', 'bob', 'cat');
      const phone = sync.device('bob', 'phone');
      const seqId = await say(sync, 'g', 'ann', 'first words');
      await say(sync, 'g', 'ann', 'ok');
      const seen = await drain(phone);
      expect(shown(seen)).toEqual(['first words', 'ok']);
      const edit = await sync.edit('g', seqId, 'second words');
      await edit.delivered;
      const news = await drain(phone);
      expect(news).toMatchObject([
        { kind: 'edit', seqId, entrySeqId: edit.seqId, sender: 'ann', body: 'second words' },
      ]);
      expect(shown([...seen, ...news])).toEqual(['second words', 'ok']);
      expect(shown(await drain(sync.device('bob', 'new')))).toEqual(['second words', 'ok']);
      expect(await history(sync)).toEqual(['second words', 'ok']);
      expect((await process.store.timeline('g').get(seqId))!.message).toMatchObject({ edited: String(edit.seqId) });
    });

    it('that is recalled is gone for devices that have it, and for those that come later', async () => {
      const world = await open();
      const process = await world.start(options);
      const { sync } = process;
      await world.join(process, 'g', 'ann', 'bob', 'cat');
      const phone = sync.device('bob', 'phone');
      const seqId = await say(sync, 'g', 'ann', 'regretted words');
      await say(sync, 'g', 'ann', 'ok');
      const seen = await drain(phone);
      const recall = await sync.recall('g', seqId);
      await recall.delivered;
      const news = await drain(phone);
      expect(news).toMatchObject([{ kind: 'recall', seqId, entrySeqId: recall.seqId, sender: 'ann' }]);
      expect(news[0]).not.toHaveProperty('body');
      expect(shown([...seen, ...news])).toEqual([undefined, 'ok']);
      const late = await drain(sync.device('bob', 'new'));
      expect(shown(late)).toEqual([undefined, 'ok']);
      expect(late[0]).toMatchObject({ kind: 'message', seqId, recalled: true });
      expect(JSON.stringify(late.map(bodyOf))).not.toContain('regretted');
      expect(await history(sync)).toEqual([undefined, 'ok']);
    });

    it('is changed by the last of several edits, whatever the order in which processes work them in', async () => {
      const world = await open();
      const [one, two] = [await world.start(options), await world.start(options)];
      await world.join(one, 'g', 'ann', 'bob', 'cat');
      const seqId = await say(one.sync, 'g', 'ann', 'words 0');
      const edits = await Promise.all(
        [1, 2, 3, 4, 5, 6].map((i) => [one, two][i % 2]!.sync.edit('g', seqId, `words ${i}`)),
      );
      await Promise.all(edits.map(({ delivered }) => delivered));
      const last = edits.reduce((a, b) => (a.seqId > b.seqId ? a : b));
      const entry = await one.store.timeline('g').get(last.seqId);
      const body = entry?.message.kind === 'edit' ? entry.message.body : undefined;
      expect(await history(one.sync)).toEqual([body]);
      expect(shown(await drain(two.sync.device('bob', 'phone')))).toEqual([body]);
    });

    it('that is recalled while it is edited stays recalled and leaves no trace in the conversation', async () => {
      const world = await open();
      const [one, two] = [await world.start(options), await world.start(options)];
      await world.join(one, 'g', 'ann', 'bob', 'cat');
      const seqId = await say(one.sync, 'g', 'ann', 'secret 0');
      await (await two.sync.edit('g', seqId, 'secret 1')).delivered;
      const changes = await Promise.all([
        two.sync.edit('g', seqId, 'secret 2'),
        one.sync.recall('g', seqId),
        two.sync.edit('g', seqId, 'secret 3'),
      ]);
      await Promise.all(changes.map(({ delivered }) => delivered));
      expect(await history(one.sync)).toEqual([undefined]);
      const { entries } = await one.sync.history('g').read({ limit: 1000 });
      expect(JSON.stringify(entries)).not.toContain('secret');
      const got = await drain(two.sync.device('bob', 'phone'));
      // An edit under way may stand behind the recall. It has no body.
      expect(shown(got)).toEqual([undefined]);
      expect(got.map(bodyOf).join()).not.toContain('secret');
    });
  });

  it('that is recalled before it was delivered is handed over without its body', async () => {
    const world = await open();
    const process = await world.start({ diffusion: MODES.write() });
    await world.join(process, 'g', 'ann', 'bob');
    process.faults.sync.refuse('bob', 'ann');
    const late = await process.sync.send({ conversation: 'g', sender: 'ann', body: 'held up' });
    const recall = await process.sync.recall('g', late.seqId);
    process.faults.sync.relent();
    await recall.delivered;
    expect(shown(await drain(process.sync.device('bob', 'phone')))).toEqual([undefined]);
  });

  it('may be recalled again, and then changes no more', async () => {
    const world = await open();
    const process = await world.start();
    const { sync } = process;
    await world.join(process, 'g', 'ann', 'bob');
    const seqId = await say(sync, 'g', 'ann', 'words');
    const recall = await sync.recall('g', seqId);
    await recall.delivered;
    expect(await sync.recall('g', seqId)).toMatchObject({ seqId: recall.seqId, duplicate: true });
    await expect(sync.edit('g', seqId, 'x')).rejects.toMatchObject({ code: 'TIMELINE_NOT_FOUND', timeline: 'g' });
    expect(shortly(await drain(sync.device('bob', 'phone')))).toEqual([`(recalled ${seqId})`, `recall ${seqId}`]);
  });

  it('can be edited and recalled only where it is', async () => {
    const world = await open();
    const process = await world.start();
    const { sync, store } = process;
    await world.join(process, 'g', 'ann', 'bob');
    const seqId = await say(sync, 'g', 'ann', 'one');
    const edit = await sync.edit('g', seqId, 'two');
    const deleted = await say(sync, 'g', 'ann', 'gone');
    await store.timeline('g').delete(deleted);
    for (const [conversation, at] of [
      ['g', 999n],
      ['h', 1n],
      ['g', edit.seqId],
      ['g', deleted],
    ] as const) {
      await expect(sync.edit(conversation, at, 'x')).rejects.toMatchObject({ code: 'TIMELINE_NOT_FOUND' });
      await expect(sync.recall(conversation, at)).rejects.toMatchObject({ code: 'TIMELINE_NOT_FOUND' });
    }
  });

  it('is edited once with one key, from any process', async () => {
    const world = await open();
    const [one, two] = [await world.start(), await world.start()];
    await world.join(one, 'g', 'ann', 'bob');
    const seqId = await say(one.sync, 'g', 'ann', 'one');
    const edit = await one.sync.edit('g', seqId, 'two', { key: 'k' });
    expect(await two.sync.edit('g', seqId, 'two', { key: 'k' })).toMatchObject({ seqId: edit.seqId, duplicate: true });
    await expect(two.sync.edit('g', seqId, 'three', { key: 'k' })).rejects.toMatchObject({
      code: 'TIMELINE_KEY_CONFLICT',
    });
    await one.sync.send({ conversation: 'g', sender: 'ann', body: 'unrelated', key: 'k' });
  });
});
