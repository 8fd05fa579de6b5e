import { describe, expect, it } from 'vitest';
import type { MessageSync, SyncMessage } from '../../sync/index.js';
import { until } from '../support/until.js';
import { away } from './support/interposed.js';
import { bodyOf, numbered, say, shortly, take } from './support/people.js';
import { inWorlds, MODES, type Process, type ProcessOptions, type World } from './support/worlds.js';

/** Collects what a device hears until it is stopped. */
function listen({ sync }: { sync: MessageSync<string> }, user: string, device = 'phone') {
  const abort = new AbortController();
  const heard: SyncMessage<string>[] = [];
  const ended = (async () => {
    for await (const message of sync.device(user, device).subscribe({ signal: abort.signal })) heard.push(message);
  })().then(
    () => 'TIMELINE_OK',
    (error: { code: string }) => error.code,
  );
  const hears = (...texts: string[]) => until(`${user} hears ${texts}`, () => shortly(heard).join() === texts.join());
  return { heard, hears, ended, stop: () => abort.abort() };
}

async function startWith(world: World, options: ProcessOptions): Promise<Process> {
  const process = await world.start(options);
  await world.join(process, 'g', 'ann', 'bob');
  return process;
}

inWorlds(
  'a subscription',
  (open) => {
    describe.each(['write', 'read'] as const)('in %s diffusion', (mode) => {
      const diffusion = MODES[mode]();

      it('hands over what is there, then what comes, once each and in order', async () => {
        const world = await open();
        const process = await startWith(world, { diffusion });
        await say(process.sync, 'g', 'ann', ...numbered(3));
        const bob = listen(process, 'bob');
        await bob.hears('m0', 'm1', 'm2');
        const other = await world.start({ diffusion });
        await say(process.sync, 'g', 'ann', 'm3');
        await say(other.sync, 'g', 'ann', 'm4');
        await bob.hears(...numbered(5));
        bob.stop();
        expect(await bob.ended).toBe('TIMELINE_ABORTED');
      });

      it('hears of conversations that the user joins meanwhile', async () => {
        const world = await open();
        const process = await startWith(world, { diffusion, pollMs: 50 });
        const bob = listen(process, 'bob');
        await say(process.sync, 'g', 'ann', 'one');
        await bob.hears('one');
        await world.join(process, 'h', 'ann', 'bob');
        await say(process.sync, 'h', 'ann', 'two');
        await bob.hears('one', 'two');
        bob.stop();
        await bob.ended;
      });

      it('loses no more than a moment when every hint is lost', async () => {
        const world = await open();
        const process = await startWith(world, { diffusion });
        const deaf = await world.start({ diffusion, pollMs: 20, isDeaf: true });
        const bob = listen(deaf, 'bob');
        for (const body of numbered(3)) {
          await say(process.sync, 'g', 'ann', body);
          await until(body, () => bob.heard.map(bodyOf).at(-1) === body);
        }
        bob.stop();
        await bob.ended;
      });

      it('resumes at the acknowledged position, also in another process', async () => {
        const world = await open();
        const process = await startWith(world, { diffusion });
        await say(process.sync, 'g', 'ann', ...numbered(4));
        const [first, second] = await take(process.sync.device('bob', 'phone').subscribe(), 2);
        expect(shortly([first!, second!])).toEqual(['m0', 'm1']);
        await process.sync.device('bob', 'phone').ack(first!.cursor);
        const other = await world.start({ diffusion });
        expect(shortly(await take(other.sync.device('bob', 'phone').subscribe(), 3))).toEqual(['m1', 'm2', 'm3']);
      });

      it('waits for a store that is away, warns once, and misses nothing', async () => {
        const world = await open();
        const process = await startWith(world, { diffusion });
        const other = await world.start({ diffusion, pollMs: 10 });
        const bob = listen(other, 'bob');
        await say(process.sync, 'g', 'ann', 'one');
        await bob.hears('one');
        let refused = 0;
        const refuse = (method: string) => {
          if (method === 'read' || method === 'heads') refused++;
          if (method === 'read' || method === 'heads') throw away();
        };
        other.faults.store.before = refuse;
        other.faults.sync.before = refuse;
        await say(process.sync, 'g', 'ann', 'two');
        await until('it failed several times', () => refused > 2);
        other.faults.store.before = () => undefined;
        other.faults.sync.before = () => undefined;
        await bob.hears('one', 'two');
        expect(other.warnings.filter(({ code }) => code === 'device-waits')).toHaveLength(1);
        bob.stop();
        await bob.ended;
      });

      it('ends when the sync is closed, and when its caller breaks off', async () => {
        const world = await open();
        const process = await startWith(world, { diffusion });
        await say(process.sync, 'g', 'ann', 'one');
        expect(shortly(await take(process.sync.device('bob', 'phone').subscribe(), 1))).toEqual(['one']);
        const bob = listen(process, 'bob');
        await bob.hears('one');
        await process.sync.close();
        expect(await bob.ended).toBe('TIMELINE_CLOSED');
      });
    });
  },
  { core: true },
);

inWorlds(
  'a subscription, for long',
  (open) => {
    it.each(['write', 'read'] as const)(
      'holds on to nothing that it has handed over, though nothing is acknowledged (%s)',
      async (mode) => {
        const world = await open();
        const process = await startWith(world, { diffusion: MODES[mode]() });
        const abort = new AbortController();
        const refs: WeakRef<object>[] = [];
        let heard = 0;
        const ended = (async () => {
          for await (const message of process.sync.device('bob', 'phone').subscribe({ signal: abort.signal })) {
            if (heard++ % 100 === 0) refs.push(new WeakRef(message));
          }
        })().catch(() => undefined);
        for (const body of numbered(2000)) await process.sync.send({ conversation: 'g', sender: 'ann', body });
        await until('all is heard', () => heard === 2000);
        const collect = (globalThis as { gc?: () => void }).gc ?? (await garbageCollector());
        await until('the messages are gone', () => {
          collect();
          return refs.filter((ref) => ref.deref() !== undefined).length <= 2;
        });
        const cursors: number[] = [];
        for await (const { cursor } of process.sync.device('bob', 'phone').subscribe({ signal: abort.signal })) {
          cursors.push(cursor.length);
          if (cursors.length === 2000) break;
        }
        expect(cursors.at(-1)! - cursors[0]!).toBeLessThan(20);
        abort.abort();
        await ended;
      },
    );
  },
  { only: ({ store, sync, directory }) => store === 'memory' && sync === 'memory' && directory === 'listed' },
);

async function garbageCollector(): Promise<() => void> {
  const { setFlagsFromString } = await import('node:v8');
  const { runInNewContext } = await import('node:vm');
  setFlagsFromString('--expose-gc');
  return runInNewContext('gc') as () => void;
}
