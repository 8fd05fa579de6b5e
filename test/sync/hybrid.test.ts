import { expect, it } from 'vitest';
import { type Device, hybridDiffusion, type Mode, type SyncMessage } from '../../sync/index.js';
import { drain, numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

/** A process whose conversations are in the mode that the test says at the moment. */
async function switchable(world: World): Promise<Process & { mode: Mode; into(mode: Mode): Promise<void> }> {
  let mode: Mode = 'write';
  const process = await world.start({ diffusion: hybridDiffusion({ policy: () => mode }) });
  return Object.assign(process, {
    mode,
    /** A fresh process looks at once; one that has just looked would hold on to what it saw. */
    into: async (next: Mode) => {
      mode = next;
      const other = await world.start({ diffusion: hybridDiffusion({ policy: () => next }) });
      await say(other.sync, 'g', 'ann', `now ${next}`);
      await other.sync.close();
    },
  });
}

/** Pulls once and acknowledges, as a slow device does in passing. */
async function step(device: Device<string>, limit: number, into: SyncMessage<string>[]): Promise<void> {
  const page = await device.pull({ limit });
  into.push(...page.messages);
  await device.ack(page.cursor);
}

async function sentIn({ sync }: Process): Promise<string[]> {
  const { entries } = await sync.history('g').read({ limit: 1000 });
  return entries.flatMap(({ message }) => (message.kind === 'message' ? [String(message.body)] : []));
}

inWorlds(
  'hybrid diffusion',
  (open) => {
    it.each([1, 2, 3])(
      'while the mode changes there and back, a slow device that takes %i at a time misses and repeats nothing',
      async (limit) => {
        const world = await open();
        const process = await switchable(world);
        await world.join(process, 'g', 'ann', 'bob');
        await world.join(process, 'h', 'ann', 'bob');
        const slow = process.sync.device('bob', 'slow');
        const got: SyncMessage<string>[] = [];
        for (const [round, mode] of (['read', 'write', 'read', 'write'] as const).entries()) {
          await say(process.sync, 'g', 'ann', ...numbered(4, `g${round}-`));
          await say(process.sync, 'h', 'ann', `h${round}`);
          await step(slow, limit, got);
          await process.into(mode);
          await step(slow, limit, got);
        }
        await say(process.sync, 'g', 'ann', ...numbered(4, 'end-'));
        got.push(...(await drain(slow, limit)));
        const of = (conversation: string) => got.filter((message) => message.conversation === conversation);
        expect(shortly(of('g'))).toEqual(await sentIn(process));
        expect(shortly(of('h'))).toEqual(numbered(4, 'h'));
        for (const limit of [1, 100]) {
          const fresh = await drain(process.sync.device('bob', `fresh ${limit}`), limit);
          expect(shortly(fresh.filter(({ conversation }) => conversation === 'g'))).toEqual(await sentIn(process));
        }
      },
    );

    it('a device that met the conversation before, between or after the changes sees all of it', async () => {
      const world = await open();
      const process = await switchable(world);
      await world.join(process, 'g', 'ann', 'bob');
      const devices = Object.fromEntries(
        ['first', 'between', 'later'].map((name) => [name, process.sync.device('bob', name)]),
      );
      const got: Record<string, string[]> = { first: [], between: [], later: [] };
      const see = async (name: string) => got[name]!.push(...shortly(await drain(devices[name]!)));
      await say(process.sync, 'g', 'ann', 'one');
      await see('first');
      await process.into('read');
      await say(process.sync, 'g', 'ann', 'two');
      await see('between');
      await see('first');
      await process.into('write');
      await say(process.sync, 'g', 'ann', 'three');
      await see('first');
      await process.into('read');
      await say(process.sync, 'g', 'ann', 'four');
      const sent = await sentIn(process);
      for (const name of Object.keys(got)) {
        await see(name);
        expect([name, ...got[name]!]).toEqual([name, ...sent]);
      }
    });

    it('a page that says it is up to date is, even when the conversation has just changed its mode', async () => {
      const world = await open();
      const process = await switchable(world);
      await world.join(process, 'g', 'ann', 'bob');
      await say(process.sync, 'g', 'ann', 'one');
      const phone = process.sync.device('bob', 'phone');
      expect(shortly(await drain(phone))).toEqual(['one']);
      await process.into('read');
      await say(process.sync, 'g', 'ann', 'two');
      const page = await phone.pull();
      expect(page).toMatchObject({ upToDate: true });
      expect(shortly(page.messages)).toEqual(['now read', 'two']);
    });

    it('a new device sees all of a conversation that began in read mode and left it', async () => {
      const world = await open();
      const readers = await world.start({ diffusion: MODES.read() });
      await world.join(readers, 'g', 'ann', 'bob');
      await say(readers.sync, 'g', 'ann', 'one', 'two');
      const writers = await world.start({ diffusion: hybridDiffusion() });
      await say(writers.sync, 'g', 'ann', 'three');
      expect(shortly(await drain(writers.sync.device('bob', 'phone')))).toEqual(['one', 'two', 'three']);
      expect(shortly(await drain(writers.sync.device('ann', 'phone'), 1))).toEqual(['one', 'two', 'three']);
    });

    it('a group is in write mode up to the bound, in read mode beyond it, and returns only well below', async () => {
      const world = await open();
      const chosen = async () => {
        const process = await world.start({ diffusion: hybridDiffusion({ writeUpTo: 4, writeBelow: 3 }) });
        const { delivered } = await process.sync.send({ conversation: 'g', sender: 'u0', body: 'x' });
        return (await delivered).recipients;
      };
      const process = await world.start();
      await world.join(process, 'g', 'u0', 'u1', 'u2', 'u3');
      expect(await chosen()).toBe(4);
      await world.join(process, 'g', 'u4');
      expect(await chosen()).toBe(0);
      await world.leave(process, 'g', 'u4');
      await world.leave(process, 'g', 'u3');
      expect(await chosen()).toBe(0);
      await world.leave(process, 'g', 'u2');
      expect(await chosen()).toBe(2);
    });
  },
  { core: true },
);

inWorlds(
  'the mode of a group',
  (open) => {
    it('changes as soon as members have joined', async () => {
      const world = await open();
      const process = await world.start({ diffusion: hybridDiffusion({ writeUpTo: 2 }) });
      const send = async () =>
        (await (await process.sync.send({ conversation: 'g', sender: 'ann', body: 'x' })).delivered).recipients;
      await (await process.sync.join('g', ['ann', 'bob'])).delivered;
      expect(await send()).toBe(2);
      const joined = await process.sync.join('g', ['cat', 'dan']);
      await send();
      await joined.delivered;
      expect(await send()).toBe(0);
      expect(shortly(await drain(process.sync.device('bob', 'phone')))).toEqual(['x', 'x', 'x']);
    });
  },
  { only: ({ directory }) => directory === 'kept' },
);

inWorlds(
  'the choice of a mode',
  (open) => {
    it('is the policy’s, then the override’s, then the size’s', async () => {
      const world = await open();
      for (const name of ['policy', 'override', 'size']) world.members.set(name, new Set(['ann', 'bob']));
      const asked: string[] = [];
      const diffusion = hybridDiffusion({
        writeUpTo: 1,
        overrides: { policy: 'read', override: 'write' },
        policy: ({ conversation }) => {
          asked.push(conversation);
          return conversation === 'policy' ? 'write' : undefined;
        },
      });
      const { sync } = await world.start({ diffusion });
      const recipients = async (conversation: string) =>
        (await (await sync.send({ conversation, sender: 'ann', body: 'x' })).delivered).recipients;
      expect([await recipients('policy'), await recipients('override'), await recipients('size')]).toEqual([2, 2, 0]);
      expect(asked).toEqual(['policy', 'override', 'size']);
    });

    it('counts members no further than it must', async () => {
      const world = await open();
      let listed = 0;
      const directory = {
        *members() {
          for (let i = 0; i < 1_000_000; i++) {
            listed++;
            yield `u${i}`;
          }
        },
        conversations: () => ['g'],
      };
      const { sync } = await world.start({ directory, diffusion: hybridDiffusion({ writeUpTo: 50 }) });
      await say(sync, 'g', 'u1', 'one', 'two', 'three');
      expect(listed).toBeLessThanOrEqual(60);
    });

    it('that is none is refused, and nothing is stored', async () => {
      const world = await open();
      const diffusion = hybridDiffusion({ policy: () => 'both' as Mode });
      const { sync, store } = await world.start({ diffusion });
      await expect(sync.send({ conversation: 'g', sender: 'ann', body: 'x' })).rejects.toMatchObject({
        code: 'TIMELINE_INVALID_ARGUMENT',
        argument: 'policy',
      });
      expect((await store.timeline('g').head()).lastSeqId).toBe(0n);
    });
  },
  { only: ({ store, sync, directory }) => store === 'memory' && sync === 'memory' && directory === 'listed' },
);

inWorlds('a change of configuration', (open) => {
  const ALL = ['write', 'read', 'hybrid'] as const;
  it.each(ALL.flatMap((from) => ALL.flatMap((to) => (from === to ? [] : [[from, to] as const]))))(
    'from %s to %s leaves nothing out, for devices that were there before and for new ones',
    async (from, to) => {
      const world = await open();
      const before = await world.start({ diffusion: MODES[from]() });
      for (const [group, users] of Object.entries({ small: ['ann', 'bob'], large: ['ann', 'bob', 'cat'] })) {
        await world.join(before, group, ...users);
        await say(before.sync, group, 'ann', `${group} 1`, `${group} 2`);
      }
      expect(shortly(await drain(before.sync.device('bob', 'old'))).sort()).toEqual([
        'large 1',
        'large 2',
        'small 1',
        'small 2',
      ]);
      await say(before.sync, 'small', 'ann', 'small 3');
      await before.sync.close();

      const after = await world.start({ diffusion: MODES[to]() });
      expect(shortly(await drain(after.sync.device('bob', 'early'))).sort()).toEqual([
        ...['large 1', 'large 2', 'small 1', 'small 2', 'small 3'],
      ]);
      for (const group of ['small', 'large']) await say(after.sync, group, 'ann', `${group} 4`);
      const of = (messages: SyncMessage<string>[], group: string) =>
        shortly(messages.filter(({ conversation }) => conversation === group));
      const old = await drain(after.sync.device('bob', 'old'));
      expect([of(old, 'small'), of(old, 'large')]).toEqual([['small 3', 'small 4'], ['large 4']]);
      for (const limit of [1, 100]) {
        const fresh = await drain(after.sync.device('bob', `fresh ${limit}`), limit);
        expect(of(fresh, 'small')).toEqual(['small 1', 'small 2', 'small 3', 'small 4']);
        expect(of(fresh, 'large')).toEqual(['large 1', 'large 2', 'large 4']);
      }
    },
  );
});
