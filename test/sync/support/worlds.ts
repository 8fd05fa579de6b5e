import { randomUUID } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Redis } from 'ioredis';
import { afterAll, afterEach, describe } from 'vitest';
import { memoryAdapter } from '../../../adapters/memory/index.js';
import { redisAdapter } from '../../../adapters/redis/index.js';
import { sqliteAdapter } from '../../../adapters/sqlite/index.js';
import type { AdapterWarning, TimelineAdapter } from '../../../src/adapter.js';
import { openTimelineStore } from '../../../src/index.js';
import type { TimelineStore, TimelineStoreOptions } from '../../../src/types.js';
import { assemble } from '../../../sync/create-sync.js';
import {
  type Directory,
  hybridDiffusion,
  type MessageSync,
  readDiffusion,
  type Stored,
  type Synced,
  type SyncOptions,
  timelineDirectory,
  writeDiffusion,
} from '../../../sync/index.js';
import type { Patience } from '../../../sync/shared/context.js';
import { nightly } from '../../support/nightly.js';
import { hasRedis, RedisServer } from '../../support/redis-server.js';
import { Interposed, type Traffic } from './interposed.js';

type Kind = 'memory' | 'sqlite' | 'redis';

/** The stores of the two libraries, and the directory: `kept` by the library, or `listed` by the caller. */
export interface Setting {
  readonly title: string;
  readonly store: Kind;
  readonly sync: Kind;
  readonly directory: 'kept' | 'listed';
}

const setting = (store: Kind, sync: Kind, directory: Setting['directory']): Setting => ({
  title: `${store === sync ? store : `${store} and ${sync}`}, members ${directory}`,
  store,
  sync,
  directory,
});

const USUAL = [setting('memory', 'memory', 'kept'), setting('sqlite', 'sqlite', 'listed')];
const OTHERS = [
  setting('memory', 'memory', 'listed'),
  setting('sqlite', 'sqlite', 'kept'),
  setting('sqlite', 'memory', 'listed'),
];
const CORE = [
  setting('redis', 'redis', 'kept'),
  ...(nightly ? [setting('sqlite', 'memory', 'kept'), setting('sqlite', 'redis', 'listed')] : []),
];

export const MODES = {
  write: writeDiffusion,
  read: readDiffusion,
  /** Of these groups some are above the bound and some below. */
  hybrid: () => hybridDiffusion({ writeUpTo: 2 }),
} as const;

/** For tests that wait until another process takes over. */
export const SHORT_PATIENCE: Patience = { leastMs: 100, mostMs: 200 };

let server: Promise<RedisServer> | undefined;
const opened: (() => unknown)[] = [];

async function closeAll(): Promise<void> {
  while (opened.length > 0) await opened.pop()?.();
}

/** Runs the tests in the usual settings. `core` adds Redis, if there is a server, and nightly more; `only` selects. */
export function inWorlds(
  title: string,
  tests: (open: (options?: WorldOptions) => Promise<World>, setting: Setting) => void,
  options: { core?: boolean; only?: (setting: Setting) => boolean; patience?: Patience } = {},
): void {
  const { core, only, patience } = options;
  const settings = core ? [...USUAL, ...CORE] : only ? [...USUAL, ...OTHERS] : USUAL;
  afterEach(closeAll);
  afterAll(async () => {
    const running = server;
    server = undefined;
    await (await running)?.stop();
  });
  for (const each of only ? settings.filter(only) : settings) {
    const usesRedis = each.store === 'redis' || each.sync === 'redis';
    describe.skipIf(usesRedis && !hasRedis())(`${title} (${each.title})`, () => {
      tests((worldOptions) => World.open(each, { patience, ...worldOptions }), each);
    });
  }
}

export interface WorldOptions {
  readonly ttlMs?: number;
  /** TTL of the store library. The library of states is then a third one. */
  readonly storeTtlMs?: number | undefined;
  readonly traffic?: Traffic;
  /** Shorter than usual, for tests that wait for it. */
  readonly patience?: Patience | undefined;
}

export interface ProcessOptions extends Partial<Omit<SyncOptions<string>, 'store' | 'sync' | 'directory'>> {
  /** Replaces the directory of the setting. */
  readonly directory?: Directory;
  /** Drops all hints. */
  readonly isDeaf?: boolean;
  readonly library?: Partial<Omit<TimelineStoreOptions<never>, 'adapter' | 'name'>>;
}

/** One process: other processes share its data, not its memory. */
export interface Process {
  readonly sync: MessageSync<string>;
  readonly store: TimelineStore<Stored<string>>;
  readonly inboxes: TimelineStore<Synced<string>>;
  readonly directory: Directory;
  /** Injects faults in front of the two adapters. */
  readonly faults: { readonly store: Interposed; readonly sync: Interposed };
  readonly warnings: AdapterWarning[];
  /** Ends it as `kill -9` does: only calls already made may still be executed. */
  crash(): void;
}

type Adapters = Readonly<Record<'store' | 'sync', () => TimelineAdapter>>;

