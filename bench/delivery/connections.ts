import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_LIMITS } from '../../http/protocol.js';
import { withEndings } from './endings.js';
import type { Memory } from './gateway-server.js';
import { type Options, STORES, type Store } from './options.js';
import { markdownOf, setting, wrapped, writeSection } from './results.js';
import { openStreams, startGateway } from './streams.js';

/** Longer than any run. */
const NO_HEARTBEAT_MS = 2 ** 31 - 1;
/** Time in which the last streams come to rest, in milliseconds. */
const SETTLING_MS = 3000;

interface Idle {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Processor time of the server per second. */
  readonly cpuMs: number;
}

/** Measures idle streams: their memory, their processor time, and the part of it that heartbeats take. */
export async function measureConnections(
  options: Options,
  command: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const { isQuick, connections, store } = options;
  const idleMs = 1000 * (options.seconds ?? (isQuick ? 5 : 60));
  const rows: (string | number)[][] = [];
  for (const each of store === undefined ? STORES : [store]) {
    const measure = (heartbeatMs: number) => idleStreams(each, { ...options, heartbeatMs, idleMs, signal });
    const none = await measure(NO_HEARTBEAT_MS);
    const usual = await measure(DEFAULT_LIMITS.heartbeatMs);
    const perSecond = [none.cpuMs, usual.cpuMs - none.cpuMs].map(
      (ms) => `${((1000 * ms) / connections).toFixed(1)} µs`,
    );
    const bytes = [none.rssBytes, none.heapBytes].map((count) => (count / connections / 1024).toFixed(1));
    rows.push([each, ...bytes.map((kib) => `${kib} KiB`), ...perSecond, `${(usual.cpuMs / 10).toFixed(1)} %`]);
    console.log(`connections, ${each}: ${rows.at(-1)?.slice(1).join(', ')}`);
  }
  const columns = ['store', 'memory', 'of it JavaScript', 'processor per second', 'heartbeats', 'all, of a core'];
  const table = markdownOf({ columns, rows });
  const text = wrapped(
    `${connections} idle streams (SSE, a device of another user each) on one process, for ${idleMs / 1000} seconds: ` +
      'bytes and processor time of the server for each stream, without heartbeats; what heartbeats, one in ' +
      `${DEFAULT_LIMITS.heartbeatMs / 1000} seconds, add to it; and processor time of the whole process with them.`,
  );
  console.log(`\n${text}\n\n${table}`);
  if (options.isWriting) writeSection('Idle connections', `${text}\n\n${table}\n\n${setting(command, ['ioredis'])}`);
  return [];
}

interface IdleOptions extends Pick<Options, 'connections' | 'profile'> {
  readonly heartbeatMs: number;
  readonly idleMs: number;
  readonly signal: AbortSignal;
}

async function idleStreams(
  store: Store,
  { connections, profile, heartbeatMs, idleMs, signal }: IdleOptions,
): Promise<Idle> {
  return withEndings(async (atEnd) => {
    const gateway = await startGateway(store, { limits: { heartbeatMs }, profile }, atEnd);
    const before = await gateway.ask<Memory>({ type: 'memory' });
    await openStreams(gateway.ready, connections, atEnd);
    await pause(SETTLING_MS, undefined, { signal });
    const after = await gateway.ask<Memory>({ type: 'memory' });
    const [cpuBefore, startedAt] = [await gateway.ask<number>({ type: 'cpu' }), performance.now()];
    await pause(idleMs, undefined, { signal });
    const cpuMs = (await gateway.ask<number>({ type: 'cpu' })) - cpuBefore;
    return {
      rssBytes: after.rssBytes - before.rssBytes,
      heapBytes: after.heapBytes - before.heapBytes,
      cpuMs: (1000 * cpuMs) / (performance.now() - startedAt),
    };
  });
}
