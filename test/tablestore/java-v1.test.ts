import { crc32 } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import type { LayoutOption } from '../../adapters/tablestore/index.js';
import type { Codec } from '../../src/types.js';
import type { Values } from './java-library.js';
import { SharedTable } from './java-support.js';

const MIB = 2 ** 20;
const verbatim: Codec<string | Uint8Array> = { encode: (message) => message, decode: (body) => body };

/** A row of version 1: the pieces, count and checksum of a content, as Java writes them. */
function rowOf(content: Uint8Array, more: Values = { __message_id: '17@10.0.0.1:0' }): Values {
  const pieces: Record<string, Uint8Array> = {};
  for (let i = 0; i * MIB < content.length; i++)
    pieces[`__content${10_000 + i}`] = content.slice(i * MIB, (i + 1) * MIB);
  return { ...pieces, __column_count: BigInt(Object.keys(pieces).length), __crc32: BigInt(crc32(content)), ...more };
}
const text = (content: string) => new TextEncoder().encode(content);

const table = new SharedTable();

/** Messages are contents. */
const open = (layout: LayoutOption = 'java-v1') =>
  table.open<string | Uint8Array>({ adapterOptions: { layout }, codec: verbatim }, `content ${JSON.stringify(layout)}`);

const contents: [string, string][] = [
  ['nothing', ''],
  ['text', 'hello'],
  ['every script', 'ä 中 💬 \0 \ufeff'],
  ['exactly one piece', 'x'.repeat(MIB)],
  ['one byte more than a piece', 'x'.repeat(MIB + 1)],
  ['2 MiB, characters across the cut', `${'é'.repeat(MIB - 1)}ab`],
];

