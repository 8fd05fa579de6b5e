import type { DeviceClient } from './device-client.js';
import type { Entry, History, MembershipPeriod } from './history.js';
import type { World } from './world.js';

/** An entry that a device has to show, unless it is gone and the device knows. */
export interface RequiredEntry {
  readonly entry: Entry;
  readonly period: MembershipPeriod;
}

/** Entries that the device has to show. */
export function requiredEntries(world: World, client: DeviceClient, history: History): readonly RequiredEntry[] {
  const { streamStart, user } = client;
  const isKept = ({ appendedAt }: Entry) => world.isKept(appendedAt, client.beganAt);
  const of = (period: MembershipPeriod, entries: readonly Entry[]) => entries.map((entry) => ({ entry, period }));
  // A position that the client keeps has a hash of the name: nothing but inbox entries leads to a conversation that
  // the user has left.
  const during = (period: MembershipPeriod) => {
    const isLeft = client.after !== undefined && period.leftAt !== undefined && world.setting.expires;
    return history.during(user, period).filter(({ seqId }) => !isLeft || history.isWrittenAt(seqId));
  };
  if (!streamStart) {
    // The inbox entries that tell of a past period, or of a past time in read mode, expire like any other.
    const isKnown = ({ joinedAt, leftAt }: MembershipPeriod) =>
      leftAt === undefined || joinedAt === 0n || isKept(history.find(joinedAt)!);
    const isFound = ({ seqId }: Entry) => history.formerReadBefore(seqId).every(isKept);
    return history
      .periodsOf(user)
      .filter(isKnown)
      .flatMap((period) => of(period, during(period).filter(isKept).filter(isFound)));
  }
  const end = streamStart.before.get(history.conversation)!;
  return history.periodsOf(user).flatMap((period) => {
    if (period.joinedAt > end) return of(period, during(period));
    if (period.leftAt !== undefined && period.leftAt <= end) return [];
    const start = beforeLast(history, period, end, streamStart.last);
    // Messages that were gone by then do not count: the stream may have begun later, and only joins and leaves fill in.
    const surely = history.kept.find(({ seqId }) => seqId > start && seqId <= end)?.seqId ?? end;
    const isInStream = ({ seqId, message }: Entry) => seqId > ('users' in message ? surely : start);
    return of(period, during(period).filter(isInStream));
  });
}

/** Entries that the device may show. */
export function allowedEntries(client: DeviceClient, history: History): readonly Entry[] {
  const { streamStart, user } = client;
  if (!streamStart?.isExact) return history.entitled(user);
  const end = streamStart.after.get(history.conversation)!;
  return history.periodsOf(user).flatMap((period) => {
    if (period.joinedAt > end) return history.during(user, period);
    const isPresent = period.leftAt === undefined || period.leftAt > end;
    const start = isPresent ? beforeLast(history, period, end, streamStart.last) : end;
    return history.during(user, period).filter(({ seqId }) => seqId > start);
  });
}

/** `true` if the device lacks the entry because it is gone, and was told so, or was never to get it. */
export function isKnownLoss(client: DeviceClient, history: History, { entry, period }: RequiredEntry): boolean {
  const { seqId, message } = entry;
  const { conversation } = history;
  const told = client.losses.toldThrough(conversation);
  const { leftAt } = period;
  // Where a leave is gone, a device gets nothing more up to the last one.
  if (leftAt !== undefined && leftAt <= told) return true;
  const target = 'target' in message ? BigInt(message.target) : undefined;
  // A message that was gone by then is no part of the past that a new member, or a new stream, shows.
  const resynced = client.streamStart?.before.get(conversation) ?? 0n;
  const isTargetGone = target !== undefined && history.isGone({ seqId: target });
  if (isTargetGone && (target < period.joinedAt || seqId <= resynced)) return true;
  if (!history.isGone(entry)) return false;
  const isPast = seqId < period.joinedAt;
  const beganBehind = client.losses.beganBehind.get(conversation) ?? 0n;
  return isPast || seqId <= told || seqId <= resynced || seqId <= beganBehind;
}

/** The SeqId before the last messages of the period up to `end`; without any, `end`. */
function beforeLast(history: History, { from }: MembershipPeriod, end: bigint, count: number): bigint {
  const messages = history.messages.filter(({ seqId }) => seqId > from && seqId <= end);
  const first = count === 0 ? undefined : messages.slice(-count).at(0);
  return first ? first.seqId - 1n : end;
}
