import { Random } from '../../../testing/random.js';
import { type AddedCommand, type AddedSetting, drawAdded, drawAddedSetting, NOTHING_ADDED } from './added-commands.js';
import type { Crash } from './gate.js';

/** The settings of a whole run. */
export interface Setting extends AddedSetting {
  readonly users: number;
  readonly devicesPerUser: number;
  readonly conversations: number;
  readonly processes: number;
  readonly diffusion: 'write' | 'read' | 'hybrid';
  /** `listed`: a directory of names only, in which everyone is in every conversation. */
  readonly directory: 'timeline' | 'listed';
  readonly newcomers: 'all' | 'since-joining' | { readonly last: number };
  readonly bodies: 'copy' | 'reference' | number;
  readonly resyncLast: number;
  readonly starts: readonly ('oldest' | 'now' | { readonly last: number })[];
  /** Where devices in turn have their position: in the libraries, or in a cursor that they keep themselves. */
  readonly positions: readonly ('stored' | 'client')[];
  /** `true` if inbox entries expire. */
  readonly expires: boolean;
  /** `true` if the entries of conversations expire. */
  readonly storeExpires: boolean;
  /** `true` if a third library has the states. */
  readonly hasState: boolean;
  /** Milliseconds by which the clocks of the processes differ at most. */
  readonly skewMs: number;
  /** Probability that a call of a store fails. */
  readonly faults: number;
}

/** One step of a run. Indices wrap around, so that any part of a list of commands can be played. */
export type Command = { readonly wait: boolean } & (
  | { readonly do: 'send'; readonly process: number; readonly conversation: number; readonly user: number }
  | { readonly do: 'again'; readonly process: number; readonly operation: number }
  | { readonly do: 'edit' | 'recall'; readonly process: number; readonly message: number; readonly by?: number }
  | {
      readonly do: 'join' | 'leave';
      readonly process: number;
      readonly conversation: number;
      readonly user: number;
      readonly by?: number;
    }
  | {
      readonly do: 'trim';
      readonly process: number;
      readonly conversation: number;
      /** Part of the kept entries that goes. */
      readonly part: number;
    }
  | {
      readonly do: 'page';
      readonly process: number;
      readonly conversation: number;
      /** Absent: everything is shown. */
      readonly user?: number;
      readonly isForward: boolean;
      readonly limit: number;
    }
  | { readonly do: 'mode'; readonly process: number; readonly conversation: number; readonly mode: 'write' | 'read' }
  | {
      readonly do: 'pull';
      readonly process: number;
      readonly device: number;
      readonly limit: number;
      readonly fate: Fate;
    }
  | { readonly do: 'subscribe'; readonly process: number; readonly device: number; readonly turns: number }
  | { readonly do: 'read'; readonly process: number; readonly message: number; readonly user: number }
  | { readonly do: 'list'; readonly process: number; readonly user: number }
  | {
      readonly do: 'configure';
      readonly process: number;
      readonly conversation: number;
      readonly user: number;
      /** Decides which setting gets which value. */
      readonly choice: number;
    }
  | { readonly do: 'crash'; readonly process: number; readonly after: number; readonly how: Crash }
  | { readonly do: 'outage'; readonly process: number; readonly user: number; readonly calls: number }
  | { readonly do: 'restart'; readonly process: number }
  | { readonly do: 'recover'; readonly process: number }
  | { readonly do: 'pass'; readonly ms: number }
  | { readonly do: 'drain'; readonly process: number }
  | AddedCommand
);

type PlannedSetting = Omit<Setting, keyof AddedSetting>;
type PlannedKind = Exclude<Command['do'], AddedCommand['do']>;

/** A device keeps a page and acknowledges it, only keeps it, or loses it. */
export type Fate = 'ack' | 'keep' | 'lose';

export interface Scenario {
  readonly setting: Setting;
  readonly commands: readonly Command[];
}

/** Of inboxes. */
export const TTL_MS = 25 * 3_600_000;
/** Of conversations. */
export const STORE_TTL_MS = 30 * 3_600_000;

/** Makes the second sequence of a seed other than the first of any seed in use. */
const ADDED_SEEDS = 2 ** 31;

/**
 * Draws a plan, and other commands that are added to it. They are drawn apart, so that the plan of a seed stays as it
 * was when commands are added here: `isPlanOnly` plays it as it was.
 */
export function drawScenario(
  seed: number,
  length: number,
  { isPlanOnly = false, fixed = {} }: { readonly isPlanOnly?: boolean; readonly fixed?: Partial<Setting> } = {},
): Scenario {
  const random = new Random(seed);
  const planned = { ...drawSetting(random), ...fixed };
  const members = drawMembers(random, planned);
  const plan = random.list(length, () => drawCommand(random, planned));
  if (isPlanOnly) return { setting: { ...NOTHING_ADDED, ...planned }, commands: [...members, ...plan] };
  const added = new Random(seed + ADDED_SEEDS);
  const setting = { ...drawAddedSetting(added, planned), ...planned };
  const places = plan.map((command) => [command]);
  for (const group of drawAdded(added, setting, setting)) places[added.below(length)]!.push(...group);
  return { setting, commands: [...members, ...places.flat()] };
}

