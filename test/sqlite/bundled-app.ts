/** A user's program as a bundler sees it: writes enough to cause checkpoints, and tells how that went. */
import { statSync } from 'node:fs';
import { sqliteAdapter } from '../../adapters/sqlite/index.js';
import { openTimelineStore } from '../../src/index.js';

async function run(path: string): Promise<void> {
  const warnings: string[] = [];
  const adapter = sqliteAdapter(path, { synchronous: 'normal', walSoftBytes: 2 ** 20 });
  const onWarning = ({ code }: { code: string }) => void warnings.push(code);
  const store = await openTimelineStore<string>({ adapter, name: 'test', onWarning });
  const messages = Array<string>(500).fill('x'.repeat(1000));
  for (let i = 0; i < 20; i++) await store.timeline('a').appendMany(messages);
  const walBytes = statSync(`${path}-wal`).size;
  await store.close();
  console.log(JSON.stringify({ warnings, walBytes }));
}

run(process.argv[2] as string);