/** Two databases, or one, and any number of processes that use them. */
export class World {
  /** The clock of all libraries and processes. */
  now = Date.now();
  readonly setting: Setting;
  /** The caller's own lists: who is in which conversation. */
  readonly members = new Map<string, Set<string>>();
  readonly #ttlMs: number | undefined;
  readonly #storeTtlMs: number | undefined;
  readonly #traffic: Traffic | undefined;
  readonly #patience: Patience | undefined;
  readonly #adapters: Adapters;

  private constructor(of: Setting, options: WorldOptions, adapters: Adapters) {
    this.setting = of;
    this.#ttlMs = options.ttlMs;
    this.#storeTtlMs = options.storeTtlMs;
    this.#traffic = options.traffic;
    this.#patience = options.patience;
    this.#adapters = adapters;
  }

  static async open(of: Setting, options: WorldOptions = {}): Promise<World> {
    const store = await database(of.store);
    return new World(of, options, { store, sync: of.sync === of.store ? store : await database(of.sync) });
  }

  /** Connects to one of the databases as another process would. */
  connect(to: 'store' | 'sync'): TimelineAdapter {
    return this.#adapters[to]();
  }

  async start(options: ProcessOptions = {}): Promise<Process> {
    const { directory: own, library, isDeaf = false, ...rest } = options;
    const warnings: AdapterWarning[] = [];
    const onWarning = (warning: AdapterWarning) => warnings.push(warning);
    const common = {
      now: () => this.now,
      clockToleranceMs: Number.POSITIVE_INFINITY,
      onWarning,
      retry: { attempts: 1 },
      ...library,
    };
    const faults = {
      store: new Interposed(this.#adapters.store(), this.#traffic),
      sync: new Interposed(this.#adapters.sync(), this.#traffic),
    };
    for (const each of [faults.store, faults.sync]) each.isDeaf = isDeaf;
    const [storeTtl, ttl] = [ttlOf(this.#storeTtlMs), ttlOf(this.#ttlMs)];
    const open = (name: string, options = {}) =>
      openTimelineStore<Stored<string>>({ adapter: faults.store, name, ...options, ...common });
    const store = await open('store', storeTtl);
    const state = this.#storeTtlMs === undefined ? store : await open('state');
    const inboxes = await openTimelineStore<Synced<string>>({ adapter: faults.sync, name: 'sync', ...ttl, ...common });
    const directory = own ?? (this.setting.directory === 'kept' ? timelineDirectory({ store: state }) : this.#lists());
    const base = { store, state, sync: inboxes, directory, diffusion: writeDiffusion(), recoverEveryMs: 0, onWarning };
    const clock = { now: () => this.now, elapsed: () => performance.now() };
    const patience = this.#patience && { patience: this.#patience };
    const sync = assemble<string>({ ...base, ...rest }, { clock, ...patience });
    opened.push(async () => {
      if (faults.store.isDead) {
        await Promise.all([faults.store.bury(), faults.sync.bury()]);
        return;
      }
      for (const each of [faults.store, faults.sync]) {
        each.relent();
        each.before = () => undefined;
        each.after = () => undefined;
      }
      await sync.close();
      await Promise.all([store.close(), state.close(), inboxes.close()]);
    });
    const crash = () => {
      faults.store.die();
      faults.sync.die();
    };
    return { sync, store, inboxes, directory, faults, warnings, crash };
  }

  #lists(): Directory {
    const { members } = this;
    return {
      members: (conversation) => members.get(conversation) ?? [],
      conversations: (user) => [...members].flatMap(([conversation, users]) => (users.has(user) ? [conversation] : [])),
    };
  }

  /** Makes users members, and waits until the join is in force. */
  async join({ sync }: Process, conversation: string, ...users: string[]): Promise<void> {
    if (this.setting.directory === 'kept') await (await sync.join(conversation, users)).delivered;
    else this.members.set(conversation, new Set([...(this.members.get(conversation) ?? []), ...users]));
  }

  async leave({ sync }: Process, conversation: string, ...users: string[]): Promise<void> {
    if (this.setting.directory === 'kept') await (await sync.leave(conversation, users)).delivered;
    else for (const user of users) this.members.get(conversation)?.delete(user);
  }
}

const ttlOf = (ttlMs: number | undefined) => (ttlMs === undefined ? {} : { ttlMs });

/** Makes a database for one world. Each call of the returned function connects as another process would. */
async function database(kind: Kind): Promise<() => TimelineAdapter> {
  if (kind === 'memory') {
    const adapter = memoryAdapter();
    return () => adapter;
  }
  if (kind === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'timeline-sync-'));
    opened.push(() => rmSync(folder, { recursive: true, force: true }));
    return () => sqliteAdapter(join(folder, 'timelines.db'), { synchronous: 'normal', wakeMs: 5 });
  }
  server ??= RedisServer.start();
  const { port } = await server;
  const prefix = `${randomUUID()}:`;
  return () => {
    const client = new Redis({ port });
    opened.push(() => client.disconnect());
    return redisAdapter(client, { prefix });
  };
}
