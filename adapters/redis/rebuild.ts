import type { RedisClient } from './client.js';
import type { LibraryContext } from './library.js';
import type { Registry } from './registry.js';

/** Keys looked at in one step: less than a millisecond of the server. */
const KEYS_PER_STEP = 1000;

/**
 * Lists again whatever has a state, walking all keys of the database by SCAN in small steps, on every master of a Cluster: what nobody
 * writes or reads any more has to be found and swept too.
 */
export async function rebuildRegistry(
  library: LibraryContext,
  registry: Registry,
  isEnded: () => boolean,
): Promise<void> {
  const { connections, keys } = library;
  const prefix = connections.keyPrefix;
  const pattern = `${glob(prefix)}${glob(keys.base(''), '{}:')}{*}:m`;
  const cursors = new Map<RedisClient, string>();
  const found = new Set<string>();
  const step = async (node: RedisClient) => {
    const cursor = cursors.get(node) ?? '0';
    if (cursor === 'end') return;
    const [next, some] = (await node.call('scan', [cursor, 'MATCH', pattern, 'COUNT', KEYS_PER_STEP])) as [
      string,
      string[],
    ];
    for (const key of some) {
      const timeline = keys.timelineOf(key.slice(prefix.length));
      if (timeline !== undefined) found.add(timeline);
    }
    cursors.set(node, next === '0' ? 'end' : next);
  };
  do {
    await connections.onWriters(step, connections.newCall());
    const timelines = [...found].map((timeline) => ({ keys: keys.of(timeline) }));
    found.clear();
    await registry.add(timelines, connections.newCall());
  } while (!isEnded() && [...cursors.values()].some((cursor) => cursor !== 'end'));
}

/** Literally, for a pattern. */
function glob(text: string, tail = ''): string {
  return text.slice(0, text.length - tail.length).replace(/[\\*?[\]]/g, '\\$&');
}
