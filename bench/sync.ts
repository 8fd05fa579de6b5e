/**
 * Message synchronisation: requests, times and sizes of both diffusion modes on each store, and of inboxes with copies
 * or references: `npm run build && npx tsx bench/sync.ts [part] [store]`.
 */

import type { TimelineStore } from '../src/index.js';
import type { Device, MessageSync, Stored, Synced, SyncOptions } from '../sync/index.js';
import { createSync, readDiffusion, writeDiffusion } from './built.js';
import { compare, median, printMachine } from './harness.js';
import { type BenchPlace, openPlace, PLACES } from './sync-places.js';

interface Message {
  readonly text: string;
}

const ROUNDS = Number(process.env.ROUNDS ?? 7);
const CONVERSATIONS = 1000;
const CHANGED = 10;
const [part, only] = process.argv.slice(2);
const isWanted = (name: string) => part === undefined || part === name;
const diffusions = { write: writeDiffusion, read: readDiffusion };
const users = Array.from({ length: 5000 }, (_, i) => `user-${i}`);
const message = (bytes: number): Message => ({ text: 'm'.repeat(Math.max(0, bytes - '{"text":""}'.length)) });
let serial = 0;

printMachine({});
for (const kind of PLACES.filter((each) => only === undefined || only === each)) {
  console.log(`\n=== ${kind}`);
  for (const mode of ['write', 'read'] as const) {
    if (isWanted('requests')) await inPlace(kind, (place) => requests(place, mode));
    if (isWanted('sends')) await inPlace(kind, (place) => sends(place, mode));
  }
  if (isWanted('pulls')) await inPlace(kind, pulls);
  if (isWanted('bodies')) for (const bytes of [100, 1000, 10_000]) await inPlace(kind, (place) => bodies(place, bytes));
}

type Place = BenchPlace<Stored<Message>, Synced<Message>>;

async function inPlace(kind: (typeof PLACES)[number], job: (place: Place) => Promise<void>): Promise<void> {
  const place = await openPlace<Stored<Message>, Synced<Message>>(kind);
  try {
    await job(place);
  } finally {
    await place.close();
  }
}

/** Every conversation has the same members, and each of them has all of `names`. */
function messages(
  { store, sync }: Place,
  options: { mode: 'write' | 'read'; members: readonly string[]; names?: readonly string[] } & Partial<
    SyncOptions<Message>
  >,
): MessageSync<Message> {
  const { mode, members, names = [], ...rest } = options;
  const directory = { members: () => members, conversations: () => names, size: () => members.length };
  return createSync<Message>({ store, sync, directory, diffusion: diffusions[mode](), recoverEveryMs: 0, ...rest });
}

/** Prints the number of adapter calls, and the length of their longest sequence. */
async function requests(place: Place, mode: 'write' | 'read'): Promise<void> {
  const { counts } = place;
  const found = () => `${counts.depth} (${counts.total})`;
  const names = Array.from({ length: CONVERSATIONS }, (_, i) => `group ${i}`);
  const sync = messages(place, { mode, members: users.slice(0, 500), names });
  for (const name of names.slice(0, CHANGED)) await (await send(sync, name, 100)).delivered;
  const device = sync.device(users[1]!, 'phone');
  await drain(device);
  await pause(100);
  counts.reset();
  const { delivered } = await send(sync, names[0]!, 100);
  const stored = found();
  await delivered;
  console.log(`\nrequests in ${mode} diffusion, one after another (in all)`);
  console.log(`  send to 500 until stored ${stored}, until delivered ${found()}`);
  await pause(100);
  counts.reset();
  const page = await device.pull();
  console.log(`  pull of one message ${found()}`);
  counts.reset();
  await device.ack(page.cursor);
  console.log(`  ack ${found()}`);
  counts.reset();
  await device.pull();
  console.log(`  pull without news ${found()}`);
  await sync.close();
}

async function sends(place: Place, mode: 'write' | 'read'): Promise<void> {
  console.log(`\nsend in ${mode} diffusion, one after another: until stored, until delivered (median, ms)`);
  for (const count of [10, 500, 5000]) {
    const sync = messages(place, { mode, members: users.slice(0, count) });
    const times: { stored: number; delivered: number }[] = [];
    for (let i = -2; i < Math.max(8, ROUNDS * 4); i++) {
      const start = performance.now();
      const { delivered } = await send(sync, `group of ${count}`, 100);
      const stored = performance.now() - start;
      await delivered;
      if (i >= 0) times.push({ stored, delivered: performance.now() - start });
    }
    const [stored, delivered] = (['stored', 'delivered'] as const).map((key) =>
      median(times.map((time) => time[key])).toFixed(2),
    );
    console.log(`  ${count} members: ${stored}, ${delivered}`);
    await sync.close();
  }
}

