import type { WireMessage } from '../http/protocol.js';
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

/** A message with another one that relates to it, the newest of its sender. */
export function relatedTo<M>(row: ShownMessage<M>, entry: ChatEntry<M>): ShownMessage<M> {
  const { related } = row;
  const others = related.filter(({ sender }) => sender !== entry.sender);
  const known = related.find(({ sender }) => sender === entry.sender);
  return (known?.seqId ?? 0n) < entry.seqId ? { ...row, related: [...others, relatedOf(entry)] } : row;
}

/** Stored messages of a conversation, from one place on without a gap, with later entries folded into them. */
export class MessageWindow<M> {
  /** Oldest first. */
  rows: ShownMessage<M>[] = [];
  /** There are older messages than those here. */
  hasOlder = false;
  readonly #user: () => string | undefined;
  readonly #readers = new Map<string, bigint>();
  /** SeqIds of messages that relate to others, and of those. */
  readonly #targets = new Map<bigint, bigint>();

  constructor(user: () => string | undefined) {
    this.#user = user;
  }

  /** Takes a page over: in place of everything, in front of what is there, or each message in its place. */
  take(page: readonly WireMessage<M>[], place: 'all' | 'front' | 'each'): void {
    const rows = page.map((message) => {
      const related = message.related?.map((each) => entryOf(each));
      return this.#rowOf({ ...entryOf(message), ...(related && { related }) });
    });
    if (place === 'each') for (const row of rows) this.update(row.seqId as bigint, () => row);
    else this.rows = place === 'front' ? [...rows, ...this.rows] : rows;
  }

  /**
   * Folds an entry in. Returns the SeqId of a message to read again: a reaction was taken back, and its sender's one
   * before may count again.
   */
  fold(entry: ChatEntry<M>): bigint | undefined {
    const { kind, seqId, body, relatesTo, recalled } = entry;
    const target = relatesTo ?? this.#targets.get(seqId);
    if (kind === 'receipt') this.#receipt(entry);
    else if (kind === 'message') {
      if (target !== undefined && !recalled) {
        this.#targets.set(seqId, target);
        this.update(target, (row) => relatedTo(row, entry));
      }
      if (!isReaction(entry)) this.#add(entry);
    } else if (kind === 'edit' || kind === 'recall') {
      this.update(seqId, (row) => changed(row, entry));
      if (target === undefined) return undefined;
      const isEdit = kind === 'edit' && !recalled;
      this.update(target, (row) => ({
        ...row,
        related: row.related.flatMap((each) =>
          each.seqId !== seqId ? each : isEdit ? { ...each, body: body as M } : [],
        ),
      }));
      if (isEdit) return undefined;
      this.#targets.delete(seqId);
      return target;
    }
    return undefined;
  }

  /** Changes a message. Returns `false` if it is not here. */
  update(seqId: bigint, change: (row: ShownMessage<M>) => ShownMessage<M>): boolean {
    const at = this.#place(seqId);
    const row = this.rows[at];
    if (row?.seqId !== seqId) return false;
    this.rows[at] = change(row);
    return true;
  }

  #add(entry: ChatEntry<M>): void {
    const { seqId, sender, sentAt, body } = entry;
    // Of an own message that has been shown since the answer, the copy that arrives has time and body as stored.
    const isStored = this.update(seqId, (row) =>
      row.key === keyOf(seqId) || row.edited || row.recalled
        ? row
        : { ...row, sender, sentAt, ...(body !== undefined && { body }) },
    );
    const at = this.#place(seqId);
    if (!isStored && (at > 0 || !this.hasOlder)) this.rows.splice(at, 0, this.#rowOf(entry));
  }

  #rowOf(entry: PageMessage<M>): ShownMessage<M> {
    const { seqId, sender, relatesTo, related = [] } = entry;
    const known = this.rows[this.#place(seqId)];
    for (const each of related) this.#targets.set(each.seqId, seqId);
    if (relatesTo !== undefined) this.#targets.set(seqId, relatesTo);
    const isOwn = sender === this.#user();
    const row = shownOf(entry, isOwn, known?.seqId === seqId ? known.key : keyOf(seqId));
    const readers = [...this.#readers].filter(([, through]) => isOwn && through >= seqId);
    return readers.length ? { ...row, readBy: readers.map(([name]) => name) } : row;
  }

  #receipt({ sender, seqId: through }: ChatEntry<M>): void {
    const before = this.#readers.get(sender) ?? 0n;
    if (through <= before) return;
    this.#readers.set(sender, through);
    for (const [at, row] of this.rows.entries()) {
      const { seqId = 0n, isOwn, readBy } = row;
      if (isOwn && seqId > before && seqId <= through) this.rows[at] = { ...row, readBy: [...readBy, sender] };
    }
  }

  /** Place of the message, or the one where it belongs. */
  #place(seqId: bigint): number {
    let low = 0;
    let high = this.rows.length;
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((this.rows[middle]?.seqId as bigint) < seqId) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

function relatedOf<M>({ seqId, sender, body, sentAt, countable }: ChatEntry<M>): RelatedMessage<M> {
  return {
    ...(seqId < UNSTORED && { seqId }),
    ...{ sender, sentAt },
    ...(body !== undefined && { body }),
    ...(countable === false && { countable }),
  };
}
