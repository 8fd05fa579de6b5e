import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RedisServer } from '../../test/support/redis-server.js';
import type { StorePlace } from './contender.js';
import type { AtEnd } from './endings.js';
import type { Store } from './options.js';

/** Makes an empty store. */
export async function openPlace(store: Store, atEnd: AtEnd): Promise<StorePlace> {
  if (store === 'memory') return { store };
  if (store === 'redis') {
    const server = await RedisServer.start({ persistence: 'aof' });
    removeAtExit(server.dir);
    atEnd(() => server.stop());
    return { store, port: server.port };
  }
  const folder = mkdtempSync(join(tmpdir(), 'timeline-delivery-'));
  removeAtExit(folder);
  atEnd(() => remove(folder));
  return { store, file: join(folder, 'chat.db') };
}

function removeAtExit(folder: string): void {
  process.once('exit', () => remove(folder));
}

/** A process that was killed a moment ago may still write its last file. */
function remove(folder: string): void {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
