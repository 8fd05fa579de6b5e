import { beforeEach, describe, expect, it } from 'vitest';
import { hasRedis, type RedisServer } from '../support/redis-server.js';
import type { OpenOptions } from '../support/redis-store.js';
import { openOn, startServer } from './support.js';

let server: RedisServer;

beforeEach(async () => {
  server = await startServer();
});

const openStore = (options: OpenOptions = {}) => openOn(server, options);

describe.skipIf(!hasRedis())('what one answer holds', () => {
  const LARGE = 'x'.repeat(1_000_000);

  it('is bounded in bytes, and pages go on from there, in both directions', async () => {
    const redis = await openStore();
    const timeline = redis.timeline();
    for (let i = 0; i < 3; i++) await timeline.appendMany(Array(4).fill(LARGE));
    for (const reverse of [false, true]) {
      const page = await timeline.read({ limit: 1000, reverse });
      expect(page.entries.length).toBeGreaterThan(0);
      expect(page.entries.length).toBeLessThanOrEqual(10);
      expect(page.upToDate).toBe(false);
    }
    let count = 0;
    for await (const { message } of timeline.scan()) count += message.length === LARGE.length ? 1 : 0;
    expect(count).toBe(12);
    const batch = await redis.store.readBatch(Array.from({ length: 3 }, () => ({ timeline: 'timeline', limit: 6 })));
    for (const page of batch) expect(page).toMatchObject({ entries: expect.arrayContaining([expect.anything()]) });
  });

  it('is bounded for a reader that has known the Timeline with small bodies only', async () => {
    const redis = await openStore();
    const other = await openStore({ adapter: { prefix: redis.prefix } });
    await redis.timeline().appendMany(Array(20).fill('small'));
    expect((await other.timeline().read()).entries).toHaveLength(20);
    expect((await other.timeline().read({ after: 10n })).entries).toHaveLength(10);
    for (let i = 0; i < 3; i++) await redis.timeline().appendMany(Array(4).fill(LARGE));
    for (const range of [{ after: 10n }, { reverse: true }, { before: 100n, reverse: true }, {}]) {
      const bytes = (await other.timeline().read({ limit: 1000, ...range })).entries.reduce(
        (sum, { message }) => sum + message.length,
        0,
      );
      expect(bytes).toBeLessThan(10 * LARGE.length);
    }
  });

  it('counts versions too', async () => {
    const redis = await openStore();
    await redis.timeline().appendMany(Array(12).fill('small'));
    await redis.timeline().read();
    for (let seqId = 1n; seqId <= 12n; seqId++) await redis.timeline().update(seqId, LARGE);
    const page = await redis.timeline().read({ limit: 1000 });
    expect(page.entries.length).toBeLessThanOrEqual(10);
    expect(page.upToDate).toBe(false);
  });
});
