import { expect, it } from 'vitest';
import { type Device, hybridDiffusion, type PullPage } from '../../sync/index.js';
import { numbered, say, shortly } from './support/people.js';
import { inWorlds, MODES, type Process, SHORT_PATIENCE } from './support/worlds.js';

/** Reads the next page, in any process. */
type Turn = (process: Process, limit: number) => Promise<PullPage<string>>;

const phoneIn = ({ sync }: Process): Device<string> => sync.device('bob', 'phone');

/** Acknowledges the page, or all but its last messages. */
function stored(part: 'page' | 'message'): Turn {
  return async (process, limit) => {
    const page = await phoneIn(process).pull({ limit: part === 'page' ? limit : limit + 5 });
    const messages = part === 'page' ? page.messages : page.messages.slice(0, 1);
    await phoneIn(process).ack((part === 'page' ? undefined : messages[0]?.cursor) ?? page.cursor);
    return { ...page, messages, upToDate: page.upToDate && messages.length === page.messages.length };
  };
}

function keptByClient(): Turn {
  let after = '';
  return async (process, limit) => {
    const page = await phoneIn(process).pull({ after, limit });
    after = page.cursor;
    return page;
  };
}

const TURNS: Record<string, () => Turn> = {
  'that acknowledges pages': () => stored('page'),
  'that acknowledges single messages': () => stored('message'),
  'that keeps its position itself': keptByClient,
};

interface Reading {
  /** Pages to read; all by default. */
  readonly pages?: number;
  readonly limit?: number;
}

/** Reads on in one process after the other; the furthest loss of each conversation, and the messages. */
async function read(turn: Turn, processes: readonly Process[], { pages = 1000, limit = 1 }: Reading = {}) {
  const told: Record<string, bigint> = {};
  const messages: string[] = [];
  for (let i = 0; i < pages; i++) {
    const page = await turn(processes[i % processes.length] as Process, limit);
    for (const { conversation, through } of page.truncated ?? []) told[conversation] = through;
    messages.push(...shortly(page.messages));
    if (page.upToDate) break;
  }
  return { told, messages };
}

for (const [title, turnsOf] of Object.entries(TURNS))
  inWorlds(
    `a new device ${title}`,
    (open, { directory }) => {
      it.each([1, 2])('is not told of what was gone when it began, %i at a time', async (limit) => {
        const world = await open();
        const start = () => world.start({ diffusion: MODES.read() });
        const processes = [await start(), await start()];
        const [process] = processes as [Process];
        const names = ['a', 'b', 'c', '7'];
        for (const name of names) await world.join(process, name, 'ann', 'bob');
        for (const name of names) await say(process.sync, name, 'ann', ...numbered(4, name));
        await process.sync.history('b').trim({ keepLast: 2 });
        await process.sync.history('c').trim({ keepLast: 1 });
        await process.sync.history('7').trim({ keepLast: 0 });
        const { told, messages } = await read(turnsOf(), processes, { limit });
        expect([told, messages.sort()]).toEqual([{}, [...numbered(4, 'a'), 'b2', 'b3', 'c3']]);
      });

      it('is told of what goes after it began, before it got there', async () => {
        const world = await open();
        const process = await world.start({ diffusion: MODES.read() });
        const names = ['a', 'b', 'c'];
        for (const name of names) await world.join(process, name, 'ann', 'bob');
        for (const name of names) await say(process.sync, name, 'ann', ...numbered(4, name));
        for (const name of names) await process.sync.history(name).trim({ keepLast: 3 });
        const turn = turnsOf();
        const first = await read(turn, [process], { pages: 1 });
        expect([first.told, first.messages.length]).toEqual([{}, 1]);
        const [begun] = first.messages as [string];
        const others = names.filter((name) => !begun.startsWith(name));
        const gone: Record<string, bigint> = {};
        for (const name of others) {
          await process.sync.history(name).trim({ keepLast: 1 });
          gone[name] = (await process.sync.history(name).head()).firstSeqId - 1n;
        }
        const rest = await read(turn, [process]);
        expect(rest.told).toEqual(gone);
        expect([begun, ...rest.messages].sort()).toEqual(
          names.flatMap((name) => (others.includes(name) ? [`${name}3`] : [`${name}1`, `${name}2`, `${name}3`])),
        );
      });

      it('is told of a gap between the messages that it gets', async () => {
        const world = await open();
        let mode: 'write' | 'read' = 'write';
        const process = await world.start({ diffusion: hybridDiffusion({ policy: () => mode }) });
        for (const name of ['a', 'b']) await world.join(process, name, 'ann', 'bob');
        await say(process.sync, 'b', 'ann', 'b0', 'b1');
        await say(process.sync, 'a', 'ann', 'copied');
        mode = 'read';
        const other = await world.start({ diffusion: hybridDiffusion({ policy: () => mode }) });
        const last = await say(other.sync, 'a', 'ann', 'gone', 'kept');
        await other.sync.history('a').trim({ keepLast: 1 });
        const { told, messages } = await read(turnsOf(), [other]);
        expect(told).toEqual({ a: last - 1n });
        expect(messages.filter((text) => !text.startsWith('b'))).toEqual(['copied', 'kept']);
      });

      if (directory === 'kept')
        it('is not told of what was gone of conversations that its user had left', async () => {
          const world = await open();
          const readProcess = await world.start({ diffusion: MODES.read() });
          const write = await world.start({ diffusion: MODES.write() });
          await world.join(write, 'w', 'ann', 'bob');
          await say(write.sync, 'w', 'ann', ...numbered(5, 'w'));
          for (const name of ['left', 'emptied']) {
            await world.join(readProcess, name, 'ann', 'bob');
            await say(readProcess.sync, name, 'ann', ...numbered(4, name));
            await world.leave(readProcess, name, 'bob');
          }
          await readProcess.sync.history('left').trim({ keepLast: 2 });
          await readProcess.sync.history('emptied').trim({ keepLast: 0 });
          const { told, messages } = await read(turnsOf(), [readProcess]);
          expect([told, messages.sort()]).toEqual([{}, ['left3', ...numbered(5, 'w')]]);
        });
    },
    { patience: SHORT_PATIENCE },
  );
