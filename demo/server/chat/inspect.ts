/** Reads Timelines as they are stored, for the inspector. */
import { seqIdOf, type TimelineEntry, type TimelineStore } from 'timeline-model';
import type { Stored, Synced } from 'timeline-model/sync';
import type { Body } from '../../shared/bodies.js';
import type { InspectedEntry, InspectedPosition, InspectedTimeline, Inspection } from '../../shared/inspection.js';
import { type Libraries, TTL_MS } from './libraries.js';

export interface InspectionQuery {
  readonly conversation: string;
  readonly devices: readonly { readonly user: string; readonly device: string }[];
  /** Newest entries of each Timeline. */
  readonly limit: number;
}

export async function inspect(libraries: Libraries, query: InspectionQuery): Promise<Inspection> {
  const users = [...new Set(query.devices.map(({ user }) => user))];
  const [conversation, ...inboxes] = await Promise.all([
    inspectConversation(libraries, query, users),
    ...users.map((user) => inspectInbox(libraries, query, user)),
  ]);
  return { conversation, inboxes };
}

async function inspectConversation(
  { store, chat }: Libraries,
  { conversation, limit }: InspectionQuery,
  users: readonly string[],
): Promise<InspectedTimeline> {
  const [strip, read] = await Promise.all([
    newest(store, conversation, limit, describeStored),
    chat.readPositions(conversation, users),
  ]);
  const positions = users.map((user): InspectedPosition => {
    return { kind: 'read', user, seqId: String(read.get(user) ?? 0n) };
  });
  return { ...strip, positions };
}

async function inspectInbox(
  { inboxes }: Libraries,
  { devices, limit }: InspectionQuery,
  user: string,
): Promise<InspectedTimeline> {
  const inbox = inboxes.timeline(user);
  const strip = await newest(inboxes, user, limit, describeSynced);
  const positions = await Promise.all(
    devices
      .filter((device) => device.user === user)
      .map(async ({ device }): Promise<InspectedPosition> => {
        const cursor = await inbox.checkpoint(`device:${device}`).get();
        return { kind: 'device', user, device, seqId: String(cursor === undefined ? 0n : seqIdOf(cursor)) };
      }),
  );
  return { ...strip, timeline: `inbox:${user}`, ttlMs: TTL_MS, positions };
}

async function newest<M>(
  store: TimelineStore<M>,
  timeline: string,
  limit: number,
  describe: (message: M) => Partial<InspectedEntry>,
): Promise<Omit<InspectedTimeline, 'positions'>> {
  const { entries, head } = await store.timeline(timeline).read({ reverse: true, limit });
  return {
    timeline,
    last: String(head.lastSeqId),
    goneThrough: String(head.firstSeqId > 0n ? head.firstSeqId - 1n : 0n),
    dense: store.capabilities.dense,
    entries: entries.reverse().map((entry) => describeEntry(entry, describe)),
  };
}

function describeEntry<M>(entry: TimelineEntry<M>, describe: (message: M) => Partial<InspectedEntry>): InspectedEntry {
  const { seqId, appendedAt, revision, key, deleted } = entry;
  const content = deleted ? { kind: 'deleted', deleted: true as const } : describe(entry.message);
  return {
    kind: 'other',
    ...content,
    seqId: String(seqId),
    appendedAt,
    revision,
    ...(key === undefined ? {} : { key }),
  };
}

function describeStored(message: Stored<Body>): Partial<InspectedEntry> {
  if (message.kind === 'message') {
    const { sender, body, edited, recalled, relatesTo } = message;
    return {
      kind: body?.reaction === undefined ? 'message' : 'reaction',
      sender,
      ...(body === undefined ? {} : { text: body.reaction ?? body.text }),
      ...(edited === undefined ? {} : { edited: true }),
      ...(recalled === undefined ? {} : { recalled: true }),
      ...(relatesTo === undefined ? {} : { target: relatesTo }),
    };
  }
  if (message.kind === 'edit' || message.kind === 'recall')
    return { kind: message.kind, sender: message.sender, target: message.target };
  if (message.kind === 'join' || message.kind === 'leave')
    return { kind: message.kind, text: message.users.slice(0, 5).join(', ') };
  return { kind: message.kind };
}

function describeSynced(message: Synced<Body>): Partial<InspectedEntry> {
  const { kind, conversation, seqId: of } = message;
  if (message.kind !== 'message' && message.kind !== 'edit' && message.kind !== 'recall')
    return { kind, conversation, of, ...(message.kind === 'receipt' ? { sender: message.reader } : {}) };
  const { sender, target, relatesTo, body } = message;
  return {
    kind: relatesTo === undefined ? kind : 'reaction',
    conversation,
    of,
    sender,
    ...(target === undefined ? {} : { target }),
    ...(relatesTo === undefined ? {} : { target: relatesTo }),
    ...(body === undefined ? {} : { text: body.reaction ?? body.text }),
  };
}
