/** Starts what a store needs outside the chat server's process, so that its data survive `kill -9`. */
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startTablestoreEmulator } from 'timeline-model/tablestore-emulator';
import type { StoreName } from '../../shared/status.js';
import { UsageError } from '../usage-error.js';
import type { Backend } from './place.js';
import { startRedis } from './redis-server.js';

const DRIVERS = { memory: undefined, sqlite: 'better-sqlite3', redis: 'ioredis', tablestore: 'tablestore' } as const;

/** `store` absent: SQLite if its driver is installed, else memory. */
export async function startBackend(store: StoreName | undefined): Promise<Backend> {
  const name = store ?? (isInstalled('better-sqlite3') ? 'sqlite' : 'memory');
  const driver = DRIVERS[name];
  if (driver !== undefined && !isInstalled(driver))
    throw new UsageError(`--store ${name} needs its driver: npm install ${driver}`);
  if (name === 'memory') return { place: { store: 'memory' }, close: async () => {} };
  if (name === 'tablestore') return startTablestore(process.env);
  const folder = mkdtempSync(join(tmpdir(), 'timeline-demo-'));
  const removeFolder = () => rmSync(folder, { recursive: true, force: true, maxRetries: 3 });
  process.once('exit', removeFolder);
  if (name === 'sqlite')
    return { place: { store: 'sqlite', file: join(folder, 'chat.db') }, close: async () => removeFolder() };
  return startRedis(process.env.REDIS_URL, folder);
}

function isInstalled(driver: string): boolean {
  const places = [import.meta.url, join(process.cwd(), 'package.json')];
  return places.some((from) => {
    try {
      createRequire(from).resolve(driver);
      return true;
    } catch {
      return false;
    }
  });
}

async function startTablestore(environment: NodeJS.ProcessEnv): Promise<Backend> {
  const names = ['ENDPOINT', 'INSTANCE', 'ACCESS_KEY_ID', 'ACCESS_KEY_SECRET'].map((name) => `TABLESTORE_${name}`);
  const values = names.map((name) => environment[name]);
  const missing = names.filter((_, i) => !values[i]);
  if (missing.length > 0 && missing.length < names.length)
    throw new UsageError(`TableStore needs ${missing.join(', ')} too`);
  if (missing.length === 0) {
    const [endpoint, instanceName, accessKeyId, accessKeySecret] = values as [string, string, string, string];
    const place = { store: 'tablestore', endpoint, instanceName, accessKeyId, accessKeySecret } as const;
    return { place, close: async () => {} };
  }
  const emulator = await startTablestoreEmulator();
  const { endpoint, instanceName, accessKeyId, accessKeySecret } = emulator;
  return {
    place: { store: 'tablestore', endpoint, instanceName, accessKeyId, accessKeySecret },
    close: () => emulator.close(),
  };
}
