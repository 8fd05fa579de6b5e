import { setTimeout as pause } from 'node:timers/promises';
import type { Contender, Conversations, Participant } from './contender.js';
import { type AtEnd, withEndings } from './endings.js';
import { FailingNetwork } from './failing-network.js';
import { openPlace } from './place.js';
import { Servers } from './servers.js';
import { type DropCounts, Tally } from './tally.js';

export interface DropOptions {
  readonly store: 'redis' | 'sqlite';
  readonly clients: number;
  /** Duration of the traffic. */
  readonly seconds: number;
  /** Messages that each client sends per second. */
  readonly perSecond: number;
  /** Duration of each cut, and of the time between two. */
  readonly cutMs: number;
  /** Time between two restarts of servers. */
  readonly restartMs: number;
  /** Without a delivery for so long after the traffic, the run is over. */
  readonly quietMs: number;
}

export interface DropResult extends DropCounts {
  readonly name: string;
  /** Messages that the server had not confirmed at the end. */
  readonly unconfirmed: number;
  readonly cuts: number;
  readonly kills: number;
  readonly orderlyEnds: number;
  readonly lateEnds: number;
  /** Milliseconds from `send` to the other member's application. */
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const CONNECTING_MS = 30_000;
const LOOK_MS = 50;
/** Time between two looks at which clients are to send. */
const TICK_MS = 20;
const PROGRESS_MS = 10_000;

/** Everyone in one conversation, half of them in each of two others. */
export function conversationsOf(users: readonly string[]): Conversations {
  return new Map([
    ['everyone', users],
    ['even', users.filter((_, i) => i % 2 === 0)],
    ['odd', users.filter((_, i) => i % 2 === 1)],
  ]);
}

/** Runs the traffic of one contender. Ends all that it has started, also if it fails. */
export function runDrops(
  contender: Contender,
  options: DropOptions,
  report: (line: string) => void,
): Promise<DropResult> {
  return withEndings((atEnd) => run(contender, options, report, atEnd));
}

async function run(
  contender: Contender,
  options: DropOptions,
  report: (line: string) => void,
  atEnd: AtEnd,
): Promise<DropResult> {
  const users = Array.from({ length: options.clients }, (_, i) => `user-${i}`);
  const conversations = conversationsOf(users);
  const place = await openPlace(options.store, atEnd);
  const servers = await Servers.start(contender, { place, conversations: Object.fromEntries(conversations) });
  atEnd(() => servers.close());
  await contender.prepare(`http://127.0.0.1:${servers.ports[0]}`, conversations);
  const network = await FailingNetwork.start(options.clients, servers.ports[0] as number);
  atEnd(() => network.close());
  network.leadTo(servers.ports);
  servers.onChange = (ports) => network.leadTo(ports);

  const tally = new Tally(conversations);
  const participants = users.map((user, index) => {
    const url = network.urlOf(index);
    return contender.join({ url, user, index, onSeen: (message, position) => tally.seen(user, message, position) });
  });
  atEnd(() => {
    for (const participant of participants) participant.close();
  });
  const unconfirmed = () => participants.reduce((sum, { pending }) => sum + pending, 0);
  await inTime(Promise.all(participants.map(({ connected }) => connected)));

  const startedAt = performance.now();
  const seconds = () => (performance.now() - startedAt) / 1000;
  const tell = () => {
    const { sent, expected, delivered, repeated, outOfOrder, outOfPosition } = tally.counts;
    const share = `${delivered} of ${expected} deliveries`;
    const faults = `${repeated} repeated, ${outOfOrder} and ${outOfPosition} out of order`;
    report(`${contender.name}, ${seconds().toFixed(0)} s: ${sent} sent, ${share}, ${faults}`);
  };
  const telling = setInterval(tell, PROGRESS_MS);
  atEnd(() => clearInterval(telling));

  network.startCutting(options.cutMs);
  servers.startRestarting(options.restartMs);
  const stopTraffic = startTraffic(participants, users, conversations, options.perSecond, tally);
  atEnd(stopTraffic);
  await pause(options.seconds * 1000);
  stopTraffic();
  network.stopCutting();
  await servers.stopRestarting();
  const restoredAt = performance.now();
  while (!tally.isComplete || unconfirmed() > 0) {
    await pause(LOOK_MS);
    if (Math.min(tally.quietMs, performance.now() - restoredAt) > options.quietMs) break;
  }
  // A repetition would come right after.
  await pause(options.cutMs);
  tell();
  const { kills, orderlyEnds, lateEnds } = servers;
  return {
    ...tally.counts,
    ...{ name: contender.name, unconfirmed: unconfirmed(), cuts: network.cuts, kills, orderlyEnds, lateEnds },
    ...{ p50Ms: tally.latency(0.5), p99Ms: tally.latency(0.99) },
  };
}

/**
 * Each client sends at its own times, to its conversations in turn; what a late timer left out comes with the next one.
 * Returns a function that ends it.
 */
function startTraffic(
  participants: readonly Participant[],
  users: readonly string[],
  conversations: Conversations,
  perSecond: number,
  tally: Tally,
): () => void {
  const intervalMs = 1000 / perSecond;
  const senders = participants.map((participant, i) => {
    const user = users[i] as string;
    const own = [...conversations].flatMap(([name, members]) => (members.includes(user) ? [name] : []));
    return { participant, user, own, sent: 0, afterMs: (intervalMs * i) / participants.length };
  });
  const startedAt = performance.now();
  const timer = setInterval(() => {
    const elapsedMs = performance.now() - startedAt;
    for (const sender of senders) {
      const { participant, user, own, afterMs } = sender;
      for (; sender.sent * intervalMs + afterMs < elapsedMs; sender.sent++)
        participant.send(tally.next(user, own[sender.sent % own.length] as string));
    }
  }, TICK_MS);
  return () => clearInterval(timer);
}

async function inTime(connected: Promise<unknown>): Promise<void> {
  const late = new AbortController();
  const timeout = pause(CONNECTING_MS, undefined, { signal: late.signal }).then(() => {
    throw new Error(`not all clients were connected within ${CONNECTING_MS} ms`);
  });
  try {
    await Promise.race([connected, timeout]);
  } finally {
    late.abort();
    timeout.catch(() => undefined);
  }
}