/** One user in a thousand conversations. */
async function pulls(place: Place): Promise<void> {
  const names = Array.from({ length: CONVERSATIONS }, (_, i) => `busy ${i}`);
  const sync = messages(place, { mode: 'read', members: users.slice(0, 1), names });
  for (const name of names) for (let i = 0; i < 3; i++) await send(sync, name, 100);
  const device = sync.device(users[0]!, 'phone');
  await drain(device);
  const positions = new Map<string, bigint>();
  for (const [i, { lastSeqId }] of (await place.store.heads(names)).entries()) positions.set(names[i]!, lastSeqId);
  for (const changed of [CHANGED, 0]) {
    const prepare = async () => {
      for (let i = 0; i < changed; i++) await send(sync, names[(i * 97) % names.length]!, 100);
    };
    await compareReady(`pull, ${CONVERSATIONS} conversations of which ${changed} changed`, prepare, [
      {
        name: 'a read per conversation',
        run: async () => {
          expectCount(await readEach(place.store, positions), changed);
        },
      },
      {
        name: 'device.pull and ack',
        run: async () => {
          const page = await device.pull();
          await device.ack(page.cursor);
          expectCount(page.messages.length, changed);
        },
      },
    ]);
  }
  await sync.close();
}

async function readEach(store: TimelineStore<Stored<Message>>, positions: Map<string, bigint>): Promise<number> {
  let found = 0;
  for (const [name, after] of positions) {
    const { entries } = await store.timeline(name).read({ after });
    found += entries.length;
    const last = entries.at(-1);
    if (last) positions.set(name, last.seqId);
  }
  return found;
}

/** Prints median times, each case with its own new messages. */
async function compareReady(
  title: string,
  prepare: () => Promise<void>,
  cases: readonly { readonly name: string; run(): Promise<void> }[],
): Promise<void> {
  const times = cases.map((): number[] => []);
  for (let round = -1; round < ROUNDS; round++) {
    await prepare();
    for (const [i, { run }] of cases.entries()) {
      const start = performance.now();
      await run();
      if (round >= 0) times[i]!.push(performance.now() - start);
    }
  }
  console.log(`\n${title} (median, ms)`);
  for (const [i, { name }] of cases.entries()) {
    const ratio = median(times[i]!.map((time, round) => times[0]![round]! / time)).toFixed(1);
    console.log(`  ${name.padEnd(24)} ${median(times[i]!).toFixed(2)}  ${ratio} times as fast`);
  }
}

async function bodies(place: Place, bytes: number): Promise<void> {
  const members = 500;
  const perRound = 20;
  const policies = ['copy', 'reference'] as const;
  const groups = policies.map((_, i) => users.slice(i * members, (i + 1) * members));
  const syncs = policies.map((policy, i) => messages(place, { mode: 'write', members: groups[i]!, bodies: policy }));
  const sizes: number[] = [];
  for (const [i, policy] of policies.entries()) {
    await (await send(syncs[i]!, policy, bytes)).delivered;
    const before = await place.size();
    for (let j = 0; j < 200; j++) await (await send(syncs[i]!, policy, bytes)).delivered;
    sizes.push((await place.size()) - before);
  }
  await compare({
    title: `messages of ${bytes} bytes to ${members} inboxes, until delivered`,
    unit: 'messages/s',
    cases: policies.map((policy, i) => ({
      name: policy,
      run: async () => {
        for (let j = 0; j < perRound; j++) await (await send(syncs[i]!, policy, bytes)).delivered;
        return perRound;
      },
    })),
  });
  await compare({
    title: `pulls of 100 messages of ${bytes} bytes`,
    unit: 'messages/s',
    cases: policies.map((policy, i) => ({
      name: policy,
      run: async () => {
        const device = syncs[i]!.device(groups[i]![0]!, 'phone');
        for (let j = 0; j < 10; j++) expectCount((await device.pull({ limit: 100 })).messages.length, 100);
        return 1000;
      },
    })),
  });
  const [copy, reference] = sizes.map((size) => Math.round(size / 200 / members)) as [number, number];
  if (copy > 0) console.log(`  bytes per inbox entry: copy ${copy}, reference ${reference}`);
  for (const sync of syncs) await sync.close();
}

async function drain(device: Device<Message>): Promise<void> {
  for (let isUpToDate = false; !isUpToDate; ) {
    const { cursor, upToDate } = await device.pull({ limit: 1000 });
    await device.ack(cursor);
    isUpToDate = upToDate;
  }
}

function send(sync: MessageSync<Message>, conversation: string, bytes: number) {
  return sync.send({ conversation, sender: 'sender', body: message(bytes), key: `bench ${serial++}` });
}

function expectCount(found: number, expected: number): void {
  if (found !== expected) throw new Error(`${expected} entries are new, not ${found}`);
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
