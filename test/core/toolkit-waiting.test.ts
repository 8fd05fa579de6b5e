import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { backOff, jitter, pause, Sweeper, WatchHub } from '../../src/toolkit/index.js';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  // In this order: a spy on a timer restores the fake one.
  vi.restoreAllMocks();
  vi.useRealTimers();
});

describe('pause', () => {
  it('ends after its time', async () => {
    let hasEnded = false;
    const ended = pause(100).then(() => {
      hasEnded = true;
    });
    await vi.advanceTimersByTimeAsync(99);
    expect(hasEnded).toBe(false);
    await vi.advanceTimersByTimeAsync(1);
    await ended;
  });

  it('ends at once with its signal, and leaves no timer', async () => {
    const set = vi.spyOn(globalThis, 'setTimeout');
    const cleared = vi.spyOn(globalThis, 'clearTimeout');
    const controller = new AbortController();
    const ended = pause(99_999, { signal: controller.signal });
    controller.abort();
    await ended;
    // Other files of this worker may use timers meanwhile.
    const own = set.mock.calls.findIndex(([, ms]) => ms === 99_999);
    expect(cleared).toHaveBeenCalledWith(set.mock.results[own]?.value);
    await pause(99_998, { signal: controller.signal });
    expect(set.mock.calls.filter(([, ms]) => ms === 99_998)).toHaveLength(0);
  });

  it('is bounded by what a timer takes, beyond which Node fires at once', async () => {
    const timer = vi.spyOn(globalThis, 'setTimeout');
    void pause(2 ** 31);
    expect(timer).toHaveBeenCalledWith(expect.any(Function), 2 ** 31 - 1);
  });
});

describe('jitter and backOff', () => {
  const withRandom = (value: number) => vi.spyOn(Math, 'random').mockReturnValue(value);

  it('take a random part off', () => {
    withRandom(0);
    expect([jitter(100), jitter(100, 1)]).toEqual([100, 100]);
    withRandom(1);
    expect([jitter(100), jitter(100, 1)]).toEqual([50, 0]);
  });

  it('double up to the longest', () => {
    withRandom(0);
    const waits = [1, 2, 3, 4, 50].map((attempt) => backOff(attempt, { minMs: 10, maxMs: 60 }));
    expect(waits).toEqual([10, 20, 40, 60, 60]);
  });
});

describe('Sweeper', () => {
  it('runs a step when the one before it said, and goes on after a failure', async () => {
    const answers = [5, new Error('locked'), 5];
    const step = vi.fn(async () => {
      const answer = answers.shift() ?? 1000;
      if (answer instanceof Error) throw answer;
      return answer;
    });
    new Sweeper({ step, retryMs: 50 }).start(10);
    const counts: number[] = [];
    for (const ms of [9, 1, 5, 49, 1, 5]) {
      await vi.advanceTimersByTimeAsync(ms);
      counts.push(step.mock.calls.length);
    }
    expect(counts).toEqual([0, 1, 2, 2, 3, 4]);
  });

  it('hurries: at once while it rests, behind the step that runs otherwise', async () => {
    const ends: (() => void)[] = [];
    const step = vi.fn(() => new Promise<number>((resolve) => ends.push(() => resolve(60_000))));
    const sweeper = new Sweeper({ step, retryMs: 1 });
    sweeper.start(60_000);
    sweeper.hurry();
    await vi.advanceTimersByTimeAsync(0);
    expect(step).toHaveBeenCalledTimes(1);
    sweeper.hurry();
    await vi.advanceTimersByTimeAsync(1000);
    expect(step).toHaveBeenCalledTimes(1);
    ends.shift()?.();
    await vi.advanceTimersByTimeAsync(0);
    expect(step).toHaveBeenCalledTimes(2);
    ends.shift()?.();
    await vi.advanceTimersByTimeAsync(59_999);
    expect(step).toHaveBeenCalledTimes(2);
  });

  it('closes once the running step has ended, and begins no other', async () => {
    const ends: ((delayMs: number) => void)[] = [];
    const step = vi.fn(() => new Promise<number>((resolve) => ends.push(resolve)));
    const sweeper = new Sweeper({ step, retryMs: 1 });
    sweeper.start(0);
    await vi.advanceTimersByTimeAsync(0);
    let isClosed = false;
    const closed = sweeper.close().then(() => {
      isClosed = true;
    });
    await vi.advanceTimersByTimeAsync(10);
    expect([isClosed, sweeper.isClosed]).toEqual([false, true]);
    ends[0]?.(0);
    await closed;
    sweeper.start(0);
    sweeper.hurry();
    await vi.advanceTimersByTimeAsync(10);
    expect(step).toHaveBeenCalledTimes(1);
  });
});

describe('WatchHub', () => {
  it('wakes who watches the name, each as often as it watches', () => {
    const hub = new WatchHub();
    const [one, other] = [vi.fn(), vi.fn()];
    const ends = [hub.watch('a', one), hub.watch('a', one), hub.watch('b', other)];
    hub.wake('a');
    hub.wake('c');
    expect([one.mock.calls.length, other.mock.calls.length]).toEqual([2, 0]);
    hub.wakeAll();
    expect([one.mock.calls.length, other.mock.calls.length]).toEqual([4, 1]);
    ends[0]?.();
    ends[0]?.();
    hub.wake('a');
    expect(one).toHaveBeenCalledTimes(5);
    expect([...hub.names]).toEqual(['a', 'b']);
  });

  it('tells of the first and the last watcher of a name', () => {
    const events: string[] = [];
    const hub = new WatchHub({
      onWatched: (name) => events.push(`+${name} ${hub.size}`),
      onUnwatched: (name) => events.push(`-${name} ${hub.size}`),
    });
    const ends = ['a', 'a', 'b', 'a'].map((name) => hub.watch(name, () => {}));
    for (const end of [...ends, ...ends]) end();
    hub.watch('a', () => {});
    expect(events).toEqual(['+a 1', '+b 2', '-b 1', '-a 0', '+a 1']);
  });

  it('lets a watcher end itself and others while it is woken', () => {
    const hub = new WatchHub();
    const woken: string[] = [];
    const ends = new Map<string, () => void>();
    for (const name of ['x', 'y']) {
      const wake = () => {
        woken.push(name);
        for (const end of ends.values()) end();
        hub.watch('t', wake);
      };
      ends.set(name, hub.watch('t', wake));
    }
    hub.wake('t');
    expect(woken).toEqual(['x', 'y']);
  });
});
