import type { StateText } from './head.js';
import { keySlot } from './slot.js';

/** Sets that the ids of a library are spread over, so that a Cluster spreads them over its nodes. */
const REGISTRY_SHARDS = 16;
/** Timelines that are remembered: making the names of their keys costs more than most of what is done with them. */
const MOST_REMEMBERED = 50_000;

/** The keys that nearly everything about a Timeline needs, and what this process knows of it. */
export interface TimelineKeys {
  readonly timeline: string;
  readonly stream: string;
  readonly meta: string;
  /** Scripts take one slot each in a Cluster; without one all Timelines may meet in 0. */
  readonly slot: number;
  /** It was listed in the registry by this process, and so has most likely been written to. */
  listed: boolean;
  /** It was found by reading, and is listed in passing. */
  noted: boolean;
  /** The state that was read last: parsing it costs more than comparing it with the next. */
  state: StateText | undefined;
}

/**
 * The names of all keys of one library. Keys of one Timeline share its id as their hash tag, and with it the slot:
 * `tl:chat:{group:42}:s`. Braces are escaped, so that the tag is the whole id and the library cannot cut it short.
 */
export class Keyspace {
  readonly #head: string;
  readonly #registries: readonly string[];
  readonly #remembered = new Map<string, TimelineKeys>();

  constructor(
    prefix: string,
    library: string,
    readonly cluster: boolean,
  ) {
    this.#head = `${prefix}${escapeName(library)}:`;
    const shards = Array.from({ length: REGISTRY_SHARDS }, (_, shard) => `${this.#head}r:{${shard}}`);
    this.#registries = cluster ? shards : [`${this.#head}r`];
  }

  /** What the keys of a Timeline begin with; a script makes the others from the first one. */
  base(timeline: string): string {
    return `${this.#head}{${escapeName(timeline)}}:`;
  }

  of(timeline: string): TimelineKeys {
    const known = this.#remembered.get(timeline);
    if (known) return known;
    const base = this.base(timeline);
    const slot = this.cluster ? keySlot(escapeName(timeline)) : 0;
    const keys = {
      timeline,
      stream: `${base}s`,
      meta: `${base}m`,
      slot,
      listed: false,
      noted: false,
      state: undefined,
    };
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(timeline, keys);
    return keys;
  }

  /** The Timeline whose state the key holds; undefined if it is another key. */
  timelineOf(meta: string): string | undefined {
    const inner = meta.slice(this.#head.length + 1, -3);
    if (!meta.startsWith(`${this.#head}{`) || !meta.endsWith('}:m') || /[{}]/.test(inner)) return undefined;
    return inner.replace(/%(?:25|7B|7D)/g, decodeURIComponent);
  }

  stream(timeline: string): string {
    return this.of(timeline).stream;
  }

  meta(timeline: string): string {
    return this.of(timeline).meta;
  }

  checkpoints(timeline: string): string {
    return `${this.base(timeline)}c`;
  }

  /**
   * The keys that a script declares for a Timeline, its stream first. A Cluster has to know all of them, because while
   * a slot moves it sends a script only where it finds every key; a single server finds the others by their name.
   */
  declare(timeline: string, suffixes: readonly string[]): string[] {
    const base = this.base(timeline);
    return this.cluster ? [`${base}s`, ...suffixes.map((suffix) => base + suffix)] : [`${base}s`];
  }

  slot(timeline: string): number {
    return this.of(timeline).slot;
  }

  /** The registry that lists a Timeline. */
  registryOf(timeline: string): string {
    return this.#registries[keySlot(timeline) % this.#registries.length] as string;
  }

  registries(): readonly string[] {
    return this.#registries;
  }

  /** What was believed of the server does not hold any more. */
  forget(): void {
    this.#remembered.clear();
  }

  /** What decides about the data: see `LibrarySettings`. */
  settings(): string {
    return `${this.#head}settings`;
  }

  /** Held for a while by the process that sweeps. */
  sweeper(): string {
    return `${this.#head}sweeper`;
  }
}

function escapeName(name: string): string {
  return /[%{}]/.test(name) ? name.replace(/[%{}]/g, encodeURIComponent) : name;
}
