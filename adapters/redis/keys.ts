import { hashSlot } from './connection/hash-slot.js';
import type { TimelineState } from './timeline-state.js';

/** Sets that the ids of a library are spread over, so that a Cluster spreads them over its nodes. */
const REGISTRY_SHARDS = 16;
/** Timelines that are remembered: making the names of their keys costs more than most of what is done with them. */
const MAX_KNOWN = 50_000;

/** Of the keys of a Timeline: stream, state, overlay, idempotency keys, checkpoints. */
export type KeySuffix = 's' | 'm' | 'u' | 'k' | 'c';

/** A Timeline as this process knows it. */
export interface KnownTimeline {
  readonly id: string;
  /** Its keys begin with this. */
  readonly base: string;
  readonly streamKey: string;
  readonly stateKey: string;
  /** A script may name Timelines of one slot. Without a Cluster all have slot 0. */
  readonly slot: number;
  /** This process has listed it in the registry, so it has most likely been written to. */
  isListed: boolean;
  /** A read has found it, and it is being listed. */
  isBeingListed: boolean;
  /** The state that was read last: parsing a text costs more than comparing it with the last one. */
  state: TimelineState | undefined;
}

/**
 * The names of all keys of one library. Keys of one Timeline share its id as their hash tag, and with it the slot:
 * `tl:chat:{group:42}:s`. Braces are escaped, so that the tag is the whole id and the library cannot cut it short.
 */
export class Keyspace {
  readonly isCluster: boolean;
  readonly #head: string;
  readonly #registries: readonly string[];
  readonly #known = new Map<string, KnownTimeline>();

  constructor(prefix: string, library: string, isCluster: boolean) {
    this.isCluster = isCluster;
    this.#head = `${prefix}${escapeName(library)}:`;
    const shards = Array.from({ length: REGISTRY_SHARDS }, (_, shard) => `${this.#head}r:{${shard}}`);
    this.#registries = isCluster ? shards : [`${this.#head}r`];
  }

  of(timeline: string): KnownTimeline {
    const known = this.#known.get(timeline);
    if (known) return known;
    const base = this.#base(timeline);
    const added: KnownTimeline = {
      id: timeline,
      base,
      streamKey: `${base}s`,
      stateKey: `${base}m`,
      slot: this.isCluster ? hashSlot(escapeName(timeline)) : 0,
      isListed: false,
      isBeingListed: false,
      state: undefined,
    };
    if (this.#known.size >= MAX_KNOWN) this.#known.clear();
    this.#known.set(timeline, added);
    return added;
  }

  /** Forgets all Timelines: the server may have other data. */
  forget(): void {
    this.#known.clear();
  }

  key(timeline: string, suffix: KeySuffix): string {
    return this.#base(timeline) + suffix;
  }

  /**
   * The keys that a script declares for a Timeline, its stream first. A Cluster has to know all of them, because while
   * a slot moves it sends a script only where it finds every key; on a single server the script makes the others from
   * the name of the stream.
   */
  declare(timeline: string, suffixes: readonly KeySuffix[]): string[] {
    const base = this.#base(timeline);
    return this.isCluster ? [`${base}s`, ...suffixes.map((suffix) => base + suffix)] : [`${base}s`];
  }

  /** The Timeline of a state's key; undefined for any other key. */
  timelineOf(stateKey: string): string | undefined {
    const inner = stateKey.slice(this.#head.length + 1, -3);
    if (!stateKey.startsWith(`${this.#head}{`) || !stateKey.endsWith('}:m') || /[{}]/.test(inner)) return undefined;
    return inner.replace(/%(?:25|7B|7D)/g, decodeURIComponent);
  }

  /** A pattern for SCAN that the state keys of the library match, and a few others: see {@link timelineOf}. */
  stateKeyPattern(clientPrefix: string): string {
    return `${escapeGlob(clientPrefix + this.#head)}{*}:m`;
  }

  registryKeys(): readonly string[] {
    return this.#registries;
  }

  /** The registry that lists a Timeline. */
  registryKeyOf(timeline: string): string {
    return this.#registries[hashSlot(timeline) % this.#registries.length] as string;
  }

  /**
   * The channel of a topic. Channels are shared by all databases of a server, and by all prefixes of clients. The brace
   * ends the name of the library, which holds none.
   */
  channel(topic: string, { keyPrefix, database }: { readonly keyPrefix: string; readonly database: number }): string {
    return `${keyPrefix}${this.#head}signals:${database}:{${topic}}`;
  }

  settingsKey(): string {
    return `${this.#head}settings`;
  }

  /** Held for a while by the process that sweeps. */
  sweepLockKey(): string {
    return `${this.#head}sweeper`;
  }

  #base(timeline: string): string {
    return `${this.#head}{${escapeName(timeline)}}:`;
  }
}

function escapeName(name: string): string {
  return /[%{}]/.test(name) ? name.replace(/[%{}]/g, encodeURIComponent) : name;
}

function escapeGlob(text: string): string {
  return text.replace(/[\\*?[\]]/g, '\\$&');
}
