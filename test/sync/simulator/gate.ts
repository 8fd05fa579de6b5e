import type {
  AdapterCheckpoints,
  AdapterLibrary,
  Call,
  TimelineAdapter,
  Write,
  WriteOutcome,
} from '../../../src/adapter.js';
import { TimelineError } from '../../../src/errors.js';
import { decorateAdapter } from '../../../testing/decorate.js';
import { busyStore, unknownOutcome } from '../../../testing/faulty-adapter.js';
import type { Random } from '../../../testing/random.js';
import type { Turns } from './turns.js';

/** The call during which a process dies is not executed, executed, or, if it is a batch, executed in part. */
export type Crash = 'before' | 'after' | 'partly';

/** One I/O step of a store, and the ways in which it may end. */
interface Step<T> {
  run(): Promise<T>;
  /** Executes some of its parts. */
  runPartly(): Promise<unknown>;
  /** It may be executed and fail. */
  readonly mayGetLost: boolean;
}

/**
 * Passes the calls of one process to its stores, one by one: each is an I/O step at which the process may die. A dead
 * process gets no answers; calls that it made may still be executed.
 */
export class Gate {
  readonly died: Promise<void>;
  steps = 0;
  isDead = false;
  isBuried = false;
  /** Probability that a call fails, executed or not. */
  faults = 0;
  readonly #turns: Turns;
  readonly #random: Random;
  readonly #late = new Set<Promise<unknown>>();
  readonly #stuck: ((error: Error) => void)[] = [];
  readonly #outages = new Map<string, number>();
  #crash: { readonly at: number; readonly how: Crash } | undefined;
  #die: () => void = () => undefined;

  constructor(turns: Turns, random: Random) {
    this.#turns = turns;
    this.#random = random;
    this.died = new Promise((resolve) => {
      this.#die = resolve;
    });
  }

  /** Lets the process die in the `after`th call from now. */
  arm(after: number, how: Crash): void {
    this.#crash = { at: this.steps + after, how };
  }

  /** No call fails from now on. */
  clearFaults(): void {
    this.#crash = undefined;
    this.#outages.clear();
    this.faults = 0;
  }

  kill(): void {
    this.isDead = true;
    this.#die();
  }

  /** Fails the next `count` writes to a Timeline. */
  failWrites(timeline: string, count: number): void {
    this.#outages.set(timeline, count);
  }

  /** Rejects the calls that got no answer, so that they can be collected. Resolves once no call is under way. */
  async bury(): Promise<void> {
    this.isBuried = true;
    await this.idle();
    for (const reject of this.#stuck.splice(0)) reject(gone());
  }

  /** Resolves once every call was executed or dropped. */
  async idle(): Promise<void> {
    while (this.#late.size > 0) await Promise.allSettled(this.#late);
  }

  adapter(adapter: TimelineAdapter): TimelineAdapter {
    return decorateAdapter(adapter, (library) => ({
      append: (writes, call) => this.#pass(this.#append(library, writes, call)),
      read: (ranges, call) => this.#pass(whole(() => library.read(ranges, call))),
      heads: (timelines, call) => this.#pass(whole(() => library.heads(timelines, call))),
      update: library.update && ((...args) => this.#pass(whole(() => library.update!(...args)))),
      delete: library.delete && ((...args) => this.#pass(whole(() => library.delete!(...args)))),
      trim: library.trim && ((...args) => this.#pass(whole(() => library.trim!(...args)))),
      checkpoints: library.checkpoints && this.#checkpoints(library.checkpoints),
      // Hints may be lost.
      publish: library.publish && ((...args) => this.#pass(whole(() => library.publish!(...args)))),
      listen: library.listen && ((topic, hear) => library.listen!(topic, (payload) => this.#hear(hear, payload))),
      watch: library.watch && ((timeline, wake) => library.watch!(timeline, () => this.#random.chance(0.5) && wake())),
    }));
  }

  async #pass<T>(step: Step<T>): Promise<T> {
    if (this.isDead) return this.#neverAnswer();
    this.steps++;
    const crash = this.#crash && this.steps >= this.#crash.at ? this.#crash.how : undefined;
    const executing = this.#execute(step, crash).finally(() => this.#late.delete(executing));
    this.#late.add(executing);
    try {
      const { result } = await executing;
      await this.#turns.next();
      return this.isDead ? this.#neverAnswer() : (result as T);
    } catch (error) {
      return this.isDead ? this.#neverAnswer() : Promise.reject(error);
    }
  }

  async #execute<T>(step: Step<T>, crash: Crash | undefined): Promise<{ readonly result?: T }> {
    await this.#turns.next();
    if (this.isDead) return this.#random.chance(0.5) ? { result: await step.run() } : {};
    if (crash) {
      this.kill();
      if (crash === 'after') await step.run();
      if (crash === 'partly') await step.runPartly();
      return {};
    }
    if (this.#random.chance(this.faults)) throw busyStore();
    const result = await step.run();
    if (step.mayGetLost && this.#random.chance(this.faults)) throw unknownOutcome();
    return { result };
  }

  /** Signals may be lost. */
  #hear(hear: (payload: string) => void, payload: string): void {
    if (!this.isDead && this.#random.chance(0.9)) hear(payload);
  }

  #neverAnswer(): Promise<never> {
    if (this.isBuried) return Promise.reject(gone());
    return new Promise((_, reject) => this.#stuck.push(reject));
  }

  #append(library: AdapterLibrary, writes: readonly Write[], call: Call): Step<readonly WriteOutcome[]> {
    const some = () => writes.filter(({ timeline }) => !cut.has(timeline));
    const cut = new Set(writes.map(({ timeline }) => timeline).filter(() => this.#random.chance(0.5)));
    return {
      run: () => this.#appendUnlessOut(library, writes, call),
      runPartly: () => library.append(some(), call),
      mayGetLost: true,
    };
  }

  async #appendUnlessOut(
    library: AdapterLibrary,
    writes: readonly Write[],
    call: Call,
  ): Promise<readonly WriteOutcome[]> {
    const out = new Set(writes.map(({ timeline }) => timeline).filter((timeline) => this.#isOut(timeline)));
    const kept = writes.filter(({ timeline }) => !out.has(timeline));
    const outcomes = kept.length === 0 ? [] : [...(await library.append(kept, call))];
    return writes.map(({ timeline }) => (out.has(timeline) ? { ok: false, error: busyStore() } : outcomes.shift()!));
  }

  #isOut(timeline: string): boolean {
    const left = this.#outages.get(timeline) ?? 0;
    if (left > 0) this.#outages.set(timeline, left - 1);
    return left > 0;
  }

  #checkpoints(checkpoints: AdapterCheckpoints): AdapterCheckpoints {
    const parted = <Item, T>(items: readonly Item[], run: (some: readonly Item[]) => Promise<T>): Step<T> => ({
      run: () => run(items),
      runPartly: () => run(items.slice(0, this.#random.below(items.length + 1))),
      mayGetLost: false,
    });
    return {
      get: (keys, call) => this.#pass(whole(() => checkpoints.get(keys, call))),
      advance: (items, call) => this.#pass(parted(items, (some) => checkpoints.advance(some, call))),
      reset: (items, call) => this.#pass(parted(items, (some) => checkpoints.reset(some, call))),
    };
  }
}

function whole<T>(run: () => Promise<T>): Step<T> {
  return { run, runPartly: async () => undefined, mayGetLost: false };
}

const gone = () => new TimelineError('TIMELINE_CLOSED', 'the process is dead');
