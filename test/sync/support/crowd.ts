import { Redis } from 'ioredis';
import { redisAdapter } from '../../../adapters/redis/index.js';
import { sqliteAdapter } from '../../../adapters/sqlite/index.js';
import { openTimelineStore, type TimelineStore } from '../../../src/index.js';
import {
  createSync,
  type MessageSync,
  type OutgoingMessage,
  type Stored,
  type Synced,
  type SyncOptions,
  writeDiffusion,
} from '../../../sync/index.js';
import { nightly } from '../../support/nightly.js';

/** A SQLite file or the port of a Redis server: what several processes share. */
export interface DatabaseLocation {
  readonly kind: 'sqlite' | 'redis';
  readonly where: string;
}

export const CONVERSATIONS: readonly string[] = ['group:a', 'group:b'];
/** More than one append takes, so that a process can die between two. */
export const CROWD: readonly string[] = Array.from({ length: nightly ? 2000 : 1200 }, (_, i) => `user:${i}`);

/** The message that a key stands for, whoever sends it: keys are `<run>.<number>`. */
export function messageOf(key: string): OutgoingMessage<string> {
  const i = Number(key.split('.')[1]);
  return { conversation: CONVERSATIONS[i % CONVERSATIONS.length]!, sender: CROWD[i % CROWD.length]!, body: key, key };
}

/** The two libraries of a location, as one process has them. */
export class Libraries {
  private constructor(
    readonly store: TimelineStore<Stored<string>>,
    readonly sync: TimelineStore<Synced<string>>,
    readonly disconnect: () => void,
  ) {}

  static async open({ kind, where }: DatabaseLocation): Promise<Libraries> {
    const client = kind === 'redis' ? new Redis(Number(where)) : undefined;
    const adapter = client ? redisAdapter(client) : sqliteAdapter(where, { synchronous: 'normal' });
    const library = { adapter, onWarning: () => undefined };
    return new Libraries(
      await openTimelineStore<Stored<string>>({ ...library, name: 'store' }),
      await openTimelineStore<Synced<string>>({ ...library, name: 'sync' }),
      () => client?.disconnect(),
    );
  }

  /** Every conversation of the crowd has `members`, and each message is copied to all of them. */
  messages(members: readonly string[], options: Partial<SyncOptions<string>> = {}): MessageSync<string> {
    return createSync<string>({
      store: this.store,
      sync: this.sync,
      directory: { members: () => members, conversations: () => CONVERSATIONS },
      diffusion: writeDiffusion(),
      recoverEveryMs: 0,
      ...options,
    });
  }

  async close(): Promise<void> {
    await this.sync.close();
    await this.store.close();
    this.disconnect();
  }
}
