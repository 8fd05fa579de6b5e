import { expect, it, onTestFinished } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { isTimelineError, openTimelineStore, TimelineError } from '../../src/index.js';

const store = await openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'json' });
const parsed = (value: unknown) => JSON.parse(JSON.stringify(value));

it('a result of an append is plain JSON, and compares as its fields', async () => {
  const timeline = store.timeline('appends');
  const appended = await timeline.append('a');
  expect(parsed(appended)).toEqual({ seqId: '1', cursor: appended.cursor, duplicate: false });
  expect(Object.keys(appended)).toEqual(['seqId', 'cursor', 'duplicate']);
  expect(parsed(await timeline.appendMany(['b']))).toMatchObject([{ seqId: '2' }]);
  expect(parsed(await store.appendToMany(['appends'], 'c'))).toEqual([{ ok: true, seqId: '3', duplicate: false }]);
});

it('a page and all in it is plain JSON', async () => {
  const timeline = store.timeline(['pages', 2n ** 60n]);
  await timeline.appendMany(['a', 'b', 'c']);
  await timeline.trim({ through: '2' });
  expect(parsed(await timeline.read({ after: 0n }))).toMatchObject({
    entries: [{ timeline: ['pages', String(2n ** 60n)], seqId: '3', message: 'c' }],
    head: { firstSeqId: '3', lastSeqId: '3' },
    truncated: { through: '2' },
  });
});

it('an entry whose message holds bigints or itself is JSON', async () => {
  const loop: { id: bigint; self?: unknown } = { id: 7n };
  loop.self = loop;
  const codec = { encode: () => 'loop', decode: () => loop };
  const loops = await openTimelineStore<typeof loop>({ adapter: memoryAdapter(), name: 'loops', codec });
  onTestFinished(() => loops.close());
  await loops.timeline('one').append(loop);
  expect(parsed(await loops.timeline('one').latest())).toMatchObject({ message: { id: '7', self: '[Circular]' } });
});

it('an entry that does not decode is JSON for its handler', async () => {
  const codec = {
    encode: () => 'x',
    decode: () => {
      throw new Error('broken');
    },
  };
  const broken = await openTimelineStore<unknown>({ adapter: memoryAdapter(), name: 'broken', codec });
  onTestFinished(() => broken.close());
  await broken.timeline('one').append('x');
  const page = await broken.timeline('one').read({ onUndecodable: parsed });
  expect(page.entries[0]?.message).toMatchObject({ seqId: '1', error: { code: 'TIMELINE_DECODE', actual: '1' } });
});

it('an error is JSON: ids as strings, its cause as the message, findings as text', async () => {
  const error = await store
    .timeline('conflicts')
    .append('a', { expectedLast: 5n })
    .catch((thrown: unknown) => thrown);
  expect(parsed(error)).toMatchObject({
    ...{ name: 'TimelineError', code: 'TIMELINE_CONFLICT', retryable: false, outcome: 'not-applied' },
    ...{ timeline: 'conflicts', expected: '5', actual: '0', message: (error as Error).message },
  });
  const issue = { message: 'no', path: [{ key: Symbol.for('k') }, 1], input: 1n };
  const wrapped = new TimelineError('TIMELINE_INVALID_ARGUMENT', 'm', { cause: new Error('why'), issues: [issue] });
  expect(parsed(wrapped)).toMatchObject({ cause: 'why', issues: [{ message: 'no', path: ['Symbol(k)', '1'] }] });
});

it('takes a decimal string wherever it takes a SeqId', async () => {
  const timeline = store.timeline('strings');
  await timeline.append('a', { seqId: '3', expectedLast: '0' });
  await timeline.append('b', { expectedLast: '3' });
  expect((await timeline.get('3'))?.message).toBe('a');
  expect((await timeline.read({ after: '3', before: '5' })).entries).toMatchObject([{ message: 'b' }]);
  expect((await timeline.update('3', 'c')).revision).toBe(1);
  const phone = timeline.checkpoint('phone');
  expect(await phone.advance('4')).toBe((await timeline.get(4n))?.cursor);
  await phone.reset('3');
  expect(await phone.get()).toBe((await timeline.get(3n))?.cursor);
  await timeline.delete('3');
  await timeline.trim({ through: '3' });
  expect(await timeline.get('3')).toBeUndefined();
  expect((await timeline.read({ after: '9' }).catch((thrown: unknown) => thrown)) as Error).toMatchObject({
    code: 'TIMELINE_ROLLED_BACK',
  });
});

it.each(['1.5', '-1', '0x1', ' 1', '', '01', '1'.repeat(25), '9223372036854775808'])(
  'refuses %j as a SeqId',
  async (text) => {
    const timeline = store.timeline('refused');
    for (const call of [
      () => timeline.get(text),
      () => timeline.update(text, 'x'),
      () => timeline.delete(text),
      () => timeline.trim({ through: text }),
      () => timeline.append('x', { seqId: text }),
      () => timeline.append('x', { expectedLast: text }),
    ]) {
      const error = await call().catch((thrown: unknown) => thrown);
      expect(isTimelineError(error) && error.code).toBe('TIMELINE_INVALID_ARGUMENT');
    }
  },
);
