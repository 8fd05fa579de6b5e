import assert from 'node:assert/strict';
import { encodeTimelineId } from '../../src/timeline-id.js';
import type { TimelineId } from '../../src/types.js';
import { fill, take } from '../assertions.js';
import { law } from '../law-group.js';
import type { World } from '../world.js';

async function writeTo(world: World, ids: readonly TimelineId[]): Promise<void> {
  await world.store.appendToMany(ids, 'm');
}

const inByteOrder = (ids: readonly TimelineId[]) =>
  ids.map((id) => encodeTimelineId(id)).sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)));

const encoded = (ids: readonly TimelineId[]) => ids.map((id) => encodeTimelineId(id));

export const listing = law('Listing', 'the Timelines of a library can be listed', (test) => {
  test('all that were written to, in the order of their encoded ids', ['timelines'], async (world) => {
    const ids: TimelineId[] = ['b', 'a', 'é', 'B', 'a:2', 'a:10', ['t', 'x'], ['t', 7], 3, -3, '💬', '\uffee', 'z'];
    await writeTo(world, ids);
    assert.deepEqual(encoded(await take(world.store.timelines())), inByteOrder(ids));
  });

  test('ids come back as they were given', ['timelines'], async (world) => {
    const ids: TimelineId[] = ['plain', 'a/b~c', ['tenant', 'group:1'], ['tenant', 5], 42, 2n ** 60n, ['a', '', 'b']];
    await writeTo(world, ids);
    const listed = await take(world.store.timelines());
    for (const id of ids)
      assert.ok(
        listed.some((each) => sameId(each, id)),
        `${JSON.stringify(encodeTimelineId(id))} is missing`,
      );
    assert.equal(listed.length, ids.length);
  });

  test('none in an empty library, and none that were only read', ['timelines'], async (world) => {
    assert.deepEqual(await take(world.store.timelines()), []);
    await world.timeline('read').read();
    await world.store.heads(['headed']);
    assert.deepEqual(await take(world.store.timelines()), []);
  });

  test('each once, however much was written to it', ['timelines'], async (world) => {
    await fill(world.timeline('a'), 20);
    await fill(world.timeline('b'), 20);
    assert.deepEqual(await take(world.store.timelines()), ['a', 'b']);
  });

  test('prefix, after and limit', ['timelines'], async (world) => {
    const ids = ['group:1', 'group:2', 'group:3', 'groups', 'inbox:1', 'inbox:2', 'g'];
    await writeTo(world, ids);
    const list = async (options: Parameters<typeof world.store.timelines>[0]) => take(world.store.timelines(options));
    assert.deepEqual(await list({ prefix: 'group:' }), ['group:1', 'group:2', 'group:3']);
    assert.deepEqual(await list({ prefix: 'group:', after: 'group:1' }), ['group:2', 'group:3']);
    assert.deepEqual(await list({ prefix: 'group:', limit: 2 }), ['group:1', 'group:2']);
    assert.deepEqual(await list({ after: 'groups' }), ['inbox:1', 'inbox:2']);
    assert.deepEqual(await list({ after: 'h', limit: 1 }), ['inbox:1']);
    assert.deepEqual(await list({ prefix: 'none' }), []);
    assert.deepEqual(await list({ after: 'zzz' }), []);
  });

  test('a prefix is taken literally', ['timelines'], async (world) => {
    await writeTo(world, ['a%b', 'axb', 'a_b', 'a*b', 'A%b', 'a\\b', 'a~b', 'a/b', ['a', 'b']]);
    for (const id of ['a%', 'a_', 'a*', 'a\\', 'a~', 'a/']) {
      assert.deepEqual(await take(world.store.timelines({ prefix: id })), [`${id}b`], id);
    }
  });

  test('a Timeline that was emptied is still listed', ['timelines', 'trim'], async (world) => {
    const all = await fill(world.timeline('a'), 2);
    await world.timeline('a').trim({ through: all[1]!.seqId });
    assert.deepEqual(await take(world.store.timelines()), ['a']);
  });

  test('thousands are listed page by page', ['timelines'], async (world) => {
    const ids = Array.from({ length: 2500 }, (_, index) => `t${index}`);
    await writeTo(world, ids);
    assert.deepEqual(encoded(await take(world.store.timelines())), inByteOrder(ids));
  });

  test('only those of its own library', ['timelines'], async (world) => {
    const other = await world.open({ name: 'another-library' });
    await other.timeline('theirs').append('m');
    await writeTo(world, ['ours']);
    assert.deepEqual(await take(world.store.timelines()), ['ours']);
    assert.deepEqual(await take(other.timelines()), ['theirs']);
  });
});

function sameId(a: TimelineId, b: TimelineId): boolean {
  if (Array.isArray(a) || Array.isArray(b)) {
    return Array.isArray(a) && Array.isArray(b) && a.length === b.length && a.every((part, index) => part === b[index]);
  }
  return a === b;
}
