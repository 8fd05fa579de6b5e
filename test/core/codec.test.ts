import { describe, expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { type Codec, openTimelineStore } from '../../src/index.js';
import { tempFile } from '../sqlite/support.js';

describe('a codec that', () => {
  const open = (codec: Partial<Codec<unknown>>) =>
    openTimelineStore<unknown>({
      adapter: memoryAdapter(),
      name: 'x',
      codec: { encode: String, decode: String, ...codec } as Codec<unknown>,
    });

  it('decodes to a promise is told so, and its rejection is not unhandled', async () => {
    await using store = await open({ decode: () => Promise.reject(new Error('late')) });
    await store.timeline('t').append('a');
    await expect(store.timeline('t').read()).rejects.toMatchObject({ code: 'TIMELINE_DECODE', message: /synchronous/ });
  });

  it('encodes to a promise is told so, and its rejection is not unhandled', async () => {
    await using store = await open({ encode: (() => Promise.reject(new Error('late'))) as never });
    const refused = { code: 'TIMELINE_INVALID_ARGUMENT', argument: 'message', message: /encoded to a promise/ };
    await expect(store.timeline('t').append('a')).rejects.toMatchObject(refused);
    await expect(store.timeline('t').update(1n, 'a')).rejects.toMatchObject(refused);
  });

  it.each<[unknown, RegExp]>([
    ['just text', /just text/],
    [undefined, /undefined/],
    [null, /null/],
    [Object.create(null), /no reason given/],
    [{ message: 7 }, /object/],
  ])('throws %o is quoted as well as it can be', async (thrown, message) => {
    const codec = () => {
      throw thrown;
    };
    await using broken = await open({ encode: codec });
    await expect(broken.timeline('t').append('a')).rejects.toMatchObject({
      code: 'TIMELINE_INVALID_ARGUMENT',
      message,
    });
    await using store = await open({ decode: codec });
    await store.timeline('t').append('a');
    await expect(store.timeline('t').read()).rejects.toMatchObject({ code: 'TIMELINE_DECODE', message });
  });
});

it('bodies under another key in one file: each reader gets what is its own', async () => {
  const file = tempFile();
  const codecOf = (key: string): Codec<string> => ({
    encode: (message) => key + message,
    decode: (body) => {
      if (!String(body).startsWith(key)) throw new Error('another key');
      return String(body).slice(key.length);
    },
  });
  const open = (key: string) =>
    openTimelineStore<string>({ adapter: sqliteAdapter(file), name: 'x', codec: codecOf(key), onUndecodable: 'skip' });
  await using one = await open('one:');
  await using two = await open('two:');
  for (let i = 0; i < 20; i++) await (i % 3 === 0 ? one : two).timeline('t').append(String(i));
  const own: string[] = [];
  for await (const { message } of one.timeline('t').scan({ pageSize: 3 })) own.push(message);
  expect(own).toEqual(['0', '3', '6', '9', '12', '15', '18']);
  expect((await two.timeline('t').latest())?.message).toBe('19');
});
