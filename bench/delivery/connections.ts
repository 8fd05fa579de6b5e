import { setTimeout as pause } from 'node:timers/promises';
import { DEFAULT_LIMITS } from '../../http/protocol.js';
import { withEndings } from './endings.js';
import type { Memory } from './gateway-server.js';
import { type Options, STORES, type Store } from './options.js';
import { markdownOf, rowsOf, setting, wrapped, writeSection } from './results.js';
import { openStreams, startGateway } from './streams.js';

/** Longer than any run. */
const NO_HEARTBEAT_MS = 2 ** 31 - 1;
/** Heartbeats at their usual pace cost less than the noise. */
const FAST_HEARTBEAT_MS = 1000;
const USUAL_PER_SECOND = 1000 / DEFAULT_LIMITS.heartbeatMs;
/** Time in which the last streams come to rest, in milliseconds. */
const SETTLING_MS = 3000;

interface Idle {
  readonly rssBytes: number;
  readonly heapBytes: number;
  /** Processor time of the server per second. */
  readonly cpuMs: number;
}

/** Measures idle streams: their memory, their processor time, and the part of it that heartbeats take. */
export async function measureConnections(options: Options, command: string): Promise<readonly string[]> {
  const { isQuick, connections, store } = options;
  const idleMs = 1000 * (options.seconds ?? (isQuick ? 5 : 60));
  const stores = store === undefined ? STORES : [store];
  const { rows, faults } = await rowsOf('connections', stores, async (each) => {
    const measure = (heartbeatMs: number) => idleStreams(each, { ...options, heartbeatMs, idleMs });
    const none = await measure(NO_HEARTBEAT_MS);
    const { cpuMs } = await measure(FAST_HEARTBEAT_MS);
    const beatsMs = ((cpuMs - none.cpuMs) * FAST_HEARTBEAT_MS * USUAL_PER_SECOND) / 1000;
    const bytes = [none.rssBytes, none.heapBytes].map((count) => `${(count / connections / 1024).toFixed(1)} KiB`);
    const times = [none.cpuMs, beatsMs].map((ms) => `${((1000 * ms) / connections).toFixed(1)} µs`);
    return [...bytes, ...times, `${((none.cpuMs + beatsMs) / 10).toFixed(1)} %`];
  });
  const columns = ['store', 'memory', 'of it JavaScript', 'processor per second', 'heartbeats', 'all, of a core'];
  const table = markdownOf({ columns, rows });
  const text = wrapped(
    `${connections} idle streams (SSE, a device of another user each) on one process, for ${idleMs / 1000} seconds: ` +
      'memory and processor time of the server for each stream, per second; what a heartbeat every ' +
      `${DEFAULT_LIMITS.heartbeatMs / 1000} seconds adds to it; and both for all streams.`,
  );
  console.log(`\n${text}\n\n${table}`);
  if (options.isWriting) writeSection('Idle connections', `${text}\n\n${table}\n\n${setting(command, ['ioredis'])}`);
  return faults;
}

interface IdleOptions extends Pick<Options, 'connections' | 'profile'> {
  readonly heartbeatMs: number;
  readonly idleMs: number;
}

async function idleStreams(store: Store, { connections, profile, heartbeatMs, idleMs }: IdleOptions): Promise<Idle> {
  return withEndings(async (atEnd) => {
    const gateway = await startGateway(store, { limits: { heartbeatMs }, profile }, atEnd);
    const before = await gateway.ask<Memory>({ type: 'memory' });
    const readers = await openStreams(gateway.ready, connections, atEnd);
    await pause(SETTLING_MS);
    const after = await gateway.ask<Memory>({ type: 'memory' });
    const [cpuBefore, startedAt] = [await gateway.ask<number>({ type: 'cpu' }), performance.now()];
    await pause(idleMs);
    const cpuMs = (await gateway.ask<number>({ type: 'cpu' })) - cpuBefore;
    if (!readers.every((reader) => reader.isRunning)) throw new Error('streams ended');
    return {
      rssBytes: after.rssBytes - before.rssBytes,
      heapBytes: after.heapBytes - before.heapBytes,
      cpuMs: (1000 * cpuMs) / (performance.now() - startedAt),
    };
  });
}
