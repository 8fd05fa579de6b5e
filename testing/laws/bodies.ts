import assert from 'node:assert/strict';
import type { Codec } from '../../src/types.js';
import { fill, messages, readAll, rejects, succeeded, take } from '../assertions.js';
import { law } from '../law-group.js';

const verbatim: Codec<string | Uint8Array> = { encode: (message) => message, decode: (body) => body };

/** Converts bytes to a plain array, because a store may return any kind of Uint8Array. */
const plain = (body: string | Uint8Array) => (typeof body === 'string' ? body : [...body]);

const everyByte = Uint8Array.from({ length: 256 }, (_, index) => index);

export const bodies = law('Bodies', 'a body is read as it was written', (test) => {
  test('all JSON values', async (fixture) => {
    const values = [
      null,
      true,
      0,
      -0.5,
      1e300,
      '',
      'text',
      [],
      {},
      [1, [2, [3]]],
      { a: { b: [null, 'c'] } },
      { text: 'x', n: 1, list: [] },
      '"',
      '\\',
      '{}',
    ];
    const store = await fixture.open<unknown>();
    await Promise.all(values.map((value) => store.timeline('timeline').append(value)));
    assert.deepEqual(messages(await readAll(store.timeline('timeline'))), values);
  });

  test('every character', async (fixture) => {
    const texts = [
      '\0',
      'a\0b',
      '\u0001\u001f\u007f',
      '\r\n\t',
      'é e\u0301',
      '💬👩‍👩‍👧',
      '\ufeffbom',
      '\u2028\u2029',
      '\uffff\u{10ffff}',
      "'; --",
      '%s $1 \\x',
      'ﷺ'.repeat(50),
    ];
    const store = await fixture.open({ codec: verbatim });
    await Promise.all(texts.map((text) => store.timeline('timeline').append(text)));
    assert.deepEqual(messages(await readAll(store.timeline('timeline'))), texts);
  });

  test('text comes back as text and bytes as bytes, also side by side', async (fixture) => {
    const written = [
      'abc',
      Uint8Array.of(97, 98, 99),
      '123',
      Uint8Array.of(0),
      '',
      everyByte,
      'é',
      Uint8Array.of(0xc3, 0xa9),
      Uint8Array.of(0xff, 0xfe),
    ];
    const store = await fixture.open({ codec: verbatim });
    await Promise.all(written.map((body) => store.timeline('timeline').append(body)));
    const read = messages(await readAll(store.timeline('timeline')));
    assert.deepEqual(read.map(plain), written.map(plain));
    for (const [index, body] of read.entries()) assert.equal(typeof body, typeof written[index], `body ${index}`);
    assert.ok(read.every((body) => typeof body === 'string' || body instanceof Uint8Array));
  });

  test('empty bodies are entries, not tombstones', async (fixture) => {
    const store = await fixture.open({ codec: verbatim });
    await store.timeline('timeline').append('');
    await store.timeline('timeline').append(new Uint8Array());
    const entries = await readAll(store.timeline('timeline'));
    assert.deepEqual(
      entries.map((entry) => entry.deleted),
      [false, false],
    );
    assert.deepEqual(messages(entries).map(plain), ['', []]);
  });

  test('a view of a larger buffer is stored without the rest of the buffer', async (fixture) => {
    const store = await fixture.open({ codec: verbatim });
    await store.timeline('timeline').append(everyByte.subarray(10, 13));
    assert.deepEqual(plain((await store.timeline('timeline').latest())!.message), [10, 11, 12]);
  });

  test('every size around powers of two', async (fixture) => {
    const store = await fixture.open({ codec: verbatim });
    const { maxBodyBytes } = fixture.capabilities;
    const sizes = [0, 1, 2, 255, 256, 1023, 1024, 1025, 2047, 4095, 4096, 4097, 65_535, 65_536].filter(
      (size) => size <= maxBodyBytes,
    );
    await Promise.all(sizes.map((size) => store.timeline('text').append('x'.repeat(size))));
    await Promise.all(sizes.map((size) => store.timeline('bytes').append(new Uint8Array(size).fill(size % 251))));
    for (const id of ['text', 'bytes'])
      assert.deepEqual(
        messages(await readAll(store.timeline(id))).map((body) => body.length),
        sizes,
        id,
      );
  });

  test('maxBodyBytes fit, one more does not, in text and in bytes', async (fixture) => {
    const store = await fixture.open({ codec: verbatim });
    const { maxBodyBytes } = fixture.capabilities;
    const text = 'é'.repeat(Math.floor(maxBodyBytes / 2)).padEnd(Math.ceil(maxBodyBytes / 2), 'x');
    for (const body of [text, new Uint8Array(maxBodyBytes).fill(7)]) {
      await store.timeline('timeline').append(body);
      const read = (await store.timeline('timeline').latest())!.message;
      assert.ok(Buffer.from(plainBytes(read)).equals(Buffer.from(plainBytes(body))), `the largest ${typeof body}`);
    }
    for (const body of [`${text}x`, new Uint8Array(maxBodyBytes + 1)]) {
      await rejects(store.timeline('timeline').append(body), 'TIMELINE_TOO_LARGE');
    }
    assert.equal((await readAll(store.timeline('timeline'))).length, 2);
  });

  test('shared bodies, text and bytes, come back in every Timeline', async (fixture) => {
    const store = await fixture.open({ codec: verbatim });
    for (const body of ['', 'text', everyByte, new Uint8Array()])
      (await store.appendToMany(['a', 'b', 'c'], body)).forEach(succeeded);
    for (const id of ['a', 'b', 'c']) {
      assert.deepEqual(messages(await readAll(store.timeline(id))).map(plain), ['', 'text', plain(everyByte), []]);
    }
  });

  test('an update may change the kind of the body', ['update'], async (fixture) => {
    const store = await fixture.open({ codec: verbatim });
    const { seqId } = await store.timeline('timeline').append('text');
    for (const body of [everyByte, '', new Uint8Array(), 'text again']) {
      assert.deepEqual(plain((await store.timeline('timeline').update(seqId, body)).message), plain(body));
      assert.deepEqual(plain((await store.timeline('timeline').get(seqId))!.message), plain(body));
    }
  });

  test('text and the same bytes under one key are two different bodies', ['keys'], async (fixture) => {
    const store = await fixture.open({ codec: verbatim });
    await store.timeline('timeline').append('abc', { key: 'k' });
    await rejects(store.timeline('timeline').append(Uint8Array.of(97, 98, 99), { key: 'k' }), 'TIMELINE_KEY_CONFLICT');
  });

  test('a body that cannot be decoded says which entry it is', async (fixture) => {
    const { seqId } = await fixture.timeline().append('m');
    const store = await fixture.open<string>({
      codec: {
        encode: String,
        decode() {
          throw new Error('no such format');
        },
      },
    });
    const error = await rejects(store.timeline('timeline').read(), 'TIMELINE_DECODE');
    assert.deepEqual([error.actual, error.timeline], [seqId, 'timeline']);
  });

  test('entries and heads survive JSON, with decimal ids', async (fixture) => {
    await fill(fixture.timeline(), 1);
    const entry = (await fixture.timeline().latest())!;
    const json = JSON.parse(JSON.stringify(entry)) as Record<string, unknown>;
    assert.deepEqual(
      [json.seqId, json.message, json.cursor, json.timeline],
      [String(entry.seqId), 'm1', entry.cursor, 'timeline'],
    );
    const head = JSON.parse(JSON.stringify(await fixture.timeline().head())) as Record<string, unknown>;
    assert.equal(head.lastSeqId, String(entry.seqId));
  });

  test('a body that does not decode harms its own reader only', async (fixture) => {
    const codec: Codec<string> = {
      encode: (message) => message,
      decode(body) {
        if (body === 'bad') throw new SyntaxError('of another release');
        return String(body);
      },
    };
    const store = await fixture.open({ codec });
    const timeline = store.timeline('timeline');
    for (const message of ['m1', 'bad', 'm3']) await timeline.append(message);
    await store.timeline('other').append('fine');
    const page = await timeline.read();
    assert.deepEqual([messages(page.entries), page.upToDate], [['m1'], false]);
    const error = await rejects(timeline.read({ after: page.next }), 'TIMELINE_DECODE');
    assert.ok(typeof error.actual === 'bigint' && error.actual > page.entries[0]!.seqId);
    assert.deepEqual(messages((await timeline.read({ after: error.cursor! })).entries), ['m3']);
    const [bad, other] = await store.readBatch([{ timeline: 'timeline', after: page.next }, { timeline: 'other' }]);
    assert.deepEqual([bad?.error?.code, messages(other!.entries)], ['TIMELINE_DECODE', ['fine']]);
    assert.deepEqual(messages(await take(timeline.scan({ onUndecodable: 'skip' }))), ['m1', 'm3']);
    const replaced = await timeline.read({ onUndecodable: ({ body }) => `<${body}>` });
    assert.deepEqual(messages(replaced.entries), ['m1', '<bad>', 'm3']);
  });
});

const plainBytes = (body: string | Uint8Array): Uint8Array => (typeof body === 'string' ? Buffer.from(body) : body);
