import type { DeviceClient, ShownMessage } from './device-client.js';
import { checkEvent } from './event-verdict.js';
import type { Evidence } from './evidence.js';
import { allowedEntries, isKnownLoss, requiredEntries } from './expected-entries.js';
import { type History, textOf } from './history.js';

interface ShownView {
  readonly seqId: bigint;
  readonly original: string | undefined;
  /** SeqIds of the entries that the device has to show. */
  readonly required: ReadonlySet<bigint>;
}

/** Compares what a device shows of a conversation. */
export function checkDevice({ world, player, fail }: Evidence, client: DeviceClient, history: History): void {
  const { conversation } = history;
  if (history.isUncertain(client.user)) return;
  const told = client.losses.toldThrough(conversation);
  const lastLeave = history.periodsOf(client.user).reduce((last, { leftAt = last }) => leftAt, 0n);
  if (told > history.goneThrough && told > lastLeave)
    fail(`${client.name} was told that ${conversation} is gone up to ${told}, and it is up to ${history.goneThrough}`);
  const shown = client.shown.get(conversation) ?? [];
  const isSettled = ({ sentAt }: ShownMessage) => !world.isExpiring(sentAt, client.beganAt);
  for (const some of [shown, ...client.past.flatMap(([name, past]) => (name === conversation ? [past] : []))]) {
    const disorder = history.disorder(some.filter(isSettled).map(({ entrySeqId }) => entrySeqId));
    if (disorder) fail(`${client.name} got entry ${disorder}`);
  }
  for (const again of client.again) {
    if (again.conversation === conversation)
      fail(`${client.name} got ${again.what} of ${conversation} again after acknowledging it`);
  }
  const has = new Set(shown.map(({ entrySeqId }) => entrySeqId));
  const required = requiredEntries(world, client, history);
  const allowed = new Set(allowedEntries(client, history).map(({ seqId }) => seqId));
  for (const each of required) {
    const { seqId, message } = each.entry;
    if (!has.has(seqId) && !isKnownLoss(client, history, each))
      fail(`${client.name} lacks entry ${seqId} of ${conversation}, a ${message.kind}`);
  }
  const shownInFull = new Set(required.map(({ entry }) => entry.seqId));
  for (const { entrySeqId, seqId, kind, sender, sentAt, body, by, users } of shown) {
    const entry = history.find(entrySeqId);
    if (entry && (kind === 'join' || kind === 'leave')) {
      checkEvent(fail, client, history, { entry, event: { seqId, kind, sender, sentAt, by, users } });
      if (!allowed.has(entrySeqId))
        fail(`${client.name} is told of the ${kind} ${entrySeqId} of ${conversation}, which it should not`);
      continue;
    }
    if (!entry || !('sender' in entry.message) || entry.message.kind !== kind || entry.message.sender !== sender) {
      fail(`${client.name} shows entry ${entrySeqId} of ${conversation}, which is no ${kind} by ${sender}`);
      continue;
    }
    if (!allowed.has(entrySeqId))
      fail(`${client.name} shows entry ${entrySeqId} of ${conversation}, which it should not`);
    const actor = 'by' in entry.message ? entry.message.by : undefined;
    if (by !== actor) fail(`${client.name} shows ${kind} ${entrySeqId} of ${conversation} by ${by}, not by ${actor}`);
    const target = 'target' in entry.message ? BigInt(entry.message.target) : entrySeqId;
    if (target !== seqId)
      fail(`${client.name} shows ${kind} ${entrySeqId} of ${conversation} for ${seqId}, not ${target}`);
    if (sentAt !== entry.appendedAt) fail(`${client.name} shows a wrong time of ${entrySeqId} of ${conversation}`);
    if (kind === 'message')
      checkView(fail, client, history, { seqId: entrySeqId, original: body, required: shownInFull });
  }
  const read = player.marks.furthest.get(`${client.user}@${conversation}`) ?? 0n;
  const isTold = (client.reads.get(conversation) ?? 0n) >= read;
  if (!isTold && client.start === 'oldest' && !world.setting.expires)
    fail(`${client.name} was not told that ${read} of ${conversation} was read`);
}

/** Compares the final content of a message on the device. */
function checkView(
  fail: (problem: string) => void,
  client: DeviceClient,
  history: History,
  { seqId, original, required }: ShownView,
): void {
  const { conversation } = history;
  const shown = client.shown.get(conversation) ?? [];
  const changes = shown.filter((each) => each.seqId === seqId && each.kind !== 'message');
  const isRecalled =
    changes.some(({ kind }) => kind === 'recall') || shown.some((each) => each.entrySeqId === seqId && each.recalled);
  const edits = changes.filter(({ kind }) => kind === 'edit').sort((a, b) => (a.entrySeqId < b.entrySeqId ? -1 : 1));
  const body = isRecalled ? undefined : edits.length > 0 ? edits.at(-1)!.body : original;
  const all = history.entries.filter(({ message }) => 'target' in message && BigInt(message.target) === seqId);
  const final = history.finally(seqId);
  const isComplete = !history.isGone({ seqId }) && all.every((each) => required.has(each.seqId));
  if (body === final.body) return;
  const bodies = [textOf(history.find(seqId)!), ...all.map(textOf)];
  // A reference to a message that is gone has no body.
  if (body === undefined && history.isGone({ seqId })) return;
  if (isComplete || !bodies.includes(body ?? ''))
    fail(`${client.name} shows ${body} for ${seqId} of ${conversation}, which is ${final.body}`);
}
