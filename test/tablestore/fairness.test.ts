import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { nightly } from '../support/nightly.js';
import { addressOf, startProxy } from '../support/tablestore-store.js';
import { TestProcess } from '../support/test-process.js';
import { emulate, open } from './support.js';

const CHILD = fileURLToPath(new URL('./fairness-child.ts', import.meta.url));
/** Appends of the first process before the others come. */
const HEAD_START = 20;
/** A run ends when each writer of each process has this many acknowledgements, however slow the machine is. */
const ENOUGH = 20;

/** A process of writers that each append one message after the other, and its acknowledgements. */
class Contender {
  readonly #process: TestProcess;
  readonly #writers: number;
  #acknowledged = 0;
  longestMs = 0;

  constructor(args: readonly string[], writers: number) {
    this.#process = new TestProcess(CHILD, [...args, String(writers)]);
    this.#writers = writers;
  }

  /** Acknowledgements of each of its writers. */
  get share(): number {
    return this.#acknowledged / this.#writers;
  }

  async roundTripMs(): Promise<number> {
    return (await this.#process.next()) as number;
  }

  write(): void {
    this.#process.send('write');
  }

  stop(): void {
    this.#process.send('stop');
  }

  async takeHeadStart(): Promise<void> {
    this.write();
    for (let i = 0; i < HEAD_START; i++) await this.#process.next();
  }

  /** Counts its acknowledgements until it has stopped. */
  async count(onAcknowledged: () => void): Promise<void> {
    for (;;) {
      const message = await this.#process.next();
      if (message === 'stopped') return;
      this.#acknowledged++;
      this.longestMs = Math.max(this.longestMs, message as number);
      onAcknowledged();
    }
  }
}

const CONTESTS = [
  ['cas', [1, 1]],
  ['cas', [25, 25]],
  ['manual', [1, 1]],
] as const;
const MORE_CONTESTS = [
  ['cas', [1, 25]],
  ['cas', [1, 1, 1, 1]],
  ['manual', [10, 10]],
] as const;

it.each(nightly ? [...CONTESTS, ...MORE_CONTESTS] : CONTESTS)(
  'with %s, processes of %j writers, 5 ms away, come to their turns',
  async (sequence, writers) => {
    const emulator = await emulate();
    const proxy = await startProxy(emulator, 5);
    onTestFinished(() => proxy.stop());
    const store = await open(emulator, { sequence });
    const args = [JSON.stringify(addressOf(emulator, proxy)), JSON.stringify({ sequence })];
    const contenders = writers.map((count) => new Contender(args, count));
    const roundTrips = await Promise.all(contenders.map((each) => each.roundTripMs()));
    const shares = () => contenders.map(({ share }) => share);
    const unfairAt = 1.5 * writers.length;
    let isStopping = false;
    const stopOnceEnough = () => {
      if (isStopping || (Math.min(...shares()) < ENOUGH && Math.max(...shares()) < ENOUGH * unfairAt)) return;
      isStopping = true;
      for (const each of contenders) each.stop();
    };
    const [first, ...others] = contenders as [Contender, ...Contender[]];
    await first.takeHeadStart();
    for (const each of others) each.write();
    await Promise.all(contenders.map((each) => each.count(stopOnceEnough)));
    const longest = Math.max(...contenders.map(({ longestMs }) => longestMs));
    expect(longest).toBeLessThan(Math.max(1000, 100 * Math.max(...roundTrips)) * (writers.length / 2));
    expect(Math.max(...shares()) / Math.min(...shares())).toBeLessThan(unfairAt);
    const { entries } = await store.timeline('contended').read({ limit: 100_000 });
    expect(entries.map(({ seqId }) => seqId)).toEqual(entries.map((_, i) => BigInt(i + 1)));
  },
);
