/**
 * Several processes that send to the same conversation, or to one each: messages delivered to all members per second.
 * Eight callers in all, each of which sends its next message once the last one is delivered:
 * `npm run build && npx tsx bench/sync-processes.ts [store]`.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { Redis } from 'ioredis';
import type { TimelineAdapter } from '../src/index.js';
import type { Stored, Synced } from '../sync/index.js';
import { RedisServer } from '../test/support/redis-server.js';
import { createSync, openTimelineStore, redisAdapter, sqliteAdapter, writeDiffusion } from './built.js';
import { median, printMachine } from './harness.js';

const CALLERS = 8;
const ROUNDS = Number(process.env.ROUNDS ?? 5);
const SECONDS = Number(process.env.SECONDS ?? 3);
/** Four new processes run mostly code that is not compiled yet. */
const WARM_UP_MS = 4000;

const CASES = [
  ['1 process', 1, true],
  ['2 processes, one conversation', 2, true],
  ['4 processes, one conversation', 4, true],
  ['4 processes, a conversation each', 4, false],
] as const;

interface Job {
  readonly kind: string;
  readonly where: string;
  readonly members: number;
  readonly callers: number;
  readonly conversation: string;
}

if (process.send) await send(JSON.parse(process.argv[2] as string) as Job);
else await measure(process.argv[2]);

/** In a child: sends until told to end, and reports how many messages were delivered in the measured time. */
async function send({ kind, where, members, callers, conversation }: Job): Promise<void> {
  const { adapter, end } = adapterOf(kind, where);
  const store = await openTimelineStore<Stored<string>>({ adapter, name: 'store', onWarning: () => undefined });
  const inboxes = await openTimelineStore<Synced<string>>({ adapter, name: 'sync', onWarning: () => undefined });
  const users = Array.from({ length: members }, (_, i) => `user-${i}`);
  const directory = { members: () => users, conversations: () => [conversation], size: () => members };
  const sync = createSync<string>({ store, sync: inboxes, directory, diffusion: writeDiffusion() });
  let delivered = 0;
  let isEnding = false;
  const caller = async () => {
    while (!isEnding) {
      await (await sync.send({ conversation, sender: 'user-0', body: 'x'.repeat(100) })).delivered;
      delivered++;
    }
  };
  const callersDone = Promise.all(Array.from({ length: callers }, caller));
  process.send?.('ready');
  await once(process, 'message');
  const before = delivered;
  await new Promise((resolve) => setTimeout(resolve, SECONDS * 1000));
  process.send?.(delivered - before);
  isEnding = true;
  await callersDone;
  await sync.close();
  await Promise.all([store.close(), inboxes.close()]);
  end();
  process.disconnect();
}

function adapterOf(kind: string, where: string): { adapter: TimelineAdapter; end: () => void } {
  if (kind === 'sqlite') return { adapter: sqliteAdapter(where, { synchronous: 'normal' }), end: () => undefined };
  const client = new Redis(Number(where));
  return { adapter: redisAdapter(client), end: () => client.disconnect() };
}

async function measure(only: string | undefined): Promise<void> {
  printMachine({});
  for (const kind of ['sqlite', 'redis'].filter((each) => only === undefined || each === only)) {
    for (const members of [10, 500]) {
      const rates = new Map<string, number[]>();
      for (let round = 0; round < ROUNDS; round++) {
        for (const [name, processes, isShared] of CASES) {
          const rate = await deliveriesPerSecond(kind, members, processes, isShared);
          rates.set(name, [...(rates.get(name) ?? []), rate]);
        }
      }
      console.log(`\n${kind}, ${members} members: messages delivered per second`);
      const [base = []] = rates.values();
      for (const [name, values] of rates) {
        const ratio = median(values.map((value, round) => value / base[round]!));
        console.log(`  ${name.padEnd(40)} ${median(values).toFixed(0).padStart(6)}  ${ratio.toFixed(2)}`);
      }
    }
  }
}

async function deliveriesPerSecond(kind: string, members: number, processes: number, isShared: boolean) {
  const { where, close } = await database(kind);
  const children: ChildProcess[] = [];
  for (let i = 0; i < processes; i++) {
    const job: Job = {
      ...{ kind, where, members, callers: CALLERS / processes },
      conversation: isShared ? 'shared' : `own-${i}`,
    };
    const options = { execArgv: process.execArgv, stdio: 'inherit' as const };
    const child = fork(fileURLToPath(import.meta.url), [JSON.stringify(job)], { ...options });
    children.push(child);
    await once(child, 'message');
  }
  await new Promise((resolve) => setTimeout(resolve, WARM_UP_MS));
  const counts = children.map(async (child) => {
    const counted = once(child, 'message');
    child.send('go');
    const [count] = (await counted) as [number];
    return count;
  });
  const total = (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  await Promise.all(children.map((child) => (child.exitCode === null ? once(child, 'exit') : undefined)));
  await close();
  return total / SECONDS;
}

async function database(kind: string): Promise<{ where: string; close(): Promise<void> }> {
  if (kind === 'sqlite') {
    const folder = mkdtempSync(join(tmpdir(), 'timeline-bench-'));
    return {
      where: join(folder, 'timelines.db'),
      close: async () => rmSync(folder, { recursive: true, force: true }),
    };
  }
  const server = await RedisServer.start();
  return { where: String(server.port), close: () => server.stop() };
}