describe('java-v1', () => {
  it.each(contents)('reads what Java stored: %s', async (_, content) => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, rowOf(text(content)));
    expect((await timeline.get(seqId))?.message === content).toBe(true);
  });

  it.each(contents)('writes the columns that Java writes: %s', async (_, content) => {
    const { java, key, timeline } = await open();
    const { seqId } = await timeline.append(content, { key: 'message-1' });
    await java.store(key, rowOf(text(content), { __message_id: 'message-1' }));
    const [ours, theirs] = await java.scan(key);
    expect(ours?.key).toEqual({ ...key, sequence_id: seqId });
    expect(Object.keys(ours?.cells ?? {})).toEqual(Object.keys(theirs?.cells ?? {}));
    for (const [name, cell] of Object.entries(theirs?.cells ?? {})) {
      expect(JSON.stringify(ours?.cells[name], decimal) === JSON.stringify(cell, decimal), name).toBe(true);
    }
  });

  it('reads forward and backward, with ids beyond 2^53', async () => {
    const { java, key, timeline } = await open();
    const ids = [];
    for (const content of ['a', 'b', 'c']) ids.push(await java.store(key, rowOf(text(content))));
    expect((await timeline.read()).entries.map(({ seqId, message }) => [seqId, message])).toEqual([
      [ids[0], 'a'],
      [ids[1], 'b'],
      [ids[2], 'c'],
    ]);
    expect((await timeline.read({ reverse: true, limit: 2 })).entries.map(({ message }) => message)).toEqual([
      'c',
      'b',
    ]);
    expect(ids[0]).toBeGreaterThan(2n ** 53n);
  });

  it('takes a message id as the key, unless a library generated it', async () => {
    const { java, key, timeline } = await open();
    await java.store(key, rowOf(text('a'), { __message_id: 'client-7' }));
    await java.store(key, rowOf(text('b'), { __message_id: '4711@192.168.0.1:12' }));
    await java.store(key, rowOf(text('c'), {}));
    await timeline.append('d');
    await timeline.append('e', { key: 'client-8' });
    expect((await timeline.read()).entries.map((entry) => entry.key)).toEqual([
      'client-7',
      undefined,
      undefined,
      undefined,
      'client-8',
    ]);
    const ids = (await java.scan(key)).map(({ cells }) => cells.__message_id?.[1]);
    expect(ids[3]).toMatch(/^\d+@[\d.]+:\d+$/);
    expect(ids[4]).toBe('client-8');
  });

  it('recognizes a key, and refuses another message with it', async () => {
    const { java, key, timeline } = await open();
    const { seqId } = await timeline.append('a', { key: 'k' });
    expect(await timeline.append('a', { key: 'k' })).toMatchObject({ seqId, duplicate: true });
    await expect(timeline.append('b', { key: 'k' })).rejects.toMatchObject({
      code: 'TIMELINE_KEY_CONFLICT',
      actual: seqId,
    });
    expect(await java.scan(key)).toHaveLength(1);
  });

  it('ignores pieces left over from a longer content, and removes them with the next change', async () => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, rowOf(text('x'.repeat(MIB + 5))));
    await java.update(key, seqId, rowOf(text('short')));
    expect(Object.keys((await java.scan(key))[0]?.cells ?? {})).toContain('__content10001');
    expect((await timeline.get(seqId))?.message).toBe('short');
    await timeline.update(seqId, '');
    expect((await timeline.get(seqId))?.message).toBe('');
    expect(Object.keys((await java.scan(key))[0]?.cells ?? {}).filter((name) => name.startsWith('__content'))).toEqual(
      [],
    );
  });

  it.each<[string, Values]>([
    ['a wrong checksum', { ...rowOf(text('hello')), __crc32: 1n }],
    ['changed bytes', { ...rowOf(text('hello')), __content10000: text('hellO') }],
    ['a missing piece', { __column_count: 2n, __crc32: BigInt(crc32('a')), __content10000: text('a') }],
    [
      'a gap',
      { __column_count: 2n, __crc32: BigInt(crc32('a')), __content10000: text('a'), __content10002: text('a') },
    ],
    ['pieces that do not begin at the first', { __crc32: BigInt(crc32('a')), __content10001: text('a') }],
    ['a piece that is text', { __column_count: 1n, __content10000: 'a' }],
    ['bytes that are not UTF-8', rowOf(Uint8Array.of(0xff, 0xfe))],
  ])('reports %s as TIMELINE_DECODE', async (_, row) => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, row);
    await expect(timeline.read()).rejects.toMatchObject({ code: 'TIMELINE_DECODE', actual: seqId });
  });

  it('reads heads, appends and trims despite a broken content', async () => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, { ...rowOf(text('hello')), __crc32: 1n });
    expect(await timeline.head()).toMatchObject({ firstSeqId: seqId, lastSeqId: seqId });
    await timeline.append('good');
    await timeline.trim({ through: seqId });
    expect((await timeline.read()).entries.map(({ message }) => message)).toEqual(['good']);
  });

  it('does not check a row without count or checksum', async () => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, { __content10000: text('a'), __content10001: text('b') });
    expect((await timeline.get(seqId))?.message).toBe('ab');
  });

  it('has contents of bytes as an option', async () => {
    const { java, key, timeline } = await open({ type: 'java-v1', content: 'bytes' });
    const bytes = Uint8Array.of(0xff, 0, 1);
    await timeline.append(bytes);
    await java.store(key, rowOf(bytes));
    const { entries } = await timeline.read();
    expect(entries.map(({ message }) => [...(message as Uint8Array)])).toEqual([[...bytes], [...bytes]]);
    await expect(timeline.append('text')).rejects.toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT' });
    const texts = await open();
    await expect(texts.timeline.append(bytes)).rejects.toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT' });
  });

  it('refuses a content above 2 MiB', async () => {
    const { java, key, timeline } = await open();
    await expect(timeline.append('x'.repeat(2 * MIB + 1))).rejects.toMatchObject({
      code: 'TIMELINE_TOO_LARGE',
      limit: 2 * MIB,
    });
    expect(await java.scan(key)).toEqual([]);
  });

  it('leaves attributes of Java in place when it changes a content, and an empty content when it deletes', async () => {
    const { java, key, timeline } = await open();
    const seqId = await java.store(key, rowOf(text('a'), { __message_id: 'm', from: 'ann' }));
    await timeline.update(seqId, 'b');
    expect((await java.scan(key))[0]?.cells).toMatchObject({ from: ['STRING', 'ann'], __content10000: ['BLOB', '62'] });
    await timeline.delete(seqId);
    expect(await timeline.get(seqId)).toMatchObject({ deleted: true, revision: 2, key: 'm' });
    const { __tl_at, ...cells } = (await java.scan(key))[0]?.cells ?? {};
    expect(cells).toEqual({
      __column_count: ['INTEGER', 0n],
      __crc32: ['INTEGER', 0n],
      __message_id: ['STRING', 'm'],
      __tl_deleted: ['BOOLEAN', true],
      __tl_version: ['INTEGER', 2n],
    });
  });
});

