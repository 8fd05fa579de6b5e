import { describe, expect, it } from 'vitest';
import { until } from '../support/until.js';
import { away } from './support/interposed.js';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES } from './support/worlds.js';

inWorlds(
  'sending',
  (open) => {
    describe.each(['write', 'read', 'hybrid'] as const)('in %s diffusion', (mode) => {
      const diffusion = MODES[mode]();

      it('reaches every member, and every device of the sender', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        const { sync } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        await say(sync, 'g', 'ann', 'one', 'two');
        await say(sync, 'g', 'bob', 'three');
        for (const user of ['ann', 'bob', 'cat']) {
          for (const device of ['phone', 'laptop']) {
            expect(shortly(await drain(sync.device(user, device)))).toEqual(['one', 'two', 'three']);
          }
        }
      });

      it('tells of each message who sent it, where and when', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        world.now = 1_700_000_000_000;
        const seqId = await say(process.sync, 'g', 'ann', 'one');
        world.now += 60_000;
        const [message] = await drain(process.sync.device('bob', 'phone'));
        const { cursor, ...rest } = message!;
        expect(typeof cursor).toBe('string');
        const about = { conversation: 'g', seqId, entrySeqId: seqId, sender: 'ann' };
        expect(rest).toEqual({ kind: 'message', ...about, body: 'one', sentAt: rest.sentAt });
        expect(rest.sentAt).toBe((await process.store.timeline('g').get(seqId))!.appendedAt);
      });

      it('again with the same key, from any process, yields one message everywhere', async () => {
        const world = await open();
        const [one, other] = [await world.start({ diffusion }), await world.start({ diffusion })];
        await world.join(one, 'g', 'ann', 'bob', 'cat');
        const message = { conversation: 'g', sender: 'ann', body: 'once', key: 'k' };
        const first = await one.sync.send(message);
        const again = await Promise.all([one.sync.send(message), other.sync.send(message), other.sync.send(message)]);
        for (const { seqId, duplicate, delivered } of again) {
          expect({ seqId, duplicate }).toEqual({ seqId: first.seqId, duplicate: true });
          await delivered;
        }
        expect(first.duplicate).toBe(false);
        for (const user of ['ann', 'bob', 'cat'])
          expect(shortly(await drain(other.sync.device(user, 'phone')))).toEqual(['once']);
      });

      it('with a key that another message has is refused', async () => {
        const world = await open();
        const { sync } = await world.start({ diffusion });
        await sync.send({ conversation: 'g', sender: 'ann', body: 'one', key: 'k' });
        await expect(sync.send({ conversation: 'g', sender: 'ann', body: 'two', key: 'k' })).rejects.toMatchObject({
          code: 'TIMELINE_KEY_CONFLICT',
        });
        await sync.send({ conversation: 'h', sender: 'ann', body: 'two', key: 'k' });
      });

      it('keeps the order of each conversation with several senders in several processes', async () => {
        const world = await open();
        const processes = [await world.start({ diffusion }), await world.start({ diffusion })];
        await world.join(processes[0]!, 'g', 'ann', 'bob', 'cat');
        await Promise.all(
          processes.flatMap(({ sync }, p) =>
            ['ann', 'bob'].map(async (sender) => {
              for (const body of numbered(15, `${sender}${p}-`))
                await (await sync.send({ conversation: 'g', sender, body })).delivered;
            }),
          ),
        );
        const stored = (await processes[0]!.sync.history('g').read({ limit: 1000 })).entries;
        const sent = stored.flatMap(({ message }) => (message.kind === 'message' ? [message.body] : []));
        expect(sent).toHaveLength(60);
        for (const user of ['ann', 'bob', 'cat'])
          expect(shortly(await drain(processes[1]!.sync.device(user, 'phone')))).toEqual(sent);
      });

      it('an answer that is lost is found out with a key', async () => {
        const world = await open();
        const process = await world.start({ diffusion, library: { retry: { attempts: 3, minDelayMs: 1 } } });
        const { sync, faults } = process;
        await world.join(process, 'g', 'ann');
        await say(sync, 'g', 'ann', 'first');
        let isLost = false;
        faults.store.after = (method, [writes]) => {
          if (isLost || method !== 'append' || !JSON.stringify(writes, plain).includes('precious')) return;
          isLost = true;
          throw away('unknown');
        };
        const { seqId } = await sync.send({ conversation: 'g', sender: 'ann', body: 'precious', key: 'k' });
        expect(isLost).toBe(true);
        const again = await sync.send({ conversation: 'g', sender: 'ann', body: 'precious', key: 'k' });
        expect(again).toMatchObject({ seqId, duplicate: true });
        await again.delivered;
        expect(shortly(await drain(sync.device('ann', 'phone')))).toEqual(['first', 'precious']);
      });

      it('a lost answer without a key is an unknown outcome; the stored message is still delivered', async () => {
        const world = await open();
        const process = await world.start({ diffusion });
        const { sync, faults } = process;
        await world.join(process, 'g', 'ann', 'bob', 'cat');
        faults.store.after = (method, [writes]) => {
          if (method === 'append' && JSON.stringify(writes, plain).includes('precious')) throw away('unknown');
        };
        await expect(sync.send({ conversation: 'g', sender: 'ann', body: 'precious' })).rejects.toMatchObject({
          code: 'TIMELINE_OUTCOME_UNKNOWN',
          outcome: 'unknown',
        });
        faults.store.after = () => undefined;
        const bob = sync.device('bob', 'phone');
        await until('it arrives', async () => shortly((await bob.pull()).messages).join() === 'precious');
      });
    });

    it('counts each recipient once, the sender too, however often the directory names them', async () => {
      const world = await open();
      const directory = { members: () => ['ann', 'bob', 'ann', 'bob'], conversations: () => ['g'] };
      const { sync } = await world.start({ directory });
      await say(sync, 'g', 'ann', 'one');
      for (const user of ['ann', 'bob']) expect(shortly(await drain(sync.device(user, 'phone')))).toEqual(['one']);
    });

    it('without a key sends as often as it is called', async () => {
      const world = await open();
      const process = await world.start();
      const { sync } = process;
      await world.join(process, 'g', 'ann');
      await say(sync, 'g', 'ann', 'same', 'same');
      expect(shortly(await drain(sync.device('ann', 'phone')))).toEqual(['same', 'same']);
    });

    it('that is aborted before it begins stores nothing and asks nothing', async () => {
      const world = await open();
      const { sync, store, faults } = await world.start();
      const calls: string[] = [];
      faults.store.before = (method) => void calls.push(method);
      const signal = AbortSignal.abort();
      await expect(sync.send({ conversation: 'g', sender: 'ann', body: 'x' }, { signal })).rejects.toMatchObject({
        code: 'TIMELINE_ABORTED',
        name: 'AbortError',
        outcome: 'not-applied',
      });
      expect(calls).toEqual([]);
      expect((await store.timeline('g').head()).lastSeqId).toBe(0n);
    });

    it('that is aborted on the way may be stored, and then is delivered', async () => {
      const world = await open();
      const process = await world.start();
      const { sync, faults } = process;
      await world.join(process, 'g', 'ann');
      await say(sync, 'g', 'ann', 'first');
      const abort = new AbortController();
      let isSent = false;
      faults.store.before = (method, [writes]) => {
        if (method !== 'append' || !JSON.stringify(writes, plain).includes('precious')) return;
        isSent = true;
        abort.abort();
      };
      const sending = sync.send({ conversation: 'g', sender: 'ann', body: 'precious' }, { signal: abort.signal });
      await expect(sending).rejects.toMatchObject({ code: 'TIMELINE_ABORTED', outcome: 'unknown' });
      expect(isSent).toBe(true);
      const ann = sync.device('ann', 'phone');
      await expect
        .poll(async () => shortly((await ann.pull()).messages), { timeout: 5000 })
        .toEqual(['first', 'precious']);
    });

    it.each([1, 2, 3, 4, 5])(
      'works again as soon as a store is back that refused the first calls from append %i on',
      async (from) => {
        const world = await open();
        const directory = { members: () => ['ann'], conversations: () => ['g'] };
        const { sync, faults } = await world.start({ directory });
        let appends = 0;
        faults.store.before = (method) => {
          if (method === 'append' && ++appends >= from) throw away();
        };
        const send = () => sync.send({ conversation: 'g', sender: 'ann', body: 'x', key: 'k' });
        await send().catch((error: unknown) =>
          expect(error).toMatchObject({ code: 'TIMELINE_UNAVAILABLE', retryable: true }),
        );
        faults.store.before = () => undefined;
        await (await send()).delivered;
        expect(shortly(await drain(sync.device('ann', 'phone')))).toEqual(['x']);
      },
    );
  },
  { core: true },
);

function plain(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? String(value) : value;
}
