import { describe, expect, it } from 'vitest';
import { javaCodec, type LayoutOption } from '../../adapters/tablestore/index.js';
import { SharedTable } from './java-support.js';

type Message = Record<string, unknown>;
const table = new SharedTable();

const open = (layout: LayoutOption = 'java-v2') =>
  table.open<Message>({ adapterOptions: { layout }, codec: javaCodec() }, `javaCodec ${JSON.stringify(layout)}`);

describe('fields of java-v2', () => {
  it('are written by their value if they are not declared, and read by their column', async () => {
    const { java, key, timeline } = await open();
    await timeline.append({
      whole: 5,
      big: 2n ** 63n - 1n,
      least: -(2n ** 63n),
      part: 0.5,
      list: ['a'],
      none: [],
      ok: true,
    });
    expect((await java.scan(key))[0]?.cells).toEqual({
      whole: ['INTEGER', 5n],
      big: ['INTEGER', 2n ** 63n - 1n],
      least: ['INTEGER', -(2n ** 63n)],
      part: ['DOUBLE', 0.5],
      list: ['STRING', '["a"]'],
      none: ['STRING', '[]'],
      ok: ['BOOLEAN', true],
    });
    expect((await timeline.latest())?.message).toEqual({
      whole: 5,
      big: 2n ** 63n - 1n,
      least: -(2n ** 63n),
      part: 0.5,
      list: '["a"]',
      none: '[]',
      ok: true,
    });
  });

  it('of a row by Java that were not declared come as their columns are', async () => {
    const { java, key, timeline } = await open({ type: 'java-v2', fields: { text: 'string' } });
    const picture = Uint8Array.of(1, 2, 255);
    await java.store(key, {
      text: 'x',
      likes: 7n,
      id: 2n ** 60n + 1n,
      score: 3,
      ok: false,
      picture,
      timestamp: 1n,
      'naïve 名': 'y',
    });
    expect((await timeline.latest())?.message).toEqual({
      text: 'x',
      likes: 7,
      id: 2n ** 60n + 1n,
      score: 3,
      ok: false,
      picture,
      timestamp: 1,
      'naïve 名': 'y',
    });
  });

  it('lose nothing under the default codec: values beyond JSON come as objects that can be written again', async () => {
    const { java, key, timeline } = await table.open<Message>({ adapterOptions: { layout: 'java-v2' } });
    const columns = { id: 2n ** 60n + 1n, picture: Uint8Array.of(1, 255) };
    await java.store(key, columns);
    const message = (await timeline.latest())?.message as Message;
    expect(message).toEqual({ id: { $integer: '1152921504606846977' }, picture: { $binary: 'Af8=' } });
    await timeline.append(message);
    const rows = await java.scan(key);
    expect(rows[1]?.cells).toEqual(rows[0]?.cells);
  });

  it('that are declared have their type in both directions', async () => {
    const fields = {
      likes: 'integer',
      id: 'bigint',
      score: 'double',
      tags: 'strings',
      picture: 'binary',
      on: 'boolean',
    } as const;
    const { java, key, timeline } = await open({ type: 'java-v2', fields });
    const message = { likes: 1, id: 2n, score: 3, tags: ['"', 'ü'], picture: Uint8Array.of(4), on: true };
    await timeline.append(message);
    expect((await java.scan(key))[0]?.cells).toEqual({
      likes: ['INTEGER', 1n],
      id: ['INTEGER', 2n],
      score: ['DOUBLE', 3],
      tags: ['STRING', '["\\"","ü"]'],
      picture: ['BLOB', '04'],
      on: ['BOOLEAN', true],
    });
    await java.store(key, {
      likes: 1n,
      id: 2n,
      score: 3,
      tags: '["\\"","\\u00fc"]',
      picture: Uint8Array.of(4),
      on: true,
    });
    const { entries } = await timeline.read();
    expect(entries.map((entry) => entry.message)).toEqual([message, message]);
    for (const [name, wrong] of Object.entries({
      likes: 0.5,
      id: '2',
      score: '3',
      tags: [1],
      picture: 'AA==',
      on: 1,
    })) {
      await expect(timeline.append({ ...message, [name]: wrong })).rejects.toMatchObject({
        code: 'TIMELINE_INVALID_ARGUMENT',
        message: expect.stringContaining(name),
      });
    }
  });

  it('declared a list of strings that hold none are TIMELINE_DECODE', async () => {
    const { java, key, timeline } = await open({ type: 'java-v2', fields: { tags: 'strings' } });
    await java.store(key, { tags: 'not a list' });
    await expect(timeline.read()).rejects.toMatchObject({
      code: 'TIMELINE_DECODE',
      message: expect.stringContaining('tags'),
    });
  });

  it.each([
    ['null', { a: null }],
    ['an object', { a: {} }],
    ['a mixed list', { a: ['x', 1] }],
    ['an integer that a number cannot hold', { a: 2 ** 60 }],
    ['an integer beyond 64 bits', { a: 2n ** 63n }],
    ['no field', {}],
    ['more fields than a row has columns', Object.fromEntries(Array.from({ length: 1001 }, (_, i) => [`f${i}`, 1]))],
    ['a field named like a key column', { timeline_id: 'x' }],
    ['a field named like a column of the adapter', { __tl_version: 1 }],
    ['a name that begins with #', { '#a': 1 }],
    ['a name that is not ASCII', { größe: 1 }],
    ['a field named timestamp', { timestamp: 1 }],
    ['a list', [1] as unknown as Message],
    ['text', 'text' as unknown as Message],
  ])('with %s are refused before any request', async (_, message) => {
    const { java, key, timeline } = await open();
    const heal = table.service.emulator.inject({ when: 'before', effect: 'reset' });
    await expect(timeline.append(message)).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
      argument: 'message',
      outcome: 'not-applied',
    });
    heal();
    expect(await java.scan(key)).toEqual([]);
  });

  it('called timestamp or in other scripts may be given a column of another name', async () => {
    const fields = { timestamp: { column: 'sent_at', type: 'integer' }, größe: { column: 'size' } } as const;
    const { java, key, timeline } = await open({ type: 'java-v2', fields });
    await timeline.append({ timestamp: 12, größe: 'XL' });
    expect((await java.scan(key))[0]?.cells).toEqual({ sent_at: ['INTEGER', 12n], size: ['STRING', 'XL'] });
    await java.store(key, { timestamp: 13n, size: 'L' });
    const { entries } = await timeline.read();
    expect(entries.map((entry) => entry.message)).toEqual([
      { timestamp: 12, größe: 'XL' },
      { timestamp: 13, größe: 'L' },
    ]);
    await expect(timeline.append({ timestamp: 1, sent_at: 2 })).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
    });
  });

  it('may have names that mean something to JavaScript', async () => {
    const { java, key, timeline } = await open();
    const message = JSON.parse('{"__proto__":"a","constructor":"b","1":"c","length":3}') as Message;
    await timeline.append(message);
    expect(Object.keys((await java.scan(key))[0]?.cells ?? {}).sort()).toEqual([
      '1',
      '__proto__',
      'constructor',
      'length',
    ]);
    expect(JSON.stringify(Object.entries((await timeline.latest())?.message ?? {}).sort())).toBe(
      JSON.stringify(Object.entries(message).sort()),
    );
  });
});
