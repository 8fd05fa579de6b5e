import assert from 'node:assert/strict';
import { encodeTimelineId } from '../../src/timeline-id.js';
import type { TimelineId } from '../../src/types.js';
import { fill, succeeded, take } from '../assertions.js';
import type { Fixture } from '../fixture.js';
import { law } from '../law-group.js';

/** Timelines written in one call, which has one time budget. */
const TIMELINES_PER_CALL = 500;

async function writeTo(fixture: Fixture, ids: readonly TimelineId[]): Promise<void> {
  for (let i = 0; i < ids.length; i += TIMELINES_PER_CALL)
    (await fixture.store.appendToMany(ids.slice(i, i + TIMELINES_PER_CALL), 'm')).forEach(succeeded);
}

const inByteOrder = (ids: readonly TimelineId[]) =>
  ids.map((id) => encodeTimelineId(id)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

const encoded = (ids: readonly TimelineId[]) => ids.map((id) => encodeTimelineId(id));

export const listing = law('Listing', 'the Timelines of a library can be listed', (test) => {
  test('all that were written to, in the order of their encoded ids', ['timelines'], async (fixture) => {
    const ids: TimelineId[] = ['b', 'a', 'é', 'B', 'a:2', 'a:10', ['t', 'x'], ['t', 7], 3, -3, '💬', '\uffee', 'z'];
    await writeTo(fixture, ids);
    assert.deepEqual(encoded(await take(fixture.store.timelines())), inByteOrder(ids));
  });

  test('ids come back as they were given', ['timelines'], async (fixture) => {
    const ids: TimelineId[] = ['plain', 'a/b~c', ['tenant', 'group:1'], ['tenant', 5], 42, 2n ** 60n, ['a', '', 'b']];
    await writeTo(fixture, ids);
    const listed = await take(fixture.store.timelines());
    for (const id of ids)
      assert.ok(
        listed.some((each) => sameId(each, id)),
        `${JSON.stringify(encodeTimelineId(id))} is missing`,
      );
    assert.equal(listed.length, ids.length);
  });

  test('none in an empty library, and none that were only read', ['timelines'], async (fixture) => {
    assert.deepEqual(await take(fixture.store.timelines()), []);
    await fixture.timeline('read').read();
    await fixture.store.heads(['headed']);
    assert.deepEqual(await take(fixture.store.timelines()), []);
  });

  test('each once, however much was written to it', ['timelines'], async (fixture) => {
    await fill(fixture.timeline('a'), 20);
    await fill(fixture.timeline('b'), 20);
    assert.deepEqual(await take(fixture.store.timelines()), ['a', 'b']);
  });

  test('prefix, after and limit', ['timelines'], async (fixture) => {
    const ids = ['group:1', 'group:2', 'group:3', 'groups', 'inbox:1', 'inbox:2', 'g'];
    await writeTo(fixture, ids);
    const list = async (options: Parameters<typeof fixture.store.timelines>[0]) =>
      take(fixture.store.timelines(options));
    assert.deepEqual(await list({ prefix: 'group:' }), ['group:1', 'group:2', 'group:3']);
    assert.deepEqual(await list({ prefix: 'group:', after: 'group:1' }), ['group:2', 'group:3']);
    assert.deepEqual(await list({ prefix: 'group:', limit: 2 }), ['group:1', 'group:2']);
    assert.deepEqual(await list({ after: 'groups' }), ['inbox:1', 'inbox:2']);
    assert.deepEqual(await list({ after: 'h', limit: 1 }), ['inbox:1']);
    assert.deepEqual(await list({ prefix: 'none' }), []);
    assert.deepEqual(await list({ after: 'zzz' }), []);
  });

  test('a prefix is taken literally', ['timelines'], async (fixture) => {
    await writeTo(fixture, ['a%b', 'axb', 'a_b', 'a*b', 'A%b', 'a\\b', 'a~b', 'a/b', ['a', 'b']]);
    for (const id of ['a%', 'a_', 'a*', 'a\\', 'a~', 'a/']) {
      assert.deepEqual(await take(fixture.store.timelines({ prefix: id })), [`${id}b`], id);
    }
  });

  test('a Timeline that was emptied is still listed', ['timelines', 'trim'], async (fixture) => {
    const all = await fill(fixture.timeline('a'), 2);
    await fixture.timeline('a').trim({ through: all[1]!.seqId });
    assert.deepEqual(await take(fixture.store.timelines()), ['a']);
  });

  test('thousands are listed page by page', ['timelines'], async (fixture) => {
    const ids = Array.from({ length: 2500 }, (_, index) => `t${index}`);
    await writeTo(fixture, ids);
    assert.deepEqual(encoded(await take(fixture.store.timelines())), inByteOrder(ids));
  });

  test('only those of its own library', ['timelines'], async (fixture) => {
    const other = await fixture.open({ name: 'another-library' });
    await other.timeline('theirs').append('m');
    await writeTo(fixture, ['ours']);
    assert.deepEqual(await take(fixture.store.timelines()), ['ours']);
    assert.deepEqual(await take(other.timelines()), ['theirs']);
  });
});

function sameId(a: TimelineId, b: TimelineId): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((part, index) => part === b[index]);
  }
  return a === b;
}
