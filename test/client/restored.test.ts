import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { backupTimelines, restoreTimelines, sqliteAdapter } from '../../adapters/sqlite/index.js';
import { readDiffusion, writeDiffusion } from '../../sync/index.js';
import { nightly } from '../support/nightly.js';
import { serve } from './support/served.js';
import { Person, Server, shown, TRANSPORTS, untilShown } from './support/world.js';

const DIFFUSIONS = { write: writeDiffusion, read: readDiffusion } as const;
const FILES = ['store', 'sync'] as const;
type File = (typeof FILES)[number];

interface Restorable {
  readonly server: Server;
  backup(): Promise<void>;
  /** Ends the server, brings databases back to the backup, and starts it again. */
  restore(files: readonly File[]): Promise<void>;
}

/** A server whose store and sync library are in a database each. */
async function startRestorable(mode: keyof typeof DIFFUSIONS): Promise<Restorable> {
  const folder = mkdtempSync(join(tmpdir(), 'timeline-restored-'));
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
  const path = (file: File, kind = 'db') => join(folder, `${file}.${kind}`);
  const server = new Server((port) => {
    const [store, sync] = FILES.map((file) => sqliteAdapter(path(file), { synchronous: 'normal', wakeMs: 5 }));
    const options = { diffusion: DIFFUSIONS[mode](), adapter: { store, sync } };
    // Takes the place of this adapter.
    return serve(store as NonNullable<typeof store>, port, { sync: options as object });
  });
  await server.start();
  onTestFinished(() => server.kill());
  return {
    server,
    backup: async () => {
      for (const file of FILES) await backupTimelines(path(file), path(file, 'backup'));
    },
    restore: async (files) => {
      await server.kill();
      for (const file of files) await restoreTimelines(path(file, 'backup'), path(file));
      await server.start();
    },
  };
}

const BACKUPS = [
  ['of a conversation with messages', 2],
  ['of one without', 0],
] as const;
const RESTORED: readonly (readonly File[])[] = [['store', 'sync'], ['store'], ...(nightly ? [['sync'] as const] : [])];
/** Without nightly, each transport and each keeper of the position meets one of the modes. */
const modesOf = (isFirst: boolean) =>
  nightly ? (['write', 'read'] as const) : ([isFirst ? 'write' : 'read'] as const);

describe.each(TRANSPORTS)('over %s,', (transport) => {
  describe.each(['client', 'server'] as const)('with the position kept by the %s,', (keeper) => {
    const device = keeper === 'server' ? { device: 'phone' } : {};

    describe.each(modesOf((transport === 'sse') === (keeper === 'client')))('in %s mode,', (mode) => {
      it.each(
        RESTORED.flatMap((files) =>
          BACKUPS.map(([title, count]) => [files.join(' and '), title, files, count] as const),
        ),
      )('a client shows what is there after a restore of %s to a backup %s', async (_, __, files, count) => {
        const { server, backup, restore } = await startRestorable(mode);
        const ann = new Person(server.url, 'ann', { transport, ...device });
        const bob = new Person(server.url, 'bob', { transport, ...device });
        await ann.found('team', 'ann', 'bob');
        const conversations = [await ann.loaded('team'), await bob.loaded('team')];
        const show = async (bodies: readonly string[]) => {
          for (const each of conversations) await untilShown(each, bodies);
        };
        for (const person of [ann, bob]) await person.live();
        const kept: string[] = [];
        for (let i = 0; i < count; i++) {
          kept.push(`kept ${i}`);
          await ann.chat.send('team', `kept ${i}`).sent;
        }
        await show(kept);
        await backup();
        const lost = ['lost 0', 'lost 1', 'lost 2'];
        for (const body of lost) await ann.chat.send('team', body).sent;
        await show([...kept, ...lost]);

        let resyncs = 0;
        for (const { chat } of [ann, bob]) chat.on('resync', () => resyncs++);
        for (const person of [ann, bob]) person.states.length = 0;
        await restore(files);
        const expected = files.includes('store') ? kept : [...kept, ...lost];
        await show(expected);
        for (const person of [ann, bob]) await person.live();
        expect(resyncs).toBeGreaterThanOrEqual(2);
        // SeqIds of lost messages are given again.
        for (const body of ['new 0', 'new 1']) {
          await ann.chat.send('team', body).sent;
          expected.push(body);
          await show(expected);
        }
        for (const { states, chat } of [ann, bob]) {
          expect(states.filter((state) => state === 'live')).toHaveLength(1);
          expect(chat.state).toBe('live');
        }
        expect(shown(conversations[1] as (typeof conversations)[number])).toEqual(expected);
      });
    });
  });
});
