import { type DropOptions, type DropResult, runDrops } from './drop-run.js';
import { gatewayContender } from './gateway-contender.js';
import { type Options, UsageError } from './options.js';
import { markdownOf, setting, wrapped, writeSection } from './results.js';
import { socketIoContender } from './socket-io-contender.js';

const PACKAGES = ['socket.io', 'socket.io-client', '@socket.io/redis-streams-adapter', 'ioredis'];
const COLUMNS = [
  '',
  'sent',
  'delivered',
  'repeated',
  'out of order: sender',
  'conversation',
  'unconfirmed',
  'p50',
  'p99',
];

/** Runs both contenders; resolves with the reasons why ours failed. */
export async function measureDrops(options: Options, command: string): Promise<readonly string[]> {
  const { isQuick, seconds = isQuick ? 20 : 600, clients, perSecond, store = 'redis', only } = options;
  if (store === 'memory') throw new UsageError('a server that restarts keeps nothing in memory');
  const settings: DropOptions = {
    ...{ store, clients, seconds, perSecond, cutMs: 2000, restartMs: isQuick ? 4000 : 15_000 },
    ...{ quietMs: isQuick ? 10_000 : 40_000 },
  };
  const ours = only === 'socket.io' ? [] : [gatewayContender];
  const theirs = only === 'timeline-model' || store !== 'redis' ? [] : [socketIoContender];
  const results: DropResult[] = [];
  for (const contender of [...ours, ...theirs])
    results.push(await runDrops(contender, settings, (line) => console.log(line)));
  const table = markdownOf({ columns: COLUMNS, rows: results.map(rowOf) });
  const { cuts, kills, orderlyEnds } = results[0] as DropResult;
  const text = wrapped(
    `${clients} clients send to three conversations for ${seconds} seconds, each ${perSecond} per second; the ` +
      `network of each is cut for 2 of every 4 seconds, ${cuts} times in all. Two servers on ${store}: ` +
      `${kills} kills, ${orderlyEnds} orderly restarts. Times are from send to the application of another member.`,
  );
  console.log(`\n${text}\n\n${table}`);
  if (options.isWriting) writeSection(`Drops, ${store}`, `${text}\n\n${table}\n\n${setting(command, PACKAGES)}`);
  return results.slice(0, ours.length).flatMap(faultsOf);
}

/** Reasons why a run was not without loss, repetition or disorder. */
export function faultsOf(result: DropResult): string[] {
  const { expected, delivered, repeated, outOfOrder, outOfPosition, unconfirmed, lateEnds } = result;
  const faults = { repeated, 'out of order': outOfOrder + outOfPosition, unconfirmed, 'ended too late': lateEnds };
  return [
    ...(delivered === expected ? [] : [`${expected - delivered} of ${expected} not delivered`]),
    ...Object.entries(faults).flatMap(([name, count]) => (count === 0 ? [] : [`${count} ${name}`])),
  ];
}

function rowOf(result: DropResult): (string | number)[] {
  const { name, sent, expected, delivered, repeated, outOfOrder, outOfPosition, unconfirmed, p50Ms, p99Ms } = result;
  const share = `${percent(delivered, expected)} of ${expected}`;
  const times = [p50Ms, p99Ms].map((ms) => `${ms.toFixed(0)} ms`);
  return [name, sent, share, repeated, outOfOrder, outOfPosition, unconfirmed, ...times];
}

/** 100 % only if nothing is missing. */
function percent(part: number, whole: number): string {
  if (part === whole) return '100 %';
  return `${(Math.floor((10_000 * part) / whole) / 100).toFixed(2)} %`;
}
