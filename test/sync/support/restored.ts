import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { backupTimelines, restoreTimelines, sqliteAdapter } from '../../../adapters/sqlite/index.js';
import type { AdapterLibrary, TimelineAdapter } from '../../../src/adapter.js';
import { openTimelineStore, type TimelineStore } from '../../../src/index.js';
import { assemble } from '../../../sync/create-sync.js';
import {
  type Directory,
  type MessageSync,
  type Stored,
  type Synced,
  type SyncOptions,
  timelineDirectory,
} from '../../../sync/index.js';
import { SHORT_PATIENCE } from './worlds.js';

export type Library = 'store' | 'sync' | 'state';
type OpenOptions = Parameters<TimelineAdapter['open']>[0];
type Method = (...args: unknown[]) => unknown;

/** An adapter whose database may be replaced while it is open, as a server goes back to an earlier state. */
class Replaceable implements TimelineAdapter {
  readonly name = 'sqlite';
  readonly #path: string;
  #adapter: TimelineAdapter;
  readonly #opened: { readonly options: OpenOptions; library: AdapterLibrary }[] = [];
  readonly #underWay = new Set<Promise<unknown>>();
  #replacing: Promise<void> = Promise.resolve();

  constructor(path: string) {
    this.#path = path;
    this.#adapter = this.#connect();
  }

  #connect(): TimelineAdapter {
    return sqliteAdapter(this.#path, { synchronous: 'normal', wakeMs: 5 });
  }

  async open(options: OpenOptions): Promise<AdapterLibrary> {
    const slot = { options, library: await this.#adapter.open(options) };
    this.#opened.push(slot);
    const checkpoints = this.#passingOn(() => slot.library.checkpoints as object);
    return new Proxy(
      this.#passingOn(() => slot.library),
      {
        get: (inner, name) => (name === 'checkpoints' ? checkpoints : Reflect.get(inner, name)),
      },
    );
  }

  /** Calls made meanwhile wait. */
  async replace(work: () => Promise<void>): Promise<void> {
    let end: () => void = () => undefined;
    this.#replacing = new Promise((resolve) => {
      end = resolve;
    });
    while (this.#underWay.size > 0) await Promise.allSettled(this.#underWay);
    for (const { library } of this.#opened) await library.close({ deadline: performance.now() + 10_000 });
    await work();
    this.#adapter = this.#connect();
    for (const slot of this.#opened) slot.library = await this.#adapter.open(slot.options);
    end();
  }

  #passingOn<T extends object>(current: () => T): T {
    return new Proxy(current(), {
      get: (_, name) => {
        const value: unknown = Reflect.get(current(), name);
        if (typeof value !== 'function') return value;
        if (name === 'watch' || name === 'listen') return () => () => undefined;
        return async (...args: unknown[]) => {
          await this.#replacing;
          const library = current();
          const call = Promise.resolve(Reflect.apply(Reflect.get(library, name) as Method, library, args));
          this.#underWay.add(call);
          return call.finally(() => this.#underWay.delete(call));
        };
      },
    });
  }
}

export interface RestoredProcess {
  readonly sync: MessageSync<string>;
  readonly store: TimelineStore<Stored<string>>;
  readonly inboxes: TimelineStore<Synced<string>>;
}

interface Running extends RestoredProcess {
  readonly adapters: Readonly<Record<Library, Replaceable>>;
  close(): Promise<void>;
}

/** The libraries in a database each, which can go back to an earlier state one by one; `state` may be in the store. */
export class RestorableWorld {
  readonly #folder = mkdtempSync(join(tmpdir(), 'timeline-restored-'));
  readonly #libraries: readonly Library[];
  readonly #clockOptions: { readonly now?: () => number; readonly clockToleranceMs?: number };
  #running: Running[] = [];

  /** `now`: the clock of all libraries and processes. */
  constructor({ hasState, now }: { readonly hasState: boolean; readonly now?: () => number }) {
    this.#libraries = hasState ? ['store', 'sync', 'state'] : ['store', 'sync'];
    this.#clockOptions = now ? { now, clockToleranceMs: Number.POSITIVE_INFINITY } : {};
  }

  /** `directoryOf` wraps the directory of the state library. */
  async start(
    options: Partial<SyncOptions<string>> = {},
    directoryOf: (directory: Directory) => Directory = (directory) => directory,
  ): Promise<RestoredProcess> {
    const at = (library: Library) => new Replaceable(this.#path(this.#libraries.includes(library) ? library : 'store'));
    const adapters = { store: at('store'), sync: at('sync'), state: at('state') };
    const onWarning = () => undefined;
    const common = { onWarning, ...this.#clockOptions };
    const store = await openTimelineStore<Stored<string>>({ adapter: adapters.store, name: 'store', ...common });
    const inboxes = await openTimelineStore<Synced<string>>({ adapter: adapters.sync, name: 'sync', ...common });
    const state = this.#libraries.includes('state')
      ? await openTimelineStore<Stored<string>>({ adapter: adapters.state, name: 'state', ...common })
      : store;
    const directory = directoryOf(timelineDirectory({ store: state }));
    const base = { store, sync: inboxes, state, directory, recoverEveryMs: 0, pollMs: 10, onWarning };
    const { now } = this.#clockOptions;
    const clock = now && { clock: { now, elapsed: () => performance.now() } };
    const sync = assemble<string>({ ...base, ...options } as SyncOptions<string>, {
      patience: SHORT_PATIENCE,
      ...clock,
    });
    const close = async () => {
      await sync.close();
      await Promise.all([store.close(), inboxes.close(), state.close()]);
    };
    this.#running.push({ sync, store, inboxes, adapters, close });
    return { sync, store, inboxes };
  }

  async backup(): Promise<void> {
    for (const library of this.#libraries) await backupTimelines(this.#path(library), this.#path(library, 'backup'));
  }

  /** Brings libraries back to the backup, under the processes that run. */
  async restoreLive(libraries: readonly Library[]): Promise<void> {
    for (const library of libraries) {
      const path = this.#path(library);
      const users = this.#running.flatMap(({ adapters }) =>
        Object.entries(adapters).flatMap(([name, adapter]) =>
          this.#path(this.#fileOf(name as Library)) === path ? [adapter] : [],
        ),
      );
      const restore = () => restoreTimelines(this.#path(library, 'backup'), path);
      const replaced = users.reduceRight<() => Promise<void>>((work, user) => () => user.replace(work), restore);
      await replaced();
    }
  }

  /** Ends all processes, brings libraries back to the backup, and starts a process. */
  async restart(libraries: readonly Library[], options: Partial<SyncOptions<string>>): Promise<RestoredProcess> {
    await this.stop();
    for (const library of libraries) await restoreTimelines(this.#path(library, 'backup'), this.#path(library));
    return this.start(options);
  }

  async stop(): Promise<void> {
    for (const running of this.#running.splice(0)) await running.close();
  }

  async remove(): Promise<void> {
    await this.stop().catch(() => undefined);
    if (existsSync(this.#folder)) rmSync(this.#folder, { recursive: true, force: true });
  }

  #fileOf(library: Library): Library {
    return this.#libraries.includes(library) ? library : 'store';
  }

  #path(library: Library, kind = 'db'): string {
    return join(this.#folder, `${library}.${kind}`);
  }
}
