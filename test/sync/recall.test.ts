import { expect, it } from 'vitest';
import { type MessageSync, readDiffusion, type SyncMessage } from '../../sync/index.js';
import { inboxText } from './support/inbox-text.js';
import { all, bodyOf, drain, say } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

const WAYS = [
  ['write', 'copy'],
  ['write', 'reference'],
  ['write', 5],
  ['write', 15],
  ['read', 'copy'],
  ['hybrid', 'copy'],
] as const;

const DAY_MS = 24 * 3_600_000;

const textOf = (messages: readonly SyncMessage<string>[]) => JSON.stringify(messages.map(bodyOf));

async function recall(sync: MessageSync<string>, conversation: string, seqId: bigint): Promise<void> {
  await (await sync.recall(conversation, seqId)).delivered;
}

async function edit(sync: MessageSync<string>, conversation: string, seqId: bigint, body: string): Promise<bigint> {
  const sent = await sync.edit(conversation, seqId, body);
  await sent.delivered;
  return sent.seqId;
}

/** Resolves once the inbox holds an entry of this kind. */
async function holds({ inboxes }: Process, user: string, kind: string): Promise<void> {
  for await (const { message } of inboxes.timeline(user).subscribe()) if (message.kind === kind) return;
}

/** Starts a process with a message to three members, and says whether their inboxes carry it. */
async function withSecret(world: World, [mode, bodies]: readonly [keyof typeof MODES, 'copy' | 'reference' | number]) {
  const process = await world.start({ diffusion: MODES[mode](), bodies });
  await world.join(process, 'g', 'ann', 'bob', 'cat');
  const seqId = await say(process.sync, 'g', 'ann', 'secret words');
  await say(process.sync, 'g', 'bob', 'ok');
  const isCopied = (await inboxText(process.inboxes, 'ann', 'bob', 'cat')).includes('secret');
  return { process, seqId, isCopied };
}

