import type { IrcLine } from '../../../examples/irc.js';
import { withPresence } from '../../../examples/irc.js';
import type { TimelineStore } from '../../../src/index.js';
import {
  createSync,
  type Device,
  type Diffusion,
  type MessageSync,
  type Sent,
  type Stored,
  type Synced,
  timelineDirectory,
} from '../../../sync/index.js';
import { randomFrom } from './irc-generator.js';
import { bodyOf } from './people.js';

/** A line of talk, with its number in the log. */
export interface Said {
  readonly line: number;
  readonly text: string;
}

export interface Replayed {
  readonly messages: number;
  readonly members: number;
  /** The most that were present at once. */
  readonly most: number;
  /** Members whose devices show anything but the messages sent while they were present, in order. */
  readonly wrong: readonly string[];
}

export interface ReplayOptions {
  readonly store: TimelineStore<Stored<Said>>;
  readonly sync: TimelineStore<Synced<Said>>;
  readonly diffusion: Diffusion;
  readonly lines: readonly IrcLine[];
  readonly conversation: string;
}

const PULLED = 500;
/** Messages between two pulls of the devices that are awake. */
const STRIDE = 40;

/**
 * Replays a log: users join, leave and send as it says, and each message goes to the users present. Some have a second
 * device, which pulls from time to time and does not always acknowledge. Everyone has one that is only used at the end.
 */
export async function replay({
  store,
  sync: inboxes,
  diffusion,
  lines,
  conversation,
}: ReplayOptions): Promise<Replayed> {
  const random = randomFrom(lines.length);
  const directory = timelineDirectory({ store });
  await using sync = createSync<Said>({ store, sync: inboxes, directory, diffusion, recoverEveryMs: 0 });
  const expected = new Map<string, string[]>();
  const shown = new Map<string, string[]>();
  let before = new Set<string>();
  let moved: Sent | undefined;
  let sent: Sent | undefined;
  let messages = 0;
  let most = 0;
  for (const { line, present } of withPresence(lines)) {
    moved = (await move(sync, conversation, before, present)) ?? moved;
    before = new Set(present);
    most = Math.max(most, present.size);
    for (const nick of present) if (!expected.has(nick)) expected.set(nick, []);
    if (line.kind !== 'message') continue;
    const body = { line: line.number, text: line.text };
    sent = await sync.send({ conversation, sender: line.nick, body, key: `line ${line.number}` });
    for (const nick of present) expected.get(nick)!.push(JSON.stringify([line.nick, body]));
    if (++messages % STRIDE !== 0) continue;
    await sent.delivered;
    const awake = [...expected.keys()].filter((_, i) => i % 5 === 0 && random() < 0.3);
    for (const nick of awake)
      await pull(sync.device(nick, 'awake'), shown, 1 + Math.floor(random() * 60), random() < 0.8);
  }
  await Promise.all([moved?.delivered, sent?.delivered]);
  const wrong: string[] = [];
  for (const [i, nick] of [...expected.keys()].entries()) {
    const devices = ['late', ...(i % 5 === 0 ? ['awake'] : [])].map((name) => sync.device(nick, name));
    for (const device of devices) {
      while (!(await pull(device, shown, PULLED, true)));
      const got = shown.get(nameOf(device)) ?? [];
      if (JSON.stringify(got) !== JSON.stringify(expected.get(nick))) wrong.push(nameOf(device));
    }
  }
  return { messages, members: expected.size, most, wrong };
}

/** Makes the present users members, and all others not. */
async function move(
  sync: MessageSync<Said>,
  conversation: string,
  before: ReadonlySet<string>,
  present: ReadonlySet<string>,
) {
  const left = [...before].filter((nick) => !present.has(nick));
  const joined = [...present].filter((nick) => !before.has(nick));
  const leaving = left.length > 0 ? await sync.leave(conversation, left) : undefined;
  const joining = joined.length > 0 ? await sync.join(conversation, joined) : undefined;
  return joining ?? leaving;
}

/** Pulls a page and shows it if acknowledged: otherwise it comes again. Returns `true` if nothing is left. */
async function pull(
  device: Device<Said>,
  shown: Map<string, string[]>,
  limit: number,
  acknowledges: boolean,
): Promise<boolean> {
  const page = await device.pull({ limit });
  if (!acknowledges) return false;
  await device.ack(page.cursor);
  const all = shown.get(nameOf(device)) ?? [];
  shown.set(nameOf(device), all);
  for (const message of page.messages) all.push(JSON.stringify([message.sender, bodyOf(message)]));
  return page.upToDate;
}

const nameOf = ({ user, device }: Device<Said>) => `${user}'s ${device}`;
