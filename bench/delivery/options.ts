import { parseArgs } from 'node:util';

export const USAGE = `npm run bench:delivery -- [drops|connections|viewers|all] [options]

  drops         messages delivered, repeated and out of order while networks are cut and servers restart (default)
  connections   memory and processor time of idle streams on one process
  viewers       time from one message to all of its connected viewers

  --quick              small numbers, to try it; 20 seconds of traffic
  --seconds N          drops: duration of the traffic (600); connections: of the idle time (60)
  --clients N          drops: number of clients (20)
  --per-second N       drops: messages that each client sends per second (1)
  --only NAME          drops: timeline-model or socket.io
  --connections N      connections, viewers: number of streams (10000)
  --messages N         viewers: number of messages (30)
  --store NAME         redis, sqlite or memory. Default: drops: redis; the others: each
  --profile DIRECTORY  connections, viewers: a processor profile of the server, as .cpuprofile
  --no-write           leaves RESULTS.md as it is
`;

export class UsageError extends Error {}

export const PARTS = ['drops', 'connections', 'viewers'] as const;
export const STORES = ['redis', 'sqlite', 'memory'] as const;
export const CONTENDERS = ['timeline-model', 'socket.io'] as const;

export type Part = (typeof PARTS)[number];
export type Store = (typeof STORES)[number];

export interface Options {
  readonly parts: readonly Part[];
  readonly isQuick: boolean;
  readonly seconds: number | undefined;
  readonly clients: number;
  readonly perSecond: number;
  readonly only: (typeof CONTENDERS)[number] | undefined;
  readonly connections: number;
  readonly messages: number;
  readonly store: Store | undefined;
  readonly profile: string | undefined;
  readonly isWriting: boolean;
}

const TEXT = { type: 'string' } as const;
const FLAG = { type: 'boolean' } as const;
const FLAGS = {
  ...{ seconds: TEXT, clients: TEXT, 'per-second': TEXT, only: TEXT, connections: TEXT, messages: TEXT },
  ...{ store: TEXT, profile: TEXT, quick: FLAG, 'no-write': FLAG },
};

/** Throws a {@link UsageError}. */
export function parseOptions(args: readonly string[]): Options {
  const { values, positionals } = parsed(args);
  const [part = 'drops', ...others] = positionals;
  if (others.length > 0) throw new UsageError(`one part at a time: ${positionals.join(' ')}`);
  const isQuick = values.quick ?? false;
  return {
    parts: part === 'all' ? PARTS : [oneOf(part, PARTS, 'the part')],
    isQuick,
    seconds: values.seconds === undefined ? undefined : countOf(values.seconds, '--seconds'),
    clients: countOf(values.clients ?? (isQuick ? '8' : '20'), '--clients', 2),
    perSecond: countOf(values['per-second'] ?? '1', '--per-second'),
    only: values.only === undefined ? undefined : oneOf(values.only, CONTENDERS, '--only'),
    connections: countOf(values.connections ?? (isQuick ? '500' : '10000'), '--connections'),
    messages: countOf(values.messages ?? (isQuick ? '5' : '30'), '--messages'),
    store: values.store === undefined ? undefined : oneOf(values.store, STORES, '--store'),
    profile: values.profile,
    isWriting: !values['no-write'],
  };
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({ args: [...args], options: FLAGS, allowPositionals: true });
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
}

function countOf(text: string, name: string, least = 1): number {
  const count = Number(text);
  if (Number.isSafeInteger(count) && count >= least) return count;
  throw new UsageError(`${name} must be an integer of at least ${least}, not ${text}`);
}

function oneOf<T extends string>(text: string, allowed: readonly T[], name: string): T {
  const found = allowed.find((each) => each === text);
  if (found !== undefined) return found;
  throw new UsageError(`${name} must be one of ${allowed.join(', ')}, not ${text}`);
}
