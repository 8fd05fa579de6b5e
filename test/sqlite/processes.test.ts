import { once } from 'node:events';
import { describe, expect, it } from 'vitest';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore } from '../../src/index.js';
import { until } from '../support/until.js';
import { afterTest, openFile, readAll, spawnChild, tempFile } from './support.js';

describe('several processes on one file', () => {
  it('append together: no entry lost, repeated or out of its order, and no error', async () => {
    const path = tempFile();
    const perLane = 100;
    const children = ['a', 'b', 'c'].map((name) => ({
      name,
      child: spawnChild('append', path, name, String(perLane)),
    }));
    await Promise.all(children.map(async ({ child }) => expect((await once(child, 'message'))[0]).toBe('ready')));
    const answers = await Promise.all(
      children.map(async ({ name, child }) => {
        const answer = once(child, 'message');
        child.send('go');
        const [lanes] = (await answer) as [string[][]];
        return lanes.map((ids, lane) => ({ lane: `${name}.${lane}`, ids }));
      }),
    );
    const library = await openFile(path);
    const [timeline] = await library.timelines({ prefix: '', limit: 1 });
    const rows = await readAll(library, timeline!);
    expect(rows.map((row) => row.seqId)).toEqual(Array.from({ length: 3 * 4 * perLane }, (_, i) => BigInt(i + 1)));
    const messageAt = new Map(rows.map((row) => [String(row.seqId), JSON.parse(String(row.body)) as string]));
    for (const { lane, ids } of answers.flat()) {
      expect(ids.map((id) => messageAt.get(id))).toEqual(Array.from({ length: perLane }, (_, i) => `${lane}.${i}`));
      expect(ids.every((id, i) => i === 0 || BigInt(id) > BigInt(ids[i - 1]!))).toBe(true);
    }
  });

  it('wake each other: a subscriber gets what another process appends, before the core polls', async () => {
    const path = tempFile();
    const store = await openTimelineStore<string>({ adapter: sqliteAdapter(path), name: 'test', pollMs: 60_000 });
    afterTest(() => store.close());
    const child = spawnChild('appendOnDemand', path);
    await once(child, 'message');
    const stop = new AbortController();
    const latencies: number[] = [];
    const received: string[] = [];
    const subscription = (async () => {
      for await (const entry of store.timeline('shared').subscribe({ signal: stop.signal })) {
        received.push(entry.message);
        latencies.push(Date.now() - entry.appendedAt);
      }
    })();
    for (let i = 1; i <= 20; i++) {
      child.send('append');
      await until(`message ${i} has arrived`, () => received.length === i);
    }
    stop.abort();
    await expect(subscription).rejects.toMatchObject({ code: 'TIMELINE_ABORTED' });
    latencies.sort((a, b) => a - b);
    expect(latencies[10]).toBeLessThanOrEqual(store.capabilities.wakeWithinMs);
  });

  it('are not kept alive by what the adapter does in the background', async () => {
    const path = tempFile();
    const child = spawnChild('leaveOpen', path);
    const told: unknown[] = [];
    child.on('message', (message) => told.push(message));
    expect(await once(child, 'exit')).toEqual([0, null]);
    expect(told).toEqual(['done']);
    const library = await openFile(path);
    const [timeline] = await library.timelines({ prefix: '', limit: 1 });
    expect(await readAll(library, timeline!)).toHaveLength(50);
  });
});
