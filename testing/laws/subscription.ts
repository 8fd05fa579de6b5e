import assert from 'node:assert/strict';
import type { TimelineEntry, TimelineStore } from '../../src/types.js';
import { fill, hasCode, messages, rejects, seqIds, take, until, within } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';
import { testLiveReaders } from '../live-readers.js';

const NO_POLL = 60_000;

export const subscription = law(
  'Subscription',
  'catch-up, then live, in one stream without gap or duplicate',
  (test) => {
    test('it yields existing entries and then new ones', async (fixture) => {
      await fill(fixture.timeline(), 250, 'old');
      const received = take(fixture.timeline().subscribe(), 350);
      await fill(fixture.timeline(), 100, 'new');
      const stored = await take(fixture.timeline().scan());
      assert.deepEqual(seqIds(await received), seqIds(stored));
    });

    test('writers that never pause while it catches up cause neither gap nor duplicate', async (fixture) => {
      const received = take(fixture.timeline().subscribe({ pageSize: 7 }), 400);
      for (let round = 0; round < 40; round += 1) await fill(fixture.timeline(), 10, `${round}:`);
      assert.deepEqual(seqIds(await received), seqIds(await take(fixture.timeline().scan())));
    });

    test('it starts after a cursor or SeqId, and at the oldest without', async (fixture) => {
      const all = await fill(fixture.timeline(), 5);
      for (const after of [all[2]!.cursor, all[2]!.seqId]) {
        assert.deepEqual(messages(await take(fixture.timeline().subscribe({ after }), 2)), ['m4', 'm5']);
      }
      for (const after of [undefined, 0n])
        assert.deepEqual(messages(await take(fixture.timeline().subscribe({ after }), 1)), ['m1']);
    });

    test('it waits for a Timeline that nobody has written to yet', async (fixture) => {
      const received = take(fixture.timeline('later').subscribe(), 2);
      await fill(fixture.timeline('later'), 2);
      assert.deepEqual(messages(await received), ['m1', 'm2']);
    });

    test('it goes on from the cursor of the last entry handled', async (fixture) => {
      await fill(fixture.timeline(), 30);
      const seen: TimelineEntry<string>[] = [];
      while (seen.length < 30)
        seen.push(...(await take(fixture.timeline().subscribe({ after: seen.at(-1)?.cursor, pageSize: 4 }), 5)));
      assert.deepEqual(messages(seen), messages(await take(fixture.timeline().scan())));
    });

    test('onCaughtUp is called once, after all existing entries', async (fixture) => {
      await fill(fixture.timeline(), 12);
      const log: string[] = [];
      const stream = fixture.timeline().subscribe({ pageSize: 5, onCaughtUp: () => log.push('caught up') });
      const reading = (async () => {
        for await (const { message } of stream) {
          log.push(message);
          if (message === 'last') return;
        }
      })();
      await until('it has caught up', () => log.includes('caught up'));
      await fixture.timeline().append('live');
      await until('the live entry arrives', () => log.includes('live'));
      await fixture.timeline().append('last');
      await within('the last entry', reading);
      assert.deepEqual(log.slice(11), ['m12', 'caught up', 'live', 'last']);
    });

    test('a waiting subscription hears of an append within the declared time', async (fixture) => {
      const { wakeWithinMs } = fixture.capabilities;
      const latency = await wakeLatency(await fixture.open(await pollOptions(fixture)), fixture.store);
      assert.ok(latency <= wakeWithinMs, `heard after ${latency} ms at best, declared ${wakeWithinMs}`);
    });

    test(
      'a waiting subscription hears within the declared time of an append on another adapter',
      ['reopen'],
      async (fixture) => {
        const { wakeWithinMs } = fixture.capabilities;
        const latency = await wakeLatency(await fixture.reopen(await pollOptions(fixture)), fixture.store);
        assert.ok(latency <= wakeWithinMs, `heard after ${latency} ms at best, declared ${wakeWithinMs}`);
      },
    );

    test('losing every wake-up only adds latency', async (fixture) => {
      const deaf = await fixture.openDecorated(() => ({ watch: () => () => {} }), { pollMs: 10 });
      const received = take(deaf.timeline('timeline').subscribe(), 60);
      for (let round = 0; round < 6; round += 1) await fill(fixture.timeline(), 10, `${round}:`);
      assert.deepEqual(seqIds(await received), seqIds(await take(fixture.timeline().scan())));
    });

    test('an adapter without watch is polled', async (fixture) => {
      const mute = await fixture.openDecorated(() => ({ watch: undefined }), { pollMs: 10 });
      const received = take(mute.timeline('timeline').subscribe(), 10);
      await fill(fixture.timeline(), 10);
      assert.equal((await received).length, 10);
    });

    test('false wake-ups cause neither duplicate nor busy loop', async (fixture) => {
      let reads = 0;
      let rings = 0;
      const nervous = await fixture.openDecorated(
        (library) => ({
          watch: (_, wake) => {
            const timer = setInterval(() => {
              rings += 1;
              wake();
            }, 2);
            return () => clearInterval(timer);
          },
          read: (ranges, call) => {
            reads += 1;
            return library.read(ranges, call);
          },
        }),
        { pollMs: NO_POLL },
      );
      const received = take(nervous.timeline('timeline').subscribe(), 20);
      await until('some false wake-ups', () => rings > 10);
      await fill(fixture.timeline(), 20);
      assert.deepEqual(seqIds(await received), seqIds(await take(fixture.timeline().scan())));
      assert.ok(reads <= rings + 30, `${reads} reads for ${rings} rings`);
    });

    test('a slow reader holds a bounded number of entries and slows nobody', async (fixture) => {
      let rows = 0;
      const store = await fixture.openDecorated((library) => ({
        async read(ranges, call) {
          const slices = await library.read(ranges, call);
          for (const slice of slices) rows += slice.rows.length;
          return slices;
        },
      }));
      const stream = store.timeline('timeline').subscribe({ pageSize: 10 })[Symbol.asyncIterator]();
      await fill(fixture.timeline(), 20);
      await stream.next();
      const fast = take(fixture.timeline().subscribe(), 1020);
      await within('the writers', fill(fixture.timeline(), 1000, 'more'));
      assert.equal((await fast).length, 1020);
      assert.ok(rows <= 30, `a reader of one entry holds ${rows}, its page size is 10`);
      await stream.return?.();
    });

    test('an AbortSignal ends a waiting subscription at once', async (fixture) => {
      const abort = new AbortController();
      const store = await fixture.open({ pollMs: NO_POLL });
      let waiting = false;
      const onCaughtUp = () => {
        waiting = true;
      };
      const ended = rejects(
        take(store.timeline('timeline').subscribe({ signal: abort.signal, onCaughtUp })),
        'TIMELINE_ABORTED',
      );
      await until('it waits', () => waiting);
      abort.abort();
      assert.equal((await within('its end', ended, 1000)).name, 'AbortError');
    });

    test('an AbortSignal ends a subscription with fetched entries', async (fixture) => {
      const abort = new AbortController();
      await fill(fixture.timeline(), 50);
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { message } of fixture.timeline().subscribe({ signal: abort.signal })) {
          seen.push(message);
          if (seen.length === 3) abort.abort();
        }
      })();
      await rejects(within('its end', reading, 1000), 'TIMELINE_ABORTED');
      assert.deepEqual(seen, ['m1', 'm2', 'm3']);
      await rejects(take(fixture.timeline().subscribe({ signal: abort.signal }), 1), 'TIMELINE_ABORTED');
    });

    test('leaving the loop ends the watch', async (fixture) => {
      let watching = 0;
      const store = await fixture.openDecorated(() => ({
        watch: () => {
          watching += 1;
          return () => {
            watching -= 1;
          };
        },
      }));
      await fill(fixture.timeline(), 2);
      await take(store.timeline('timeline').subscribe(), 2);
      const abort = new AbortController();
      const aborted = take(store.timeline('timeline').subscribe({ signal: abort.signal, after: 0n }), 3).catch(
        hasAborted,
      );
      await until('the second one watches', () => watching > 0);
      abort.abort();
      await aborted;
      assert.equal(watching, 0);
    });

    test('subscriptions of one Timeline are independent of each other', async (fixture) => {
      await fill(fixture.timeline(), 3);
      const [all, some] = [take(fixture.timeline().subscribe(), 6), take(fixture.timeline().subscribe(), 2)];
      assert.deepEqual(messages(await some), ['m1', 'm2']);
      await fill(fixture.timeline(), 3, 'n');
      assert.deepEqual(messages(await all), ['m1', 'm2', 'm3', 'n1', 'n2', 'n3']);
    });

    test('closing the store ends it', async (fixture) => {
      const store = await fixture.open({ pollMs: NO_POLL });
      const ended = rejects(take(store.timeline('timeline').subscribe()), 'TIMELINE_CLOSED');
      await fixture.timeline().append('m');
      await within('close', store.close(), 2000);
      await within('the end of the subscription', ended, 1000);
    });

    testLiveReaders(test);
  },
);