/** Most are members from the start. */
function drawMembers(random: Random, { users, conversations, processes, directory }: PlannedSetting): Command[] {
  if (directory === 'listed') return [];
  const all = Array.from({ length: conversations * users }, (_, i) => ({
    conversation: i % conversations,
    user: Math.floor(i / conversations),
  }));
  return all
    .filter(() => random.chance(0.7))
    .map((each) => ({ do: 'join' as const, process: random.below(processes), wait: random.chance(0.5), ...each }));
}

function drawSetting(random: Random): PlannedSetting {
  const directory = random.chance(0.8) ? 'timeline' : 'listed';
  return {
    users: 2 + random.below(3),
    devicesPerUser: 1 + random.below(2),
    conversations: 1 + random.below(3),
    processes: 1 + random.below(3),
    diffusion: random.pick(['write', 'read', 'hybrid', 'hybrid'] as const),
    directory,
    newcomers:
      directory === 'listed'
        ? 'since-joining'
        : random.pick(['all', 'since-joining', { last: 1 }, { last: 2 }] as const),
    bodies: random.pick(['copy', 'copy', 'reference', 5] as const),
    resyncLast: random.below(4),
    ...drawLibraries(random),
    starts: random.pick([
      ['oldest'],
      ['oldest'],
      ['oldest', 'now'],
      ['now', { last: 2 }],
      ['oldest', { last: 1 }],
    ] as const),
    positions: random.pick([['stored'], ['stored', 'client'], ['client', 'stored', 'stored']] as const),
    expires: random.chance(0.4),
    skewMs: random.pick([0, 0, 3000]),
    faults: random.pick([0, 0, 0.01]),
  };
}

function drawLibraries(random: Random): Pick<PlannedSetting, 'storeExpires' | 'hasState'> {
  const storeExpires = random.chance(0.2);
  return { storeExpires, hasState: storeExpires || random.chance(0.3) };
}

function drawCommand(random: Random, setting: PlannedSetting): Command {
  const process = random.below(setting.processes);
  const conversation = random.below(setting.conversations);
  const user = random.below(setting.users);
  const device = random.below(setting.users * setting.devicesPerUser);
  const message = random.below(1000);
  const wait = random.chance(0.3);
  const by = random.chance(0.5) ? { by: random.below(setting.users) } : {};
  switch (drawKind(random, setting)) {
    case 'send':
      return { do: 'send', process, conversation, user, wait };
    case 'again':
      return { do: 'again', process, operation: message, wait };
    case 'edit':
      return { do: 'edit', process, message, ...by, wait };
    case 'recall':
      return { do: 'recall', process, message, ...by, wait };
    case 'join':
      return { do: 'join', process, conversation, user, ...by, wait };
    case 'leave':
      return { do: 'leave', process, conversation, user, ...by, wait };
    case 'trim':
      return { do: 'trim', process, conversation, part: random.next(), wait };
    case 'page': {
      const limit = random.pick([1, 2, 3, 5, 100]);
      const reader = random.chance(0.5) ? { user } : {};
      return { do: 'page', process, conversation, ...reader, isForward: random.chance(0.5), limit, wait };
    }
    case 'mode':
      return { do: 'mode', process, conversation, mode: random.pick(['write', 'read']), wait };
    case 'pull': {
      const fate = random.pick(['ack', 'ack', 'ack', 'keep', 'lose'] as const);
      return { do: 'pull', process, device, limit: random.pick([1, 2, 3, 5, 100]), fate, wait };
    }
    case 'subscribe':
      return { do: 'subscribe', process, device, turns: random.below(60), wait };
    case 'read':
      return { do: 'read', process, message, user, wait };
    case 'list':
      return { do: 'list', process, user, wait };
    case 'configure':
      return { do: 'configure', process, conversation, user, choice: message, wait };
    case 'crash':
      return {
        do: 'crash',
        process,
        after: 1 + random.below(25),
        how: random.pick(['before', 'after', 'partly']),
        wait,
      };
    case 'outage':
      return { do: 'outage', process, user, calls: 1 + random.below(5), wait };
    case 'restart':
      return { do: 'restart', process, wait };
    case 'recover':
      return { do: 'recover', process, wait };
    case 'pass': {
      const ms = random.pick([-4000, 10, 1000, 60_000, TTL_MS / 2, TTL_MS + 600_000]);
      return { do: 'pass', ms: setting.expires || setting.storeExpires ? ms : Math.min(ms, 60_000), wait };
    }
    case 'drain':
      return { do: 'drain', process, wait: true };
  }
}

const WEIGHTS: Readonly<Record<PlannedKind, number>> = {
  send: 30,
  again: 6,
  edit: 6,
  recall: 3,
  join: 4,
  leave: 3,
  trim: 1.5,
  page: 2,
  mode: 5,
  pull: 22,
  subscribe: 3,
  read: 4,
  list: 1,
  configure: 3,
  crash: 6,
  outage: 0.5,
  restart: 1,
  recover: 3,
  pass: 4,
  drain: 3,
};

function drawKind(random: Random, { diffusion, directory }: PlannedSetting): PlannedKind {
  const isPossible = (kind: string) =>
    !(kind === 'mode' && diffusion !== 'hybrid') && !((kind === 'join' || kind === 'leave') && directory === 'listed');
  const kinds = Object.entries(WEIGHTS).filter(([kind]) => isPossible(kind)) as [PlannedKind, number][];
  let left = random.next() * kinds.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [kind, weight] of kinds) {
    left -= weight;
    if (left < 0) return kind;
  }
  return 'send';
}
