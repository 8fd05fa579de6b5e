import assert from 'node:assert/strict';
import { assertGrowing, messages, readAll, seqIds, take, until } from '../assertions.js';
import type { ChildOutcome } from '../child-protocol.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

const items = (count: number, prefix: string, keyed = false) =>
  Array.from({ length: count }, (_, index) => ({
    message: `${prefix}${index}`,
    ...(keyed ? { key: `k${index}` } : {}),
  }));

const idsOf = (outcomes: readonly ChildOutcome[]): bigint[] => {
  const failed = outcomes.find((outcome) => outcome.code !== undefined);
  assert.equal(failed, undefined, `an append in a child process failed: ${failed?.code}`);
  return outcomes.map((outcome) => BigInt(outcome.seqId!));
};

/** Opens a store with the clock of the child processes. */
const openOnRealClock = (fixture: Fixture) => fixture.open({ now: Date.now });

export const processes = law('Processes', 'the laws hold across processes', (test) => {
  test(
    'writers in three processes and a tailing subscriber: no entry is lost, doubled or late',
    ['fork'],
    async (fixture) => {
      const [store, ...children] = await Promise.all([openOnRealClock(fixture), fixture.fork(), fixture.fork()]);
      const received = take(store.timeline('timeline').subscribe(), 450, 30_000);
      const written = await Promise.all([
        ...children.map(async (child, index) => idsOf(await child.append('timeline', items(150, `${index}:`)))),
        Promise.all(items(150, 'own:').map(({ message }) => store.timeline('timeline').append(message))).then(seqIds),
      ]);
      for (const ids of written) assertGrowing(ids, 'ids of one process');
      assert.equal(new Set(written.flat()).size, 450);
      const entries = await received;
      assertGrowing(seqIds(entries), 'ids received');
      assert.deepEqual(seqIds(entries), seqIds(await readAll(store.timeline('timeline'))));
      for (const prefix of ['0:', '1:', 'own:']) {
        assert.deepEqual(
          messages(entries).filter((message) => message.startsWith(prefix)),
          items(150, prefix).map((item) => item.message),
        );
      }
    },
  );

  test('one key, one entry, whichever process came first', ['fork', 'keys'], async (fixture) => {
    const [store, one, two] = await Promise.all([openOnRealClock(fixture), fixture.fork(), fixture.fork()]);
    const [ones, twos] = await Promise.all([one, two].map((child) => child.append('timeline', items(80, 'm', true))));
    assert.deepEqual(idsOf(ones!), idsOf(twos!));
    assert.equal([...ones!, ...twos!].filter((outcome) => outcome.duplicate).length, 80);
    assert.equal((await readAll(store.timeline('timeline'))).length, 80);
    const mine = await store.timeline('timeline').append('m7', { key: 'k7' });
    assert.deepEqual([mine.duplicate, mine.seqId], [true, idsOf(ones!)[7]]);
  });

  test(
    'of racers in several processes with one expectedLast exactly one wins',
    ['fork', 'expectedLast'],
    async (fixture) => {
      const children = await Promise.all([fixture.fork(), fixture.fork()]);
      let last = 0n;
      for (let round = 0; round < 10; round += 1) {
        const item = { message: `round ${round}`, expectedLast: String(last) };
        const outcomes = (await Promise.all(children.map((child) => child.append('timeline', [item, item])))).flat();
        assert.deepEqual(outcomes.map((outcome) => outcome.code ?? 'won').sort(), [
          ...new Array(3).fill('TIMELINE_CONFLICT'),
          'won',
        ]);
        last = BigInt(outcomes.find((outcome) => outcome.seqId !== undefined)!.seqId!);
      }
      assert.equal((await readAll((await openOnRealClock(fixture)).timeline('timeline'))).length, 10);
    },
  );

  test('a subscriber in another process hears within the declared time', ['fork'], async (fixture) => {
    const [store, child] = await Promise.all([openOnRealClock(fixture), fixture.fork()]);
    const latencies: number[] = [];
    for (let round = 0; round < 7; round += 1) {
      await child.subscribe(`t${round}`);
      await store.timeline(`t${round}`).append('m');
      const appended = Date.now();
      await until('the arrival', () => child.arrivals.length > round);
      latencies.push(child.arrivals[round]!.at - appended);
    }
    const best = Math.min(...latencies);
    const { wakeWithinMs } = fixture.capabilities;
    assert.ok(best <= wakeWithinMs, `heard after ${best} ms at best, declared ${wakeWithinMs}`);
  });

  test('a subscriber gets the appends of another process', ['fork'], async (fixture) => {
    const [store, child] = await Promise.all([openOnRealClock(fixture), fixture.fork()]);
    const received = take(store.timeline('timeline').subscribe(), 30);
    for (let round = 0; round < 3; round += 1) idsOf(await child.append('timeline', items(10, `${round}:`)));
    assert.deepEqual(messages(await received).slice(0, 3), ['0:0', '0:1', '0:2']);
  });

  test('an append is read in another process as soon as it is answered', ['fork'], async (fixture) => {
    const [store, child] = await Promise.all([openOnRealClock(fixture), fixture.fork()]);
    for (let round = 0; round < 10; round += 1) {
      const [seqId] = idsOf(await child.append('timeline', items(1, `${round}:`)));
      assert.equal((await store.timeline('timeline').head()).lastSeqId, seqId);
      assert.equal((await store.timeline('timeline').get(seqId!))?.message, `${round}:0`);
    }
  });

  test('checkpoints of devices in several processes end at the largest', ['fork', 'checkpoints'], async (fixture) => {
    const [store, one, two] = await Promise.all([openOnRealClock(fixture), fixture.fork(), fixture.fork()]);
    const all = await Promise.all(items(40, 'm').map(({ message }) => store.timeline('timeline').append(message)));
    const shuffled = all.map((_, index) => all[(index * 23 + 11) % 40]!.seqId);
    const half = (parity: number) => shuffled.filter((_, index) => index % 2 === parity);
    await Promise.all([one.advance('timeline', 'phone', half(0)), two.advance('timeline', 'phone', half(1))]);
    assert.equal(await store.timeline('timeline').checkpoint('phone').get(), all[39]?.cursor);
  });
});