inWorlds(
  'a recall or an edit',
  (open, setting) => {
    it.each(WAYS)('leaves no old body to anyone, in %s diffusion, bodies: %s', async (mode, bodies) => {
      const world = await open();
      const { process, seqId, isCopied } = await withSecret(world, [mode, bodies]);
      expect(isCopied).toBe(mode === 'write' && (bodies === 'copy' || bodies === 15));
      const { sync } = process;
      const seen = await drain(sync.device('bob', 'phone'));
      expect(textOf(seen)).toContain('secret');
      const editedAt = await edit(sync, 'g', seqId, 'better words');
      expect(await inboxText(process.inboxes, 'ann', 'bob', 'cat')).not.toMatch(/secret|better/);
      for (const device of [sync.device('bob', 'second'), sync.device('cat', 'third', { start: { last: 5 } })]) {
        const got = await drain(device);
        expect(got[0]).toMatchObject({ kind: 'message', seqId, body: 'better words' });
        expect(textOf(got)).not.toContain('secret');
      }
      await edit(sync, 'g', seqId, 'best words');
      const late = await drain(sync.device('bob', 'fourth'));
      expect(textOf(late)).not.toMatch(/secret|better/);
      expect(late.find(({ entrySeqId }) => entrySeqId === editedAt)).toMatchObject({
        kind: 'edit',
        body: 'best words',
      });
      await recall(sync, 'g', seqId);
      const other = await world.start({ diffusion: MODES[mode](), bodies });
      for (const each of [process, other]) {
        expect(await inboxText(each.inboxes, 'ann', 'bob', 'cat')).not.toMatch(/words/);
        for (const start of ['oldest', { last: 5 }] as const) {
          const got = await drain(each.sync.device('cat', `${each === other} ${JSON.stringify(start)}`, { start }));
          expect(got[0]).toMatchObject({ kind: 'message', seqId, recalled: true });
          expect(textOf(got)).not.toContain('words');
        }
        const { entries } = await each.sync.history('g').read();
        expect(JSON.stringify(entries.map(({ message }) => message))).not.toContain('words');
        expect(JSON.stringify((await all(each.sync.conversations('bob'))).map(({ last }) => last?.body))).toBe(
          '["ok"]',
        );
      }
      expect(textOf(await drain(sync.device('bob', 'phone')))).not.toContain('words');
    });

    it('is in force everywhere once the call resolves, whatever the inboxes do', async () => {
      const world = await open();
      const { process, seqId } = await withSecret(world, ['write', 'copy']);
      const other = await world.start();
      process.faults.sync.refuse('ann', 'bob', 'cat');
      const edited = await process.sync.edit('g', seqId, 'better');
      expect((await other.store.timeline('g').get(seqId))?.message).toMatchObject({ body: 'better' });
      const recalled = await process.sync.recall('g', seqId);
      for (const { sync } of [other, process])
        await expect(sync.edit('g', seqId, 'again')).rejects.toMatchObject({ code: 'TIMELINE_NOT_FOUND' });
      expect((await other.store.timeline('g').get(edited.seqId))?.message).not.toHaveProperty('body');
      process.faults.sync.relent();
      await recalled.delivered;
    });

    it('is applied by the fan-out if the caller could not', async () => {
      const world = await open();
      const { process, seqId } = await withSecret(world, ['write', 'copy']);
      let failures = 0;
      process.faults.store.before = (method) => {
        if (method === 'update' && ++failures === 1) throw new Error('the first update fails');
      };
      await recall(process.sync, 'g', seqId);
      expect(failures).toBeGreaterThan(1);
      expect((await process.store.timeline('g').get(seqId))?.message).not.toHaveProperty('body');
      expect(await inboxText(process.inboxes, 'ann', 'bob', 'cat')).not.toContain('secret');
    });

    it('does not wait with the other inboxes for one out of reach, and gets there before its own copy', async () => {
      const world = await open();
      const { process, seqId } = await withSecret(world, ['write', 'copy']);
      process.faults.sync.refuse('bob');
      const sent = await process.sync.recall('g', seqId);
      let isDelivered = false;
      void sent.delivered.then(() => {
        isDelivered = true;
      });
      await Promise.all(['ann', 'cat'].map((user) => holds(process, user, 'recall')));
      expect(await inboxText(process.inboxes, 'ann', 'cat')).not.toContain('secret');
      expect(await inboxText(process.inboxes, 'bob')).toContain('secret');
      expect(isDelivered).toBe(false);
      process.faults.sync.relent();
      await holds(process, 'bob', 'recall');
      expect(await inboxText(process.inboxes, 'bob')).not.toContain('secret');
      await sent.delivered;
    });

    it('takes the body out of an inbox that gets the message only later', async () => {
      const world = await open();
      const process = await world.start();
      await world.join(process, 'g', 'ann', 'bob');
      process.faults.sync.refuse('bob');
      const sent = await process.sync.send({ conversation: 'g', sender: 'ann', body: 'secret words' });
      await holds(process, 'ann', 'message');
      const recalled = await process.sync.recall('g', sent.seqId);
      await holds(process, 'ann', 'recall');
      process.faults.sync.relent();
      await recalled.delivered;
      expect(await inboxText(process.inboxes, 'ann', 'bob')).not.toContain('secret');
      expect(await drain(process.sync.device('bob', 'phone'))).toMatchObject([{ recalled: true }, { kind: 'recall' }]);
    });

    it('survives the death of its process before any call', async () => {
      for (let step = 1; ; step++) {
        const world = await open();
        const { process, seqId, isCopied } = await withSecret(world, ['write', 'copy']);
        expect(isCopied).toBe(true);
        let calls = 0;
        const died = new Promise<boolean>((resolve) => {
          for (const faults of Object.values(process.faults)) {
            faults.before = () => {
              if (++calls !== step) return;
              process.crash();
              resolve(true);
            };
          }
        });
        const survived = recall(process.sync, 'g', seqId).then(() => false);
        const isDead = await Promise.race([died, survived]);
        const next = await world.start();
        await next.sync.recover();
        const isStored = (await all(next.store.timeline('g').scan())).some(({ message }) => message.kind === 'recall');
        if (!isStored) await recall(next.sync, 'g', seqId);
        expect(await inboxText(next.inboxes, 'ann', 'bob', 'cat')).not.toContain('secret');
        const late = await drain(next.sync.device('bob', 'new'));
        expect(late.map(({ kind }) => kind)).toEqual(['message', 'message', 'recall']);
        expect(textOf(late)).not.toContain('secret');
        if (isDead) continue;
        expect(step).toBeGreaterThan(8);
        break;
      }
    }, 60_000);

    it('finds copies whose keys inboxes have forgotten', async () => {
      const world = await open();
      const process = await world.start();
      const { sync } = process;
      await world.join(process, 'other', 'ann', 'bob');
      await world.join(process, 'g', 'ann', 'bob');
      const talk = () => Promise.all(Array.from({ length: 150 }, (_, i) => say(sync, 'other', 'bob', `talk ${i}`)));
      await talk();
      world.now += DAY_MS;
      const seqId = await say(sync, 'g', 'ann', 'secret words');
      await say(sync, 'g', 'bob', 'ok');
      world.now += DAY_MS;
      await talk();
      world.now += 60 * DAY_MS;
      expect(await inboxText(process.inboxes, 'ann')).toContain('secret');
      const before = (await process.inboxes.timeline('bob').head()).lastSeqId;
      await recall(sync, 'g', seqId);
      expect(await inboxText(process.inboxes, 'ann', 'bob')).not.toContain('secret');
      expect((await process.inboxes.timeline('bob').head()).lastSeqId).toBe(before + 1n);
    });

    it('finds copies whose keys inboxes forget while they are asked', async () => {
      const world = await open();
      const { process, seqId } = await withSecret(world, ['write', 'copy']);
      let asked = 0;
      process.faults.sync.before = (method) => {
        if (method === 'append' && asked++ === 0) world.now += 60 * DAY_MS;
      };
      await recall(process.sync, 'g', seqId);
      expect(asked).toBeGreaterThan(0);
      expect(await inboxText(process.inboxes, 'ann', 'bob', 'cat')).not.toContain('secret');
    });

    it('finds copies of a message that was trimmed from its conversation', async () => {
      const world = await open();
      const { process, seqId } = await withSecret(world, ['write', 'copy']);
      const { store, sync } = process;
      await store.timeline('g').append({ kind: 'recall', sender: 'ann', target: String(seqId) }, { key: `r:${seqId}` });
      await store.timeline('g').trim({ through: seqId });
      expect(await sync.recover()).toEqual({ resumed: 1 });
      expect(await inboxText(process.inboxes, 'ann', 'bob', 'cat')).not.toContain('secret');
    });

    it('reaches inboxes that were written before the conversation went into read mode', async () => {
      const world = await open();
      const { process, seqId } = await withSecret(world, ['write', 'copy']);
      const reading = await world.start({ diffusion: readDiffusion() });
      await say(reading.sync, 'g', 'cat', 'now read');
      await recall(reading.sync, 'g', seqId);
      expect(await inboxText(process.inboxes, 'ann', 'bob', 'cat')).not.toContain('secret');
      const late = await drain(reading.sync.device('bob', 'new'));
      expect(late[0]).toMatchObject({ seqId, recalled: true });
      expect(textOf(late)).not.toContain('secret');
    });

    it('writes nothing to inboxes where the message was only read from its conversation', async () => {
      const world = await open();
      const { process, seqId } = await withSecret(world, ['read', 'copy']);
      const calls: string[] = [];
      process.faults.sync.before = (method) => {
        calls.push(method);
      };
      await recall(process.sync, 'g', seqId);
      expect(calls).toEqual([]);
    });

    it.runIf(setting.directory === 'kept')('reaches those who left, and those who joined in between', async () => {
      const world = await open();
      const { process, seqId } = await withSecret(world, ['write', 'copy']);
      const welcoming = await world.start({ newcomers: 'all' });
      await (await welcoming.sync.join('g', ['dan', 'eve'])).delivered;
      await world.leave(process, 'g', 'bob', 'eve');
      expect(await inboxText(process.inboxes, 'dan')).toContain('secret');
      await welcoming.sync.join('g', 'fay');
      await recall(process.sync, 'g', seqId);
      const everyone = ['ann', 'bob', 'cat', 'dan', 'eve', 'fay'];
      expect(await inboxText(process.inboxes, ...everyone)).not.toContain('secret');
      for (const user of everyone) {
        const got = await drain(process.sync.device(user, 'new'));
        expect(got[0]).toMatchObject({ seqId, recalled: true });
        expect(textOf(got)).not.toContain('secret');
      }
    });
  },
  { core: true },
);

inWorlds('a device that slept past the TTL', (open) => {
  it('gets no recalled body when it is built again', async () => {
    const world = await open({ ttlMs: DAY_MS });
    const { process, seqId } = await withSecret(world, ['write', 'copy']);
    const phone = process.sync.device('bob', 'phone');
    await phone.ack((await phone.pull({ limit: 1 })).cursor);
    await recall(process.sync, 'g', seqId);
    world.now += 2 * DAY_MS;
    await say(process.sync, 'g', 'cat', 'later');
    const page = await phone.pull();
    expect(page.resynced).toBe(true);
    expect(page.messages[0]).toMatchObject({ seqId, recalled: true });
    expect(textOf(page.messages)).not.toContain('secret');
  });
});