describe('attributes of java-v1', () => {
  const layout = { type: 'java-v1', attributes: true } as const;
  const openWhole = (given: LayoutOption = layout) => table.open<unknown>({ adapterOptions: { layout: given } });

  it('are read and written beside the content', async () => {
    const { java, key, timeline } = await openWhole();
    await java.store(key, rowOf(text('hi'), { __message_id: '1@10.0.0.1:0', from: 'ann', kind: 'ü' }));
    await java.store(key, rowOf(text('hi')));
    await timeline.append({ content: 'hi', attributes: { from: 'ann', kind: 'ü' } });
    await timeline.append({ content: 'hi' });
    const whole = { content: 'hi', attributes: { from: 'ann', kind: 'ü' } };
    const { entries } = await timeline.read();
    expect(entries.map(({ message }) => message)).toEqual([whole, { content: 'hi' }, whole, { content: 'hi' }]);
    const [first, , third] = (await java.scan(key)).map(({ cells }) => ({ ...cells, __message_id: undefined }));
    expect(third).toEqual(first);
    await timeline.update(entries[0]?.seqId ?? 0n, { content: 'ho', attributes: { kind: 'x' } });
    expect((await timeline.read({ limit: 1 })).entries[0]?.message).toEqual({
      content: 'ho',
      attributes: { kind: 'x' },
    });
  });

  it('accompany bytes as base64', async () => {
    const { java, key, timeline } = await openWhole({ ...layout, content: 'bytes' });
    const message = { content: '/wA=', attributes: { from: 'ann' } };
    await timeline.append(message);
    expect((await java.scan(key))[0]?.cells).toMatchObject({
      __content10000: ['BLOB', 'ff00'],
      from: ['STRING', 'ann'],
    });
    expect((await timeline.latest())?.message).toEqual(message);
  });

  it.each([
    ['a name that begins with __', { content: '', attributes: { __x: 'a' } }],
    ['an empty value', { content: '', attributes: { a: '' } }],
    ['a value that is no string', { content: '', attributes: { a: 1 } }],
    ['the name timestamp', { content: '', attributes: { timestamp: 'a' } }],
    ['a name that is not ASCII', { content: '', attributes: { größe: 'a' } }],
    ['no content', { attributes: {} }],
    [
      'too many',
      { content: '', attributes: Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`a${i}`, 'x'])) },
    ],
    ['a field beside them', { content: '', from: 'ann' }],
    ['text alone', 'text'],
  ])('with %s are refused before any request', async (_, message) => {
    const { java, key, timeline } = await openWhole();
    await expect(timeline.append(message)).rejects.toMatchObject({ code: 'TIMELINE_INVALID_ARGUMENT' });
    expect(await java.scan(key)).toEqual([]);
  });
});

function decimal(_: string, value: unknown): unknown {
  return typeof value === 'bigint' ? `${value}n` : value;
}
