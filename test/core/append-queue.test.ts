import { describe, expect, it } from 'vitest';
import { openTimelineStore, type StandardSchemaV1 } from '../../src/index.js';
import { StalledAdapter } from './stalled-adapter.js';

const turns = async (count = 20) => {
  for (let i = 0; i < count; i++) await new Promise((resolve) => setImmediate(resolve));
};

async function open(options: { pendingWrites?: number; pendingBytes?: number; maxInFlight?: number } = {}) {
  const { maxInFlight, ...limits } = options;
  const adapter = new StalledAdapter(maxInFlight === undefined ? {} : { maxInFlight });
  let encoded = 0;
  const codec = {
    encode: (message: string) => {
      encoded++;
      return message;
    },
    decode: (body: string | Uint8Array) => String(body),
  };
  const store = await openTimelineStore<string>({ adapter, name: 'queue', limits, codec });
  return { adapter, store, encoded: () => encoded };
}

describe('coalescing', () => {
  it('sends the appends of one turn as one batch, in call order', async () => {
    const { adapter, store } = await open();
    const results = Promise.all(['a', 'b', 'c'].map((text) => store.timeline('t').append(text)));
    await adapter.release();
    expect((await results).map(({ seqId }) => seqId)).toEqual([1n, 2n, 3n]);
    expect(adapter.calls.map((writes) => writes.length)).toEqual([3]);
  });

  it('gathers what arrives while a batch is under way into the next', async () => {
    const { adapter, store } = await open();
    const first = store.timeline('t').append('a');
    await adapter.arrived();
    const rest = Promise.all([store.timeline('t').append('b'), store.timeline('u').append('c')]);
    await turns();
    expect(adapter.calls).toHaveLength(1);
    await adapter.release();
    await adapter.release();
    await first;
    await rest;
    expect(adapter.calls.map((writes) => writes.length)).toEqual([1, 2]);
  });

  it('keeps a Timeline to one call at a time where several may be under way', async () => {
    const { adapter, store } = await open({ maxInFlight: 4 });
    const first = store.timeline('t').append('t1');
    await adapter.arrived();
    const others = Promise.all([store.timeline('t').append('t2'), store.timeline('u').append('u1')]);
    await turns();
    expect(adapter.calls.map((writes) => writes.map(({ timeline }) => timeline))).toEqual([['t'], ['u']]);
    await adapter.release();
    await first;
    await adapter.release();
    await adapter.release();
    await others;
    expect(adapter.calls.at(-1)?.map(({ timeline }) => timeline)).toEqual(['t']);
  });
});

describe('back-pressure', () => {
  it('encodes no more messages than the bound on writes', async () => {
    const { adapter, store, encoded } = await open({ pendingWrites: 10 });
    const all = Promise.all(Array.from({ length: 35 }, (_, i) => store.timeline('t').append(`m${i}`)));
    await adapter.arrived();
    await turns();
    expect(encoded()).toBe(10);
    for (const expected of [20, 30, 35]) {
      await adapter.release();
      await adapter.arrived();
      expect(encoded()).toBe(expected);
    }
    await adapter.release();
    expect((await all).map(({ seqId }) => seqId)).toEqual(Array.from({ length: 35 }, (_, i) => BigInt(i + 1)));
  });

  it('encodes no more bytes than the bound on bytes, beyond one body', async () => {
    const { adapter, store, encoded } = await open({ pendingBytes: 1000 });
    const all = Promise.all(Array.from({ length: 10 }, () => store.timeline('t').append('x'.repeat(400))));
    await adapter.arrived();
    await turns();
    expect(encoded()).toBe(3);
    for (let i = 0; i < 4; i++) await adapter.release();
    await all;
  });
});

describe('abort', () => {
  it('takes an append that was not sent out of the queue', async () => {
    const { adapter, store } = await open();
    const first = store.timeline('t').append('a');
    await adapter.arrived();
    const abort = new AbortController();
    const second = store.timeline('t').append('b', { signal: abort.signal });
    abort.abort();
    await expect(second).rejects.toMatchObject({
      code: 'TIMELINE_ABORTED',
      name: 'AbortError',
      outcome: 'not-applied',
    });
    await adapter.release();
    await first;
    await turns();
    expect(adapter.calls).toHaveLength(1);
    expect((await store.timeline('t').head()).lastSeqId).toBe(1n);
  });

  it('leaves the outcome open once the append was sent', async () => {
    const { adapter, store } = await open();
    const abort = new AbortController();
    const append = store.timeline('t').append('a', { signal: abort.signal });
    await adapter.arrived();
    abort.abort();
    await expect(append).rejects.toMatchObject({ code: 'TIMELINE_ABORTED', outcome: 'unknown' });
    await adapter.release();
    await store.close();
  });

  it('frees the room of an aborted append that waited', async () => {
    const { adapter, store } = await open({ pendingWrites: 1 });
    const first = store.timeline('t').append('a');
    await adapter.arrived();
    const abort = new AbortController();
    const second = store.timeline('t').append('b', { signal: abort.signal });
    const third = store.timeline('t').append('c');
    abort.abort();
    await expect(second).rejects.toMatchObject({ outcome: 'not-applied' });
    await adapter.release();
    await adapter.release();
    expect((await first).seqId).toBe(1n);
    expect((await third).seqId).toBe(2n);
  });
});

describe('order', () => {
  it('keeps call order when the schema answers late and out of turn', async () => {
    const adapter = new StalledAdapter();
    const answers: (() => void)[] = [];
    const schema: StandardSchemaV1<unknown, string> = {
      '~standard': {
        version: 1,
        vendor: 'test',
        validate: (value) =>
          new Promise((resolve) => {
            answers.push(() => resolve({ value: value as string }));
          }),
      },
    };
    const store = await openTimelineStore({ adapter, name: 'order', schema });
    const appends = Promise.all(['a', 'b', 'c'].map((text) => store.timeline('t').append(text)));
    for (const answer of answers.reverse()) {
      answer();
      await turns(2);
    }
    const released = adapter.release();
    await Promise.all([appends, released]);
    const { entries } = await store.timeline('t').read();
    expect(entries.map(({ message }) => message)).toEqual(['a', 'b', 'c']);
  });
});

describe('flush and close', () => {
  it('flush waits for what was accepted before it and not for what came after', async () => {
    const { adapter, store } = await open();
    void store.timeline('t').append('a');
    let flushed = false;
    const flush = store.flush().then(() => {
      flushed = true;
    });
    await adapter.arrived();
    void store.timeline('t').append('b');
    await turns();
    expect(flushed).toBe(false);
    await adapter.release();
    await flush;
    await adapter.arrived();
    await adapter.release();
    await store.close();
  });

  it('close settles what was accepted, even what still waits for room, and refuses what comes later', async () => {
    const { adapter, store } = await open({ pendingWrites: 1 });
    const accepted = Promise.all(['a', 'b', 'c'].map((text) => store.timeline('t').append(text)));
    const closed = store.close();
    await expect(store.timeline('t').append('late')).rejects.toMatchObject({
      code: 'TIMELINE_CLOSED',
      outcome: 'not-applied',
    });
    for (let i = 0; i < 3; i++) await adapter.release();
    expect((await accepted).map(({ seqId }) => seqId)).toEqual([1n, 2n, 3n]);
    await closed;
    await expect(store.timeline('t').read()).rejects.toMatchObject({ code: 'TIMELINE_CLOSED' });
  });
});
