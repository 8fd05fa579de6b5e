import type { AdapterLibrary, Call, TimelineAdapter, Write, WriteOutcome } from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { encodeTimelineId } from '../../../src/timeline-id.js';
import type { TimelineId } from '../../../src/types.js';

/** Counts calls and round trips of several adapters. */
export class Traffic {
  readonly calls: string[] = [];
  /** Calls made while no other was under way: a call that depends on an earlier answer waits for it. */
  roundTrips = 0;
  #underWay = 0;

  async measure<T>(name: string, call: () => Promise<T>): Promise<T> {
    this.calls.push(name);
    if (this.#underWay++ === 0) this.roundTrips++;
    try {
      // All calls made at the same time are under way before the first answer.
      await new Promise((resolve) => setImmediate(resolve));
      return await call();
    } finally {
      this.#underWay--;
    }
  }

  count(name: string): number {
    return this.calls.filter((each) => each === name).length;
  }

  reset(): void {
    this.calls.length = 0;
    this.roundTrips = 0;
  }
}

type Method = 'append' | 'read' | 'heads' | 'update' | 'delete' | 'trim' | 'get' | 'advance' | 'reset';

/** An adapter in front of a real one that can count calls, refuse them, delay them and lose their answers. */
export class Interposed implements TimelineAdapter {
  readonly name: string;
  /** Encoded ids of Timelines whose writes fail at present. */
  readonly #refused = new Set<string>();
  readonly #inner: TimelineAdapter;
  readonly #traffic: Traffic | undefined;
  /** The number of refused writes. */
  refusals = 0;
  /** Called before each call; may throw, or delay it. */
  before: (method: Method, args: readonly unknown[]) => void | Promise<void> = () => undefined;
  /** Called after each call; throwing loses its answer. */
  after: (method: Method, args: readonly unknown[], answer: unknown) => void = () => undefined;
  /** Drops all hints. */
  isDeaf = false;
  readonly #libraries: AdapterLibrary[] = [];
  #isDead = false;

  constructor(inner: TimelineAdapter, traffic?: Traffic) {
    this.#inner = inner;
    this.name = inner.name;
    this.#traffic = traffic;
  }

  refuse(...timelines: TimelineId[]): void {
    for (const timeline of timelines) this.#refused.add(encodeTimelineId(timeline));
  }

  relent(): void {
    this.#refused.clear();
  }

  /** Simulates the death of the process: passes on no more calls and no more answers. */
  die(): void {
    this.#isDead = true;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  /** Closes the libraries of a process that died. */
  async bury(): Promise<void> {
    for (const library of this.#libraries.splice(0)) await library.close({ deadline: performance.now() + 30_000 });
  }

  async open(options: Parameters<TimelineAdapter['open']>[0]): Promise<AdapterLibrary> {
    const library = await this.#inner.open(options);
    this.#libraries.push(library);
    const around = <T>(method: Method, args: readonly unknown[], call: () => Promise<T>): Promise<T> => {
      const through = async () => {
        await this.before(method, args);
        if (this.#isDead) return never<T>();
        const answer = await call();
        this.after(method, args, answer);
        return this.#isDead ? never<T>() : answer;
      };
      return this.#traffic ? this.#traffic.measure(method, through) : through();
    };
    const append = (writes: readonly Write[], call: Call) =>
      around('append', [writes], () => this.#append(library, writes, call));
    return new Proxy(library, {
      get: (inner, name) => {
        if (name === 'append') return append;
        if (name === 'watch' && this.isDeaf) return () => () => undefined;
        const value: unknown = Reflect.get(inner, name, inner);
        if (name === 'checkpoints') return calling(value as object, around);
        if (typeof value !== 'function') return value;
        const bound = (...args: unknown[]) => Reflect.apply(value, inner, args);
        if (name === 'watch' || name === 'listen' || name === 'close' || name === 'timelines') return bound;
        return (...args: unknown[]) => around(name as Method, args, () => bound(...args) as Promise<unknown>);
      },
    });
  }

  async #append(library: AdapterLibrary, writes: readonly Write[], call: Call): Promise<readonly WriteOutcome[]> {
    const isRefused = ({ timeline }: Write) => this.#refused.has(timeline);
    const allowed = writes.filter((write) => !isRefused(write));
    const outcomes = [...(allowed.length > 0 ? await library.append(allowed, call) : [])];
    return writes.map((write) => {
      if (!isRefused(write)) return outcomes.shift() as WriteOutcome;
      this.refusals++;
      const error = new TimelineError('TIMELINE_UNAVAILABLE', `${write.timeline} takes no writes`, { retryable: true });
      return { ok: false, error };
    });
  }
}

function calling<T extends object>(
  target: T,
  around: (method: Method, args: readonly unknown[], call: () => Promise<unknown>) => Promise<unknown>,
): T {
  return new Proxy(target, {
    get: (inner, name) => {
      const method = Reflect.get(inner, name, inner) as (...args: unknown[]) => Promise<unknown>;
      return (...args: unknown[]) => around(name as Method, args, () => Reflect.apply(method, inner, args));
    },
  });
}

function never<T>(): Promise<T> {
  return new Promise(() => undefined);
}

/** Makes the error of a store that is out of reach. */
export function away(outcome: 'not-applied' | 'unknown' = 'not-applied'): TimelineError {
  return new TimelineError('TIMELINE_UNAVAILABLE', 'the store is away', {
    retryable: outcome === 'not-applied',
    outcome,
  });
}