const hasAborted = (error: unknown) => hasCode(error, 'TIMELINE_ABORTED');

/** Allows polling only for an adapter without `watch`, often enough for its declared `wakeWithinMs`. */
async function pollOptions(fixture: Fixture): Promise<{ pollMs: number }> {
  let watches = false;
  await fixture.openDecorated((library) => {
    watches = library.watch !== undefined;
    return {};
  });
  return { pollMs: watches ? NO_POLL : Math.max(10, Math.floor(fixture.capabilities.wakeWithinMs / 2)) };
}

/** Returns the shortest latency of several appends, from the answer to a waiting subscriber, in milliseconds. */
async function wakeLatency(reader: TimelineStore<string>, writer: TimelineStore<string>): Promise<number> {
  const latencies: number[] = [];
  let after = 0n;
  for (let round = 0; round < 5; round += 1) {
    let waiting = false;
    const onCaughtUp = () => {
      waiting = true;
    };
    const heard = take(reader.timeline('timeline').subscribe({ after, onCaughtUp }), 1).then(() => performance.now());
    await until('the subscription waits', () => waiting);
    after = (await writer.timeline('timeline').append(`m${round}`)).seqId;
    const appended = performance.now();
    latencies.push(
      (await within('the append to be heard of', heard, Math.max(2000, 20 * reader.capabilities.wakeWithinMs))) -
        appended,
    );
  }
  return Math.min(...latencies);
}
