import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { openTimelineStore, type TimelineStore } from '../../src/index.js';
import { DeviceWatch } from '../../sync/device/device-watch.js';

const LONG_MS = 1_000_000;

let store: TimelineStore<string>;
const watches: DeviceWatch[] = [];

beforeEach(async () => {
  store = await openTimelineStore({ adapter: memoryAdapter(), name: 'sync' });
});
afterEach(async () => {
  for (const watch of watches.splice(0)) watch.stop();
  await store.close();
});

function watchOf(...ids: string[]): DeviceWatch {
  const watch = new DeviceWatch([]);
  watches.push(watch);
  follow(watch, ...ids);
  watch.clear();
  return watch;
}

function follow(watch: DeviceWatch, ...ids: string[]): void {
  watch.follow([{ store: store as TimelineStore<never>, ids }]);
}

describe('a device that waits', () => {
  it('is woken by an entry, also by one between its read and its wait', async () => {
    const watch = watchOf('inbox');
    const waiting = watch.wait(LONG_MS);
    await store.timeline('inbox').append('during the wait');
    await waiting;
    watch.clear();
    await store.timeline('inbox').append('before the wait');
    await watch.wait(LONG_MS);
  });

  it('reads once more when it follows other Timelines: earlier entries gave no hint', async () => {
    const watch = watchOf('inbox');
    follow(watch, 'inbox');
    let isWoken = false;
    const waiting = watch.wait(LONG_MS).then(() => {
      isWoken = true;
    });
    await store.timeline('channel').append('of nobody here');
    expect(isWoken).toBe(false);
    follow(watch, 'inbox', 'channel');
    await waiting;
    watch.clear();
    await store.timeline('channel').append('of a followed conversation');
    await watch.wait(LONG_MS);
  });

  it('is woken by its signals and by the end of its subscription', async () => {
    const controller = new AbortController();
    const bySignal = new DeviceWatch([controller.signal, undefined]);
    const byStop = watchOf('inbox');
    const waiting = [bySignal.wait(LONG_MS), byStop.wait(LONG_MS)];
    controller.abort();
    byStop.stop();
    await Promise.all(waiting);
  });

  it('follows nothing once it has stopped, although a read under way ends after that', async () => {
    const watch = watchOf('inbox');
    watch.stop();
    follow(watch, 'channel');
    await watch.wait(LONG_MS);
    await store.timeline('channel').append('of nobody here');
    expect(watch.isWoken).toBe(false);
  });
});
