import type { AdapterWarning, Call, LibraryOptions } from '../../src/adapter.js';
import { type LibrarySettings, parseSettings, type Reconciled, reconcileSettings } from '../../src/settings.js';
import type { Connections } from './connection/connections.js';
import type { Keyspace } from './keys.js';
import { DEFAULT_KEY_WINDOW_MS, type ResolvedOptions } from './options.js';
import { READ_SETTINGS } from './scripts.generated.js';

/** The version of the stored form that docs/redis.md describes under Keys. */
const FORMAT = 1;

const CLOCK_UNKNOWN: AdapterWarning = {
  code: 'redis-clock-unknown',
  message:
    'the user may not ask Redis for its time: allow "+time", ' +
    'or times and expiry depend on the clock of this process alone',
};

/** The settings that are stored with the data of a library, and the clock of their server. */
export class StoredSettings {
  /** The library was there before it was opened here. */
  readonly existed: boolean;
  readonly #connections: Connections;
  readonly #key: string;
  readonly #options: LibraryOptions;
  #settings: LibrarySettings;
  #text: string;

  private constructor(
    connections: Connections,
    { key, options, existed }: { readonly key: string; readonly options: LibraryOptions; readonly existed: boolean },
    { settings, text }: Reconciled,
  ) {
    this.#connections = connections;
    this.#key = key;
    this.#options = options;
    this.existed = existed;
    this.#settings = settings;
    this.#text = text;
  }

  /** Compares the wanted settings with the stored ones, and stores them if there are none. */
  static async open(
    connections: Connections,
    keys: Keyspace,
    options: LibraryOptions,
    { keyWindowMs }: ResolvedOptions,
    call: Call,
  ): Promise<StoredSettings> {
    const { name, ttlMs, alter, clock, warn } = options;
    const key = keys.settingsKey();
    const wanted = {
      format: FORMAT,
      numbering: 'dense',
      ttlMs,
      keyWindowMs,
      defaultKeyWindowMs: DEFAULT_KEY_WINDOW_MS,
    };
    let existed = true;
    for (;;) {
      const { stored, time } = await readSettings(connections, key, call);
      if (time !== undefined && !clock.trustsNow) clock.follow(time);
      const reconciled = reconcileSettings(stored, wanted, { library: name, alter });
      const { text, changed } = reconciled;
      if (!changed) {
        if (time === undefined && !clock.trustsNow) warn(CLOCK_UNKNOWN);
        return new StoredSettings(connections, { key, options, existed }, reconciled);
      }
      existed = stored !== undefined;
      // Another process may create the library at the same time: the next round compares with its settings.
      const set = stored === undefined ? [key, text, 'NX'] : [key, text];
      await connections.write.command('set', set, call, { idempotent: true });
    }
  }

  /** Undefined: entries are kept for ever. */
  get ttlMs(): number | undefined {
    return this.#settings.ttlMs ?? undefined;
  }

  /** `null`: idempotency keys are kept for ever. */
  get keyWindowMs(): number | null {
    return this.#settings.keyWindowMs;
  }

  /** Follows settings that another process has altered, and stores those of this process again if they were lost. */
  async refresh(call: Call): Promise<void> {
    const { clock, name } = this.#options;
    const { stored, time } = await readSettings(this.#connections, this.#key, call);
    if (time !== undefined && !clock.trustsNow) clock.follow(time);
    if (stored === undefined) {
      await this.#connections.write.command('set', [this.#key, this.#text, 'NX'], call, { idempotent: true });
    } else if (stored !== this.#text) {
      this.#settings = parseSettings(stored, name);
      this.#text = stored;
    }
  }
}

async function readSettings(
  connections: Connections,
  key: string,
  call: Call,
): Promise<{ readonly stored: string | undefined; readonly time: number | undefined }> {
  const [text, seconds, micros] = (await connections.read.script(READ_SETTINGS, [key], [], call)) as string[];
  const time = seconds ? Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) : undefined;
  return { stored: text || undefined, time };
}
