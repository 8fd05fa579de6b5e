import assert from 'node:assert/strict';
import type { TimelineEntry, TimelineStore } from '../../src/types.js';
import { fill, hasCode, messages, rejects, seqIds, take, until, within } from '../assertions.js';
import { law } from '../law-group.js';
import type { World } from '../world.js';

const NO_POLL = 60_000;

export const subscription = law(
  'Subscription',
  'catch-up, then live, in one stream without gap or duplicate',
  (test) => {
    test('it hands over what is there and then what comes', async (world) => {
      await fill(world.timeline(), 250, 'old');
      const received = take(world.timeline().subscribe(), 350);
      await fill(world.timeline(), 100, 'new');
      const stored = await take(world.timeline().scan());
      assert.deepEqual(seqIds(await received), seqIds(stored));
    });

    test('writers that never pause while it catches up cause neither gap nor duplicate', async (world) => {
      const received = take(world.timeline().subscribe({ pageSize: 7 }), 400);
      for (let round = 0; round < 40; round += 1) await fill(world.timeline(), 10, `${round}:`);
      assert.deepEqual(seqIds(await received), seqIds(await take(world.timeline().scan())));
    });

    test('it starts after a cursor or SeqId, and at the oldest without', async (world) => {
      const all = await fill(world.timeline(), 5);
      for (const after of [all[2]!.cursor, all[2]!.seqId]) {
        assert.deepEqual(messages(await take(world.timeline().subscribe({ after }), 2)), ['m4', 'm5']);
      }
      for (const after of [undefined, 0n])
        assert.deepEqual(messages(await take(world.timeline().subscribe({ after }), 1)), ['m1']);
    });

    test('it waits for a Timeline that nobody has written to yet', async (world) => {
      const received = take(world.timeline('later').subscribe(), 2);
      await fill(world.timeline('later'), 2);
      assert.deepEqual(messages(await received), ['m1', 'm2']);
    });

    test('it goes on from the cursor of the last entry handled', async (world) => {
      await fill(world.timeline(), 30);
      const seen: TimelineEntry<string>[] = [];
      while (seen.length < 30)
        seen.push(...(await take(world.timeline().subscribe({ after: seen.at(-1)?.cursor, pageSize: 4 }), 5)));
      assert.deepEqual(messages(seen), messages(await take(world.timeline().scan())));
    });

    test('onCaughtUp is called once, when all that was there has been handed over', async (world) => {
      await fill(world.timeline(), 12);
      const log: string[] = [];
      const stream = world.timeline().subscribe({ pageSize: 5, onCaughtUp: () => log.push('caught up') });
      const reading = (async () => {
        for await (const { message } of stream) {
          log.push(message);
          if (message === 'last') return;
        }
      })();
      await until('it has caught up', () => log.includes('caught up'));
      await world.timeline().append('live');
      await until('the live entry arrives', () => log.includes('live'));
      await world.timeline().append('last');
      await within('the last entry', reading);
      assert.deepEqual(log.slice(11), ['m12', 'caught up', 'live', 'last']);
    });

    test('a waiting subscription hears of an append within the declared time', async (world) => {
      const { wakeWithinMs } = world.capabilities;
      const latency = await wakeLatency(await world.open(await pollOptions(world)), world.store);
      assert.ok(latency <= wakeWithinMs, `heard after ${latency} ms at best, declared ${wakeWithinMs}`);
    });

    test(
      'a waiting subscription hears within the declared time of an append on another adapter',
      ['reopen'],
      async (world) => {
        const { wakeWithinMs } = world.capabilities;
        const latency = await wakeLatency(await world.reopen(await pollOptions(world)), world.store);
        assert.ok(latency <= wakeWithinMs, `heard after ${latency} ms at best, declared ${wakeWithinMs}`);
      },
    );

    test('losing every wake-up only adds latency', async (world) => {
      const deaf = await world.openDecorated(() => ({ watch: () => () => {} }), { pollMs: 10 });
      const received = take(deaf.timeline('timeline').subscribe(), 60);
      for (let round = 0; round < 6; round += 1) await fill(world.timeline(), 10, `${round}:`);
      assert.deepEqual(seqIds(await received), seqIds(await take(world.timeline().scan())));
    });

    test('an adapter without watch is polled', async (world) => {
      const mute = await world.openDecorated(() => ({ watch: undefined }), { pollMs: 10 });
      const received = take(mute.timeline('timeline').subscribe(), 10);
      await fill(world.timeline(), 10);
      assert.equal((await received).length, 10);
    });

    test('false wake-ups cause neither duplicate nor busy loop', async (world) => {
      let reads = 0;
      let rings = 0;
      const nervous = await world.openDecorated(
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
      await fill(world.timeline(), 20);
      assert.deepEqual(seqIds(await received), seqIds(await take(world.timeline().scan())));
      assert.ok(reads <= rings + 30, `${reads} reads for ${rings} rings`);
    });

    test('a slow reader holds a bounded number of entries and slows nobody', async (world) => {
      let rows = 0;
      const store = await world.openDecorated((library) => ({
        async read(ranges, call) {
          const slices = await library.read(ranges, call);
          for (const slice of slices) rows += slice.rows.length;
          return slices;
        },
      }));
      const stream = store.timeline('timeline').subscribe({ pageSize: 10 })[Symbol.asyncIterator]();
      await fill(world.timeline(), 20);
      await stream.next();
      const fast = take(world.timeline().subscribe(), 1020);
      await within('the writers', fill(world.timeline(), 1000, 'more'));
      assert.equal((await fast).length, 1020);
      assert.ok(rows <= 30, `a reader of one entry holds ${rows}, its page size is 10`);
      await stream.return?.();
    });

    test('an AbortSignal ends a waiting subscription at once', async (world) => {
      const abort = new AbortController();
      const store = await world.open({ pollMs: NO_POLL });
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

    test('an AbortSignal ends a subscription that has entries at hand', async (world) => {
      const abort = new AbortController();
      await fill(world.timeline(), 50);
      const seen: string[] = [];
      const reading = (async () => {
        for await (const { message } of world.timeline().subscribe({ signal: abort.signal })) {
          seen.push(message);
          if (seen.length === 3) abort.abort();
        }
      })();
      await rejects(within('its end', reading, 1000), 'TIMELINE_ABORTED');
      assert.deepEqual(seen, ['m1', 'm2', 'm3']);
      await rejects(take(world.timeline().subscribe({ signal: abort.signal }), 1), 'TIMELINE_ABORTED');
    });

    test('leaving the loop ends the watch', async (world) => {
      let watching = 0;
      const store = await world.openDecorated(() => ({
        watch: () => {
          watching += 1;
          return () => {
            watching -= 1;
          };
        },
      }));
      await fill(world.timeline(), 2);
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

    test('subscriptions of one Timeline are independent of each other', async (world) => {
      await fill(world.timeline(), 3);
      const [all, some] = [take(world.timeline().subscribe(), 6), take(world.timeline().subscribe(), 2)];
      assert.deepEqual(messages(await some), ['m1', 'm2']);
      await fill(world.timeline(), 3, 'n');
      assert.deepEqual(messages(await all), ['m1', 'm2', 'm3', 'n1', 'n2', 'n3']);
    });

    test('closing the store ends it', async (world) => {
      const store = await world.open({ pollMs: NO_POLL });
      const ended = rejects(take(store.timeline('timeline').subscribe()), 'TIMELINE_CLOSED');
      await world.timeline().append('m');
      await within('close', store.close(), 2000);
      await within('the end of the subscription', ended, 1000);
    });
  },
);

const hasAborted = (error: unknown) => hasCode(error, 'TIMELINE_ABORTED');

/** Only an adapter that has no `watch` may be helped by polling, often enough for what it declares. */
async function pollOptions(world: World): Promise<{ pollMs: number }> {
  let watches = false;
  await world.openDecorated((library) => {
    watches = library.watch !== undefined;
    return {};
  });
  return { pollMs: watches ? NO_POLL : Math.max(10, Math.floor(world.capabilities.wakeWithinMs / 2)) };
}

/** The shortest of a few times from the answer to an append until a waiting subscriber elsewhere has it, in milliseconds. */
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
