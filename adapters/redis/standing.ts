import type { AdapterWarning, Call, LibraryOptions } from '../../src/adapter.js';
import { type LibrarySettings, parseSettings, type Reconciled, reconcileSettings } from '../../src/settings.js';
import type { Connections } from './connection.js';
import type { Keyspace } from './keys.js';
import { DEFAULT_KEY_WINDOW_MS, type RedisSettings } from './options.js';
import { LOOK } from './scripts/look.js';

/** Of what docs/redis.md lays down under Keys. */
const FORMAT = 1;

const CLOCK_UNKNOWN: AdapterWarning = {
  code: 'redis-clock-unknown',
  message:
    'the user may not ask Redis for its time: allow "+time", or times and expiry depend on the clock of this process alone',
};

/** The settings that stand in the data of a library, and the clock of their server. */
export class Standing {
  /** The library was there before it was opened here. */
  readonly isOld: boolean;
  readonly #connections: Connections;
  readonly #key: string;
  readonly #options: LibraryOptions;
  #settings: LibrarySettings;
  #text: string;

  private constructor(
    connections: Connections,
    { key, options, isOld }: { readonly key: string; readonly options: LibraryOptions; readonly isOld: boolean },
    { settings, text }: Reconciled,
  ) {
    this.#connections = connections;
    this.#key = key;
    this.#options = options;
    this.isOld = isOld;
    this.#settings = settings;
    this.#text = text;
  }

  /** Holds what is asked for against what stands, and writes it down if nothing does. */
  static async open(
    connections: Connections,
    keys: Keyspace,
    options: LibraryOptions,
    { keyWindowMs }: RedisSettings,
    call: Call,
  ): Promise<Standing> {
    const { name, ttlMs, alter, clock, warn } = options;
    const key = keys.settings();
    const wanted = {
      format: FORMAT,
      numbering: 'dense',
      ttlMs,
      keyWindowMs,
      defaultKeyWindowMs: DEFAULT_KEY_WINDOW_MS,
    };
    let isOld = true;
    for (;;) {
      const { kept, time } = await look(connections, key, call);
      if (time !== undefined && !clock.trustsNow) clock.follow(time);
      const reconciled = reconcileSettings(kept, wanted, { library: name, alter });
      const { text, changed } = reconciled;
      if (!changed && time === undefined && !clock.trustsNow) warn(CLOCK_UNKNOWN);
      if (!changed) return new Standing(connections, { key, options, isOld }, reconciled);
      isOld = kept !== undefined;
      // Another may have created it meanwhile: what stands then is what counts.
      await connections.ask('set', kept === undefined ? [key, text, 'NX'] : [key, text], call);
    }
  }

  get ttlMs(): number | undefined {
    return this.#settings.ttlMs ?? undefined;
  }

  get keyWindowMs(): number | null {
    return this.#settings.keyWindowMs;
  }

  /** Another process may have altered the settings; where they were lost, those of this process stand again. */
  async follow(call: Call): Promise<void> {
    const { clock, name } = this.#options;
    const { kept, time } = await look(this.#connections, this.#key, call);
    if (time !== undefined && !clock.trustsNow) clock.follow(time);
    if (kept === undefined) await this.#connections.ask('set', [this.#key, this.#text, 'NX'], call);
    else if (kept !== this.#text) {
      this.#settings = parseSettings(kept, name);
      this.#text = kept;
    }
  }
}

async function look(
  connections: Connections,
  key: string,
  call: Call,
): Promise<{ readonly kept: string | undefined; readonly time: number | undefined }> {
  const [text, seconds, micros] = (await connections.repeat(LOOK, [key], [], call)) as string[];
  const time = seconds ? Number(seconds) * 1000 + Math.floor(Number(micros) / 1000) : undefined;
  return { kept: text || undefined, time };
}
