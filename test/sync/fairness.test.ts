import { expect, it } from 'vitest';
import type { Device, SyncMessage } from '../../sync/index.js';
import { numbered, say } from './support/people.js';
import { inWorlds, MODES, type Process, type World } from './support/worlds.js';

const LIMIT = 10;

/** Reads and acknowledges the next page. */
type Turn = (limit: number) => Promise<SyncMessage<string>[]>;

function stored(device: Device<string>): Turn {
  return async (limit) => {
    const page = await device.pull({ limit });
    await device.ack(page.cursor);
    return page.messages;
  };
}

function keptByClient(device: Device<string>): Turn {
  let after = '';
  return async (limit) => {
    const page = await device.pull({ after, limit });
    after = page.cursor;
    return page.messages;
  };
}

const POSITIONS = { 'a stored position': stored, 'a position that the client keeps': keptByClient };

/** Bob is a member; nothing is said yet. */
async function joinAll(world: World, process: Process, names: readonly string[]): Promise<void> {
  for (const name of names) await world.join(process, name, 'ann', 'bob');
}

/** Appends many messages without waiting for each. */
async function flood({ sync }: Process, conversation: string, count: number): Promise<void> {
  for (let i = 0; i < count; i += 1000) {
    const sent = await Promise.all(
      numbered(Math.min(1000, count - i)).map((body) => sync.send({ conversation, sender: 'ann', body })),
    );
    await Promise.all(sent.map(({ delivered }) => delivered));
  }
}

/** The page, counted from 1, that has the first message of each conversation; `undefined` after `most` pages. */
async function pagesUntilSeen(turn: Turn, names: readonly string[], limit: number, most: number) {
  const seen = new Map<string, number>();
  for (let page = 1; page <= most && names.some((name) => !seen.has(name)); page++)
    for (const { conversation } of await turn(limit)) if (!seen.has(conversation)) seen.set(conversation, page);
  return names.map((name) => seen.get(name));
}

inWorlds(
  'pages of',
  (open) => {
    for (const [title, turns] of Object.entries(POSITIONS)) {
      it(`${title}: a busy conversation in read mode leaves room for fifty others`, async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES.read() });
        const others = numbered(50, 'other');
        await joinAll(world, process, ['busy', ...others]);
        const turn = turns(process.sync.device('bob', 'phone'));
        while ((await turn(100)).length > 0);
        await flood(process, 'busy', 10_000);
        for (const name of others) await say(process.sync, name, 'ann', 'new');
        const bound = Math.ceil((2 * 51) / LIMIT);
        const pages = await pagesUntilSeen(turn, others, LIMIT, bound);
        expect(pages).not.toContain(undefined);
        expect((await turn(LIMIT)).length).toBe(LIMIT);
      });

      it(`${title}: ten busy conversations leave room for others, one message at a time`, async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES.read() });
        const [busy, others] = [numbered(10, 'busy'), numbered(5, '1')];
        await joinAll(world, process, [...busy, ...others]);
        const turn = turns(process.sync.device('bob', 'phone'));
        while ((await turn(100)).length > 0);
        for (const name of busy) await flood(process, name, 50);
        for (const name of others) await say(process.sync, name, 'ann', 'new');
        const pages = await pagesUntilSeen(turn, [...busy, ...others], 1, 2 * 15);
        expect(pages).not.toContain(undefined);
      });

      it.each([1, 2, 3, 10])(
        `${title}: a busy inbox leaves room for read mode, and the other way round, %i at a time`,
        async (limit) => {
          const world = await open();
          const write = await world.start({ diffusion: MODES.write() });
          const read = await world.start({ diffusion: MODES.read() });
          const [copied, followed] = [numbered(8, 'w'), numbered(8, 'r')];
          for (const name of copied) await world.join(write, name, 'ann', 'bob');
          for (const name of copied) await say(write.sync, name, 'ann', 'hello');
          for (const name of followed) await world.join(read, name, 'ann', 'bob');
          for (const name of followed) await say(read.sync, name, 'ann', 'hello');
          const turn = turns(read.sync.device('bob', 'phone'));
          while ((await turn(100)).length > 0);
          await flood(write, 'w0', 300);
          for (const name of followed) await say(read.sync, name, 'ann', 'new');
          const bound = Math.ceil((2 * followed.length) / limit);
          expect(await pagesUntilSeen(turn, followed, limit, bound)).not.toContain(undefined);
          while ((await turn(100)).length > 0);
          for (const name of followed) await flood(read, name, 100);
          await say(write.sync, 'w1', 'ann', 'new');
          expect(await pagesUntilSeen(turn, ['w1'], limit, 3)).not.toContain(undefined);
        },
      );
    }
  },
  { core: true },
);
