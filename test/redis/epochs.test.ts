import { copyFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import type { TimelineError } from '../../src/index.js';
import type { Timeline } from '../../src/types.js';
import { hasRedis, type Persistence, type RedisServer } from '../support/redis-server.js';
import type { RedisStore } from '../support/redis-store.js';
import { openOn, startServer } from './support.js';

async function start(persistence: Persistence = 'none'): Promise<{ server: RedisServer; redis: RedisStore }> {
  const server = await startServer({ persistence, args: ['--enable-debug-command', 'yes'] });
  return { server, redis: await openOn(server) };
}

async function append(timeline: Timeline<string>, count: number, text = 'm') {
  const results = [];
  for (let i = 1; i <= count; i++) results.push(await timeline.append(`${text}${i}`));
  return results;
}

async function readAll(timeline: Timeline<string>) {
  const { entries } = await timeline.read({ limit: 1000 });
  return entries.map(({ seqId, message }) => `${seqId} ${message}`);
}

async function codeOf(work: Promise<unknown>): Promise<string> {
  return work.then(
    () => 'none',
    (error: TimelineError) => error.code,
  );
}

describe.skipIf(!hasRedis())('data that are lost', () => {
  it('a lost stream leaves a hole that readers are told of, and ids go on behind it', async () => {
    const { redis } = await start();
    const timeline = redis.timeline();
    const [first] = await append(timeline, 3);
    await redis.client.del(redis.streamKey());
    expect((await timeline.read({ after: first!.cursor })).truncated).toEqual({ through: 3n });
    expect((await timeline.append('next')).seqId).toBe(4n);
    const page = await timeline.read({ after: first!.cursor });
    expect(page.truncated).toEqual({ through: 3n });
    expect(page.entries.map(({ seqId }) => seqId)).toEqual([4n]);
    expect((await timeline.head()).firstSeqId).toBe(4n);
  });

  it('a lost stream is noticed by the append that comes first', async () => {
    const { redis } = await start();
    const timeline = redis.timeline();
    const [first] = await append(timeline, 3);
    await redis.client.del(redis.streamKey());
    expect((await timeline.append('next')).seqId).toBe(4n);
    expect((await timeline.read({ after: first!.cursor })).truncated).toEqual({ through: 3n });
  });

  it('a stream whose state was lost goes on behind its last id, in another epoch', async () => {
    const { redis } = await start();
    const timeline = redis.timeline();
    const all = await append(timeline, 3);
    await redis.client.del(redis.stateKey());
    expect((await timeline.append('next')).seqId).toBe(4n);
    expect(await readAll(timeline)).toEqual(['1 m1', '2 m2', '3 m3', '4 next']);
    expect(await codeOf(timeline.read({ after: all[0]!.cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
  });

  it('a stream whose state was lost is there for readers before anything is appended', async () => {
    const { redis } = await start();
    const timeline = redis.timeline();
    const all = await append(timeline, 3);
    await redis.client.del(redis.stateKey());
    expect(await readAll(timeline)).toEqual(['1 m1', '2 m2', '3 m3']);
    expect(await codeOf(timeline.read({ after: all[2]!.cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
    expect((await timeline.head()).lastSeqId).toBe(3n);
  });

  it('a trimmed stream whose state was lost still tells of what was trimmed', async () => {
    const { redis } = await start();
    const timeline = redis.timeline();
    await append(timeline, 5);
    await timeline.trim({ keepLast: 2 });
    await redis.client.del(redis.stateKey());
    expect((await timeline.read({ after: 1n })).truncated).toEqual({ through: 3n });
  });

  it('a Timeline lost altogether begins again in another epoch, and knows no keys of the old one', async () => {
    const { redis } = await start();
    const timeline = redis.timeline();
    await timeline.append('first', { key: 'k' });
    const [second] = await append(timeline, 1);
    await redis.client.del(redis.streamKey(), redis.stateKey());
    expect(await codeOf(timeline.read({ after: second!.cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
    expect(await timeline.append('first', { key: 'k' })).toMatchObject({ seqId: 1n, duplicate: false });
    expect(await codeOf(timeline.read({ after: second!.cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
    await timeline.update(1n, 'changed');
    expect(await readAll(timeline)).toEqual(['1 changed']);
  });

  it('a deletion outlives the loss of the state', async () => {
    const { redis } = await start();
    const timeline = redis.timeline();
    await append(timeline, 2);
    await timeline.delete(1n);
    await redis.client.del(redis.stateKey());
    await timeline.append('next');
    expect((await timeline.get(1n))?.deleted).toBe(true);
  });

  it('a state older than its stream gives no id a second time', async () => {
    const { redis } = await start();
    const timeline = redis.timeline();
    await append(timeline, 2);
    const old = await redis.client.get(redis.stateKey());
    const [, , last] = [...(await append(timeline, 1)), ...(await append(timeline, 1)), ...(await append(timeline, 1))];
    await redis.client.set(redis.stateKey(), old as string);
    expect((await timeline.append('next')).seqId).toBe(last!.seqId + 1n);
    expect(await codeOf(timeline.read({ after: last!.cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
  });

  it('a stream of another program is refused', async () => {
    const { redis } = await start();
    await redis.client.xadd(redis.streamKey('by time'), '*', 'field', 'value');
    await redis.client.xadd(redis.streamKey('by number'), '0-1', 'field', 'value');
    await redis.client.set(redis.streamKey('no stream'), 'text');
    for (const id of ['by time', 'by number', 'no stream']) {
      await expect(redis.timeline(id).append('m'), id).rejects.toThrow(/another program/);
      await expect(redis.timeline(id).read(), id).rejects.toThrow(/another program/);
    }
    await append(redis.timeline(), 1);
    await redis.client.xadd(redis.streamKey(), '*', 'field', 'value');
    await expect(redis.timeline().append('m')).rejects.toThrow(/another program/);
    await expect(redis.timeline().read()).rejects.toThrow(/another program/);
  });
});

describe.skipIf(!hasRedis())('a server that starts again', () => {
  it('with all its data keeps every cursor good, and begins no gap', async () => {
    const { server, redis } = await start('aof-always');
    const timeline = redis.timeline();
    const all = await append(timeline, 3);
    for (let life = 0; life < 3; life++) {
      await server.end('SIGKILL');
      await server.start();
      all.push(...(await append(timeline, 2, `life${life}-`)));
    }
    for (const { cursor, seqId } of all) {
      const { entries } = await timeline.read({ after: cursor });
      expect(entries.map((entry) => entry.seqId)).toEqual(all.map((each) => each.seqId).filter((each) => each > seqId));
    }
  });

  it('from older data refuses cursors behind the tail, also once others have taken their ids', async () => {
    const { server, redis } = await start('rdb');
    const timeline = redis.timeline();
    const kept = await append(timeline, 3, 'kept');
    await timeline.checkpoint('phone').advance(kept[1]!.cursor);
    await redis.client.save();
    copyFileSync(join(server.dir, 'dump.rdb'), join(server.dir, 'old.rdb'));
    const lost = await append(timeline, 3, 'lost');
    await timeline.checkpoint('phone').advance(lost[2]!.cursor);
    await server.end('SIGKILL');
    copyFileSync(join(server.dir, 'old.rdb'), join(server.dir, 'dump.rdb'));
    await server.start();
    for (const { cursor } of lost) expect(await codeOf(timeline.read({ after: cursor }))).toBe('TIMELINE_ROLLED_BACK');
    await append(timeline, 4, 'after');
    for (const { cursor } of lost)
      expect(await codeOf(timeline.read({ after: cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
    const { entries } = await timeline.read({ after: kept[1]!.cursor });
    expect(entries.map(({ message }) => message)).toEqual(['kept3', 'after1', 'after2', 'after3', 'after4']);
    const checkpoint = timeline.checkpoint('phone');
    expect(await checkpoint.advance(entries[1]!.cursor)).toBe(entries[1]!.cursor);
    expect(await checkpoint.advance(kept[2]!.cursor)).toBe(entries[1]!.cursor);
  });

  it('without data refuses every cursor', async () => {
    const { server, redis } = await start('none');
    const timeline = redis.timeline();
    const [, second] = await append(timeline, 2);
    await server.end('SIGKILL');
    await server.start();
    expect(await codeOf(timeline.read({ after: second!.cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
    await append(timeline, 5);
    expect(await codeOf(timeline.read({ after: second!.cursor }))).toBe('TIMELINE_EPOCH_CHANGED');
  });

  it('reloads its data in place without anyone noticing', async () => {
    const { redis } = await start('rdb');
    const timeline = redis.timeline();
    const [first] = await append(timeline, 2);
    await redis.client.call('debug', 'reload');
    await append(timeline, 1);
    expect((await timeline.read({ after: first!.cursor })).entries).toHaveLength(2);
  });
});
