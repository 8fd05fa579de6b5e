/** A process on a SQLite file: `child.ts <command> <path> …`. It tells its parent over IPC, or by lines on stdout. */
import fs, { writeSync } from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';
import { setImmediate as nextTurn } from 'node:timers/promises';
import Database from 'better-sqlite3';
import { backupTimelines, restoreTimelines, sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore, type TimelineStore } from '../../src/index.js';
import { anyCall, openingOptions } from '../support/direct-library.js';

const [command, path = '', name = '', count = '0', file = ''] = process.argv.slice(2);

const open = (): Promise<TimelineStore<string>> =>
  openTimelineStore<string>({ adapter: sqliteAdapter(path), name: 'test' });
const told = (what: string) =>
  new Promise<void>((resolve) => process.on('message', (message) => message === what && resolve()));
const tell = (message: unknown) => process.send?.(message as object);

function killAtStep(step: number): void {
  let steps = 0;
  const counted = (target: object, names: readonly string[]) => {
    for (const name of names) {
      const original = Reflect.get(target, name) as (...args: unknown[]) => unknown;
      Reflect.set(target, name, function (this: unknown, ...args: unknown[]) {
        if (++steps === step) process.kill(process.pid, 'SIGKILL');
        return original.apply(this, args);
      });
    }
  };
  counted(fs, ['renameSync', 'rmSync', 'fsyncSync', 'chmodSync', 'chownSync']);
  syncBuiltinESMExports();
  counted(Database.prototype, ['exec', 'pragma', 'prepare', 'close']);
}

/** Dies before the nth statement that is run from now on. */
function killAtStatement(step: number): void {
  const statement = Object.getPrototypeOf(new Database(':memory:').prepare('SELECT 1')) as { run: () => unknown };
  const { run } = statement;
  let steps = 0;
  statement.run = function (this: unknown, ...args: unknown[]) {
    if (++steps === step) process.kill(process.pid, 'SIGKILL');
    return Reflect.apply(run, this, args);
  };
}

const commands: Record<string, () => Promise<void>> = {
  /** Appends `count` messages in sequence from each of four callers once told to go, and sends the results. */
  async append() {
    await using store = await open();
    const timeline = store.timeline('shared');
    const go = told('go');
    tell('ready');
    await go;
    const caller = async (lane: number) => {
      const ids: string[] = [];
      for (let i = 0; i < Number(count); i++) ids.push(String((await timeline.append(`${name}.${lane}.${i}`)).seqId));
      return ids;
    };
    tell(await Promise.all([0, 1, 2, 3].map(caller)));
    process.disconnect();
  },

  /** Appends one message each time it is told to; answers the time of the acknowledgement. */
  async appendOnDemand() {
    const store = await open();
    process.on('message', async () => {
      await store.timeline('shared').append('from the other process');
      tell(Date.now());
    });
    tell('ready');
  },

  /** Appends until it is killed, and reports each acknowledged append on stdout. */
  async appendForever() {
    const store = await open();
    let next = 0;
    const caller = async () => {
      for (;;) {
        const message = `${name}.${next++}`;
        const { seqId } = await store.timeline('shared').append(message, { key: message });
        const copies = await store.appendToMany(['inbox:1', 'inbox:2', 'inbox:3'], message);
        const ids = copies.map((copy) => (copy.ok ? copy.seqId : 'failed'));
        writeSync(1, `${message} ${[seqId, ...ids].join(' ')}\n`);
        await nextTurn();
      }
    };
    await Promise.all(Array.from({ length: 8 }, caller));
  },

  /** Appends `name` messages, makes a backup, appends `count` more, and dies without closing anything. */
  async appendAndDie() {
    const store = await open();
    const append = (most: number) =>
      Promise.all(Array.from({ length: most }, (_, i) => store.timeline('a').append(`${i} ${'x'.repeat(200)}`)));
    await append(Number(name));
    await backupTimelines(path, file);
    await append(Number(count));
    process.kill(process.pid, 'SIGKILL');
  },

  /** Appends to a file that may not exceed 2 MiB, until an append is refused. */
  async appendUntilRefused() {
    const store = await openTimelineStore<string>({
      adapter: sqliteAdapter(path, { busyTimeoutMs: 300 }),
      name: 'test',
    });
    const body = 'x'.repeat(10_000);
    for (let stored = 0; ; stored++) {
      try {
        await store.timeline('a').append(body);
      } catch (error) {
        const { code, outcome } = error as { code: string; outcome: string };
        tell({ stored, code, outcome });
        process.kill(process.pid, 'SIGKILL');
      }
    }
  },

  /** Reads the test's entries, without the core, where SQLite takes URIs. */
  async readWithUris() {
    const adapter = sqliteAdapter(path, { readonly: true });
    const library = await adapter.open(openingOptions('test'));
    const [slice] = await library.read([{ timeline: 'a', limit: 10, reverse: false }], anyCall());
    tell(slice!.rows.map((row) => row.body));
    process.disconnect();
  },

  /** Restores `name`, and dies before its nth step: a call of the file system or of SQLite. */
  async restoreAndDie() {
    killAtStep(Number(count));
    await restoreTimelines(name, path);
  },

  /** Drops the Timeline `name`, and dies before the nth statement of that or of removing what is left of it. */
  async dropAndDie() {
    const store = await open();
    const rows = new Database(path).prepare('SELECT count(*) FROM timeline_dropped').pluck();
    killAtStatement(Number(count));
    await store.timeline(name).drop();
    while (rows.get() !== 0) await new Promise((resolve) => setTimeout(resolve, 1));
    await store.close();
    process.disconnect();
  },

  /** Writes until the checkpoint worker must be running, then leaves everything open and idles. */
  async leaveOpen() {
    const adapter = sqliteAdapter(path, { walSoftBytes: 100_000, synchronous: 'normal' });
    const store = await openTimelineStore<string>({ adapter, name: 'test', ttlMs: 60_000, onWarning: tell });
    const stop = store.timeline('shared').subscribe()[Symbol.asyncIterator]();
    for (let i = 0; i < 50; i++) await store.timeline('shared').append('x'.repeat(10_000));
    await stop.return?.();
    tell('done');
    process.disconnect();
  },
};

await commands[command ?? '']?.();
