import type { HistoryPage } from '../http/protocol.js';
import type { ChatEntry, RelatedMessage, ShownMessage } from './types.js';
import { entryOf } from './wire.js';

/** A message with what relates to it, as a page of history has it. */
export interface PageMessage<M> extends ChatEntry<M> {
  readonly edited?: true;
  readonly related?: readonly ChatEntry<M>[];
}

/** SeqId of what is not stored yet: it is the newest. */
export const UNSTORED = 1n << 64n;

/** Key of a message that was not sent here. */
export const keyOf = (seqId: bigint): string => `#${seqId}`;

/** It is shown with the message that it relates to only. */
export const isReaction = ({ countable, relatesTo }: ChatEntry<unknown>): boolean =>
  countable === false && relatesTo !== undefined;

/** Makes a message that is shown. */
export function shownOf<M>(message: PageMessage<M>, isOwn: boolean, key: string): ShownMessage<M> {
  const { kind, conversation, entrySeqId, by, countable, related = [], ...rest } = message;
  return {
    ...{ edited: false, recalled: false, ...rest, key, isOwn },
    ...{ status: 'sent', readBy: [], related: related.map(relatedOf) },
  };
}

/** A message after its edit or recall. */
export function changed<M>(row: ShownMessage<M>, { kind, body, recalled }: ChatEntry<M>): ShownMessage<M> {
  if (row.recalled) return row;
  if (kind === 'edit' && !recalled) return { ...row, body: body as M, edited: true };
  const { body: gone, ...rest } = row;
  return { ...rest, recalled: true };
}

/** A message with another one that relates to it, the newest of its sender, in the order of the conversation. */
export function relatedTo<M>(row: ShownMessage<M>, entry: ChatEntry<M>): ShownMessage<M> {
  const { related } = row;
  const known = related.find(({ sender }) => sender === entry.sender);
  if ((known?.seqId ?? 0n) >= entry.seqId) return row;
  const others = related.filter((each) => each !== known);
  const isBefore = ({ seqId = UNSTORED }: RelatedMessage<M>) => seqId <= entry.seqId;
  const [before, behind] = [others.filter(isBefore), others.filter((each) => !isBefore(each))];
  return { ...row, related: [...before, relatedOf(entry), ...behind] };
}

/** Where messages of a page go: in place of everything, in front of what is there, or each in its place. */
export type PagePlace = 'all' | 'front' | 'each';

/** Stored messages of a conversation, from one place on without a gap, with later entries folded into them. */
export interface MessageWindow<M> {
  /** Oldest first. */
  readonly rows: readonly ShownMessage<M>[];
  take(page: HistoryPage<M>, place: PagePlace): void;
  /**
   * Folds an entry in. Returns the SeqId of a message to read again: a reaction was taken back, and its sender's one
   * before may count again.
   */
  fold(entry: ChatEntry<M>): bigint | undefined;
  /** Changes a message. Returns `false` if it is not here. */
  update(seqId: bigint, change: (row: ShownMessage<M>) => ShownMessage<M>): boolean;
}

export function createWindow<M>(chat: { readonly user: string | undefined }): MessageWindow<M> {
  let rows: ShownMessage<M>[] = [];
  let hasOlder = false;
  const readers = new Map<string, bigint>();
  /** SeqIds of messages that relate to others, and of those. */
  const targets = new Map<bigint, bigint>();

  /** Place of the message, or the one where it belongs. */
  const placeOf = (seqId: bigint): number => {
    let low = 0;
    let high = rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((rows[middle]?.seqId as bigint) < seqId) low = middle + 1;
      else high = middle;
    }
    return low;
  };

  const update: MessageWindow<M>['update'] = (seqId, change) => {
    const at = placeOf(seqId);
    const row = rows[at];
    if (row?.seqId !== seqId) return false;
    rows[at] = change(row);
    return true;
  };

  const rowOf = (entry: PageMessage<M>): ShownMessage<M> => {
    const { seqId, sender, relatesTo, related = [] } = entry;
    const known = rows[placeOf(seqId)];
    for (const each of related) targets.set(each.seqId, seqId);
    if (relatesTo !== undefined) targets.set(seqId, relatesTo);
    const isOwn = sender === chat.user;
    const row = shownOf(entry, isOwn, known?.seqId === seqId ? known.key : keyOf(seqId));
    const readBy = [...readers].flatMap(([name, through]) => (isOwn && through >= seqId ? [name] : []));
    return { ...row, readBy };
  };

  const add = (entry: ChatEntry<M>) => {
    const { seqId, sender, sentAt, body } = entry;
    // Of an own message that has been shown since the answer, the copy that arrives has time and body as stored.
    const isStored = update(seqId, (row) =>
      row.key === keyOf(seqId) || row.edited || row.recalled
        ? row
        : { ...row, sender, sentAt, ...(body !== undefined && { body }) },
    );
    const at = placeOf(seqId);
    if (!isStored && (at > 0 || !hasOlder)) rows.splice(at, 0, rowOf(entry));
  };

  const receive = ({ sender, seqId: through }: ChatEntry<M>) => {
    const before = readers.get(sender) ?? 0n;
    if (through <= before) return;
    readers.set(sender, through);
    for (const [at, row] of rows.entries()) {
      const { seqId = 0n, isOwn, readBy } = row;
      if (isOwn && seqId > before && seqId <= through) rows[at] = { ...row, readBy: [...readBy, sender] };
    }
  };

  return {
    get rows() {
      return rows;
    },
    update,
    take: ({ messages, before }, place) => {
      const taken = messages.map((message) => {
        const related = message.related?.map((each) => entryOf(each));
        return rowOf({ ...entryOf(message), ...(related && { related }) });
      });
      if (place === 'each') for (const row of taken) update(row.seqId as bigint, () => row);
      else {
        hasOlder = before !== undefined;
        rows = place === 'front' ? [...taken, ...rows] : taken;
      }
    },
    fold: (entry) => {
      const { kind, seqId, body, relatesTo, recalled } = entry;
      const target = relatesTo ?? targets.get(seqId);
      if (kind === 'receipt') receive(entry);
      else if (kind === 'message') {
        if (target !== undefined && !recalled) {
          targets.set(seqId, target);
          update(target, (row) => relatedTo(row, entry));
        }
        if (!isReaction(entry)) add(entry);
      } else if (kind === 'edit' || kind === 'recall') {
        update(seqId, (row) => changed(row, entry));
        if (target === undefined) return undefined;
        const isEdit = kind === 'edit' && !recalled;
        update(target, (row) => ({
          ...row,
          related: row.related.flatMap((each) =>
            each.seqId !== seqId ? each : isEdit ? { ...each, body: body as M } : [],
          ),
        }));
        if (isEdit) return undefined;
        targets.delete(seqId);
        return target;
      }
      return undefined;
    },
  };
}

function relatedOf<M>({ seqId, sender, body, sentAt, countable }: ChatEntry<M>): RelatedMessage<M> {
  return {
    ...(seqId < UNSTORED && { seqId }),
    ...{ sender, sentAt },
    ...(body !== undefined && { body }),
    ...(countable === false && { countable }),
  };
}
