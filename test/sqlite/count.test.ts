import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore } from '../../src/index.js';

describe('a count on SQLite', () => {
  it('of many entries lets other work of the process through, and ends', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'timeline-count-'));
    onTestFinished(() => rmSync(directory, { recursive: true, force: true }));
    const adapter = sqliteAdapter(join(directory, 'many.db'), { synchronous: 'normal' });
    const store = await openTimelineStore<string>({ adapter, name: 'library' });
    onTestFinished(() => store.close());
    const ids = Array.from({ length: 40 }, (_, i) => `t${i}`);
    const fill = (id: string) => store.timeline(id).appendMany(Array(1000).fill('x'.repeat(100)));
    // All at once would wait longer for each other than a call may take on a busy machine.
    for (let i = 0; i < 20; i++)
      for (let first = 0; first < ids.length; first += 10) await Promise.all(ids.slice(first, first + 10).map(fill));
    await store.timeline('t7').delete(19_999n);
    let longest = 0;
    let last = performance.now();
    let isCounting = true;
    const turn = () => {
      longest = Math.max(longest, performance.now() - last);
      last = performance.now();
      if (isCounting) setImmediate(turn);
    };
    setImmediate(turn);
    const counts = await store.countBatch(ids.map((timeline) => ({ timeline })));
    isCounting = false;
    expect(counts).toEqual(ids.map((id) => (id === 't7' ? 19_999 : 20_000)));
    expect(await store.countBatch(ids.map((timeline) => ({ timeline, atMost: 999 })))).toEqual(Array(40).fill(999));
    expect(longest).toBeLessThan(100);
  }, 120_000);
});
