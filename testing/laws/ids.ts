import assert from 'node:assert/strict';
import { encodeTimelineId } from '../../src/timeline-id.js';
import type { TimelineId } from '../../src/types.js';
import { messages, readAll } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

/** Writes a different message to each Timeline and reads them back: a collision of ids would show. */
async function assertDistinct(fixture: Fixture, ids: readonly TimelineId[]): Promise<void> {
  const label = (id: TimelineId, index: number) => `${index}: ${encodeTimelineId(id).slice(0, 40)}`;
  await Promise.all(ids.map((id, index) => fixture.timeline(id).append(label(id, index))));
  for (const [index, id] of ids.entries()) {
    const entries = await readAll(fixture.timeline(id));
    assert.deepEqual(messages(entries), [label(id, index)]);
    assert.deepEqual(entries[0]?.timeline, id);
  }
}

const longest = (fill: string) => fill.repeat(Math.floor(512 / Buffer.byteLength(fill)));

export const ids = law('Ids', 'different Timeline ids never collide', (test) => {
  test('parts and separators', async (fixture) => {
    await assertDistinct(fixture, [
      'a/b',
      ['a', 'b'],
      ['a/b', ''],
      ['a', '', 'b'],
      ['', 'a', 'b'],
      ['a', 'b', ''],
      ['', 'a'],
      ['a', ''],
      'a',
      'b',
      ['a', '/b'],
      ['a/', 'b'],
    ]);
  });

  test('escapes', async (fixture) => {
    await assertDistinct(fixture, [
      '~',
      '~0',
      '~1',
      '~i1',
      '~~',
      '/',
      '//',
      '~/',
      '/~',
      '~01',
      '~10',
      ['~', '~'],
      ['~1', ''],
      ['', '~1'],
      '%2F',
      '%252F',
      '\\',
      '\\\\',
    ]);
  });

  test('strings and integers', async (fixture) => {
    await assertDistinct(fixture, [
      1,
      '1',
      -1,
      '-1',
      0,
      '0',
      '01',
      '1.0',
      ['1', 2],
      [1, '2'],
      [1, 2],
      [12],
      '1/2',
      2n ** 62n,
      String(2n ** 62n),
      -(2n ** 63n),
      2n ** 63n - 1n,
    ]);
  });

  test('case, spaces and text that looks like syntax', async (fixture) => {
    await assertDistinct(fixture, [
      'a',
      'A',
      ' a',
      'a ',
      'a\t',
      'a\n',
      'a\0',
      'a\0b',
      "a'",
      'a"',
      'a;',
      'a--',
      '%',
      '_',
      '*',
      '?',
      '[a]',
      '{a}',
      ':',
      '::',
      'null',
      'undefined',
      '.',
      '..',
      '$',
      '`',
    ]);
  });

  test('unicode, also where two forms look the same', async (fixture) => {
    await assertDistinct(fixture, [
      'é',
      'e\u0301',
      'ß',
      'ss',
      'K',
      '\u212a',
      'İ',
      'i',
      '💬',
      '💬💬',
      '\u200b',
      '\ufeff',
      '消息',
      '\u{10ffff}',
      '\uffff',
    ]);
  });

  test('the longest ids, differing in their last byte only', async (fixture) => {
    const common = 'x'.repeat(511);
    await assertDistinct(fixture, [
      `${common}a`,
      `${common}b`,
      common,
      longest('é'),
      longest('💬'),
      longest('~'),
      longest('/'),
      ['x'.repeat(256), 'y'.repeat(256)],
      ['x'.repeat(255), 'y'.repeat(257)],
    ]);
  });

  test('one id in several spellings is one Timeline', async (fixture) => {
    for (const [index, [one, other]] of (
      [
        ['a', ['a']],
        [1, 1n],
        [
          ['t', 5],
          ['t', 5n],
        ],
      ] as const
    ).entries()) {
      await fixture.timeline(one).append(`${index}`);
      assert.deepEqual(messages(await readAll(fixture.timeline(other))), [`${index}`]);
    }
  });

  test('changing an id array afterwards has no effect', async (fixture) => {
    const id = ['a', 'b'];
    const timeline = fixture.timeline(id);
    id[1] = 'c';
    await timeline.append('m');
    assert.deepEqual(messages(await readAll(fixture.timeline(['a', 'b']))), ['m']);
    assert.deepEqual(timeline.id, ['a', 'b']);
  });

  test('cursors of Timelines with odd ids lead back to them', async (fixture) => {
    for (const id of ['a/b', ['a', 'b'], '.', '~', 7, '消息', longest('💬')] as TimelineId[]) {
      const { cursor } = await fixture.timeline(id).append('first');
      await fixture.timeline(id).append('second');
      assert.deepEqual(messages((await fixture.timeline(id).read({ after: cursor })).entries), ['second']);
    }
  });
});
