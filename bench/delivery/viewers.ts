import { setTimeout as pause } from 'node:timers/promises';
import { quantile } from '../harness.js';
import { withEndings } from './endings.js';
import { type Options, STORES, type Store } from './options.js';
import { markdownOf, rowsOf, setting, wrapped, writeSection } from './results.js';
import { type Gateway, openStreams, type Reader, startGateway } from './streams.js';

const CONVERSATION = 'channel';
const JOINED_AT_ONCE = 500;
const WARM_UP = 3;
/** Time between a message that all have and the next one, in milliseconds. */
const PAUSE_MS = 500;
const SENDER = 'user-0';

/** Measures the time from one message until it is with all of its viewers. */
export async function measureViewers(options: Options, command: string): Promise<readonly string[]> {
  const { connections, messages, store } = options;
  const stores = store === undefined ? STORES : [store];
  const { rows, faults } = await rowsOf('viewers', stores, async (each) => {
    const rounds = await roundsOf(each, options);
    const all = rounds.flat();
    const times = [quantile(all, 0.5), quantile(all, 0.99), Math.max(...rounds.map((round) => Math.max(...round)))];
    return times.map((ms) => `${ms.toFixed(0)} ms`);
  });
  const table = markdownOf({ columns: ['store', 'p50', 'p99', 'longest'], rows });
  const text = wrapped(
    `One message to ${connections} viewers, each with a stream (SSE) of a member of its own, on one process: time ` +
      `from the request to the arrival at a viewer, over ${messages} messages, each sent when all had the one ` +
      'before. The conversation has as many members: beyond 500, hybrid diffusion stores the message once.',
  );
  console.log(`\n${text}\n\n${table}`);
  if (options.isWriting) writeSection('Viewers', `${text}\n\n${table}\n\n${setting(command, ['ioredis'])}`);
  return faults;
}

/** For each message, milliseconds until each viewer had it. */
async function roundsOf(store: Store, { connections, messages, profile }: Options): Promise<number[][]> {
  return withEndings(async (atEnd) => {
    const gateway = await startGateway(store, { profile }, atEnd);
    await join(gateway, connections);
    const readers = await openStreams(gateway.ready, connections, atEnd);
    const rounds: number[][] = [];
    for (let i = 0; i < WARM_UP + messages; i++) {
      await pause(PAUSE_MS);
      const times = await send(gateway, readers, String(i));
      if (i >= WARM_UP) rounds.push(times);
    }
    return rounds;
  });
}

async function join(gateway: Gateway, count: number): Promise<void> {
  const users = Array.from({ length: count }, (_, i) => `user-${i}`);
  for (let i = 0; i < count; i += JOINED_AT_ONCE)
    await gateway.ask({ type: 'join', conversation: CONVERSATION, users: users.slice(i, i + JOINED_AT_ONCE) });
}

async function send(gateway: Gateway, readers: readonly Reader[], marker: string): Promise<number[]> {
  const arrivals = readers.map((reader) => reader.ask<number[]>({ marker }));
  const sentAt = Number(process.hrtime.bigint()) / 1e6;
  const response = await fetch(`http://127.0.0.1:${gateway.ready}/conversations/${CONVERSATION}/messages`, {
    method: 'POST',
    headers: { authorization: `Bearer ${SENDER}`, 'content-type': 'application/json' },
    body: JSON.stringify({ body: `marker-${marker}` }),
  });
  if (!response.ok) throw new Error(`the message was refused: ${response.status} ${await response.text()}`);
  return (await Promise.all(arrivals)).flat().map((at) => at - sentAt);
}
