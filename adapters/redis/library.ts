import { randomBytes } from 'node:crypto';
import type { LibraryOptions } from '../../src/adapter.js';
import { cutoff } from '../../src/toolkit/index.js';
import type { Connections } from './connection/connections.js';
import type { Keyspace } from './keys.js';
import type { StoredSettings } from './library-settings.js';
import type { ResolvedOptions } from './options.js';

/** The parts of one open library share this. */
export class Library {
  readonly connections: Connections;
  readonly settings: StoredSettings;
  readonly options: ResolvedOptions;
  readonly clock: LibraryOptions['clock'];
  readonly keys: Keyspace;
  readonly #handle = randomBytes(6).toString('base64url');
  #epochs = 0;

  constructor(
    connections: Connections,
    settings: StoredSettings,
    { clock }: LibraryOptions,
    options: ResolvedOptions,
    keys: Keyspace,
  ) {
    this.connections = connections;
    this.settings = settings;
    this.options = options;
    this.clock = clock;
    this.keys = keys;
  }

  /** Entries of this time and before have expired; `-Infinity` without a TTL. */
  cutoff(): number {
    return cutoff(this.clock.expiryTime(), this.settings.ttlMs);
  }

  /**
   * The arguments of scripts that remove what has expired: the cutoff, `''` without a TTL; the latest time that is not
   * of the future; the time that replaces one of the future.
   */
  expiryArguments(): [cutoff: string, latest: string, now: string] {
    const { clock, settings } = this;
    const cutoff = settings.ttlMs === undefined ? '' : String(this.cutoff());
    return [cutoff, String(clock.latestTime()), String(clock.entryTime())];
  }

  /** The second half of an epoch, should a script begin one; never the same again. */
  newEpochSuffix(): string {
    return `${this.#handle}${(this.#epochs++).toString(36)}`;
  }
}
