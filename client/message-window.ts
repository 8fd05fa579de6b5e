import type { HistoryPage } from '../http/protocol.js';
import type { LaterEntry } from './shown-message.js';
import type { ChatEntry, RelatedMessage, ShownMessage } from './types.js';
import type { ViewsHost } from './views.js';
import type { PageMessage } from './wire.js';

/** Messages that are not stored yet are the newest. */
const UNSTORED = 1n << 64n;

/** Compares two messages by their places in the conversation. */
export const bySeqId = (a: Pick<RelatedMessage<unknown>, 'seqId'>, b: Pick<RelatedMessage<unknown>, 'seqId'>): number =>
  Number((a.seqId ?? UNSTORED) - (b.seqId ?? UNSTORED));

/** A message after its edit or recall. */
export function changed<M>(row: ShownMessage<M>, { kind, body, recalled }: LaterEntry<M>): ShownMessage<M> {
  if (row.recalled) return row;
  return kind === 'edit' && !recalled ? { ...row, body, edited: true } : { ...row, body: undefined, recalled: true };
}

/** A message with another one that relates to it, the newest of its sender, in the order of the conversation. */
export function relatedTo<M>(row: ShownMessage<M>, entry: LaterEntry<M>): ShownMessage<M> {
  const inOrder: RelatedMessage<M>[] = [entry, ...row.related].sort(bySeqId);
  const newest = new Map(inOrder.map((each) => [each.sender, each]));
  return { ...row, related: [...newest.values()].sort(bySeqId) };
}

/** Where messages of a page go: in place of everything, in front of what is here, or each in its place. */
export type PagePlace = 'all' | 'front' | 'each';

/** Stored messages of a conversation, from one place on without a gap, with later entries folded into them. */
export interface MessageWindow<M> {
  readonly rows: ReadonlyMap<bigint, ShownMessage<M>>;
  take(page: HistoryPage<M>, place: PagePlace): void;
  /** Folds an entry in. */
  fold(entry: ChatEntry<M>): void;
  /** The message is shown under this key, as it was before it was stored. */
  keep(seqId: bigint, key: string): void;
}

/** `readAgain` gets a message of which a reaction was taken back: its sender's one before may count again. */
export function createWindow<M>(host: ViewsHost<M>, readAgain: (seqId: bigint) => void): MessageWindow<M> {
  const rows = new Map<bigint, ShownMessage<M>>();
  const keys = new Map<bigint, string>();
  const readers = new Map<string, bigint>();
  let oldest = UNSTORED;

  const update = (seqId: bigint, change: (row: ShownMessage<M>) => ShownMessage<M>) => {
    const row = rows.get(seqId);
    if (row) rows.set(seqId, change(row));
  };

  const put = (message: PageMessage<M>, related: readonly RelatedMessage<M>[] = []) => {
    const { seqId, sender } = message;
    const isOwn = sender === host.user;
    const readBy = [...readers].flatMap(([name, through]) => (isOwn && through >= seqId ? [name] : []));
    rows.set(seqId, { ...host.shownOf(message, isOwn, keys.get(seqId) ?? `#${seqId}`), related, readBy });
  };

  const foldMessage = (entry: ChatEntry<M>) => {
    const { seqId, relatesTo, countable, recalled } = entry;
    const known = rows.get(seqId);
    if (relatesTo !== undefined && !recalled) update(relatesTo, (row) => relatedTo(row, entry));
    if ((countable === false && relatesTo !== undefined) || known?.edited || known?.recalled) return;
    // Of an own message that has been shown since the answer, the copy that arrives has time and body as stored.
    if (seqId >= oldest || keys.has(seqId)) put(entry, known?.related);
  };

  const foldChange = (entry: ChatEntry<M>) => {
    const { kind, seqId, body, recalled } = entry;
    const isEdit = kind === 'edit' && !recalled;
    update(seqId, (row) => changed(row, entry));
    for (const [target, row] of rows) {
      if (!row.related.some((each) => each.seqId === seqId)) continue;
      const related = row.related.flatMap((each) => (each.seqId !== seqId ? each : isEdit ? { ...each, body } : []));
      rows.set(target, { ...row, related });
      if (!isEdit) readAgain(target);
    }
  };

  const foldReceipt = ({ sender, seqId: through }: ChatEntry<M>) => {
    if (through <= (readers.get(sender) ?? 0n)) return;
    readers.set(sender, through);
    for (const [seqId, row] of rows)
      if (row.isOwn && seqId <= through && !row.readBy.includes(sender))
        rows.set(seqId, { ...row, readBy: [...row.readBy, sender] });
  };

  return {
    rows,
    take: ({ messages, before }, place) => {
      const taken = messages.map((message) => host.entryOf(message));
      if (place === 'all') rows.clear();
      for (const message of taken) if (place !== 'each' || rows.has(message.seqId)) put(message, message.related);
      if (place !== 'each') oldest = before ? (taken[0]?.seqId ?? oldest) : 0n;
    },
    fold: (entry) => {
      const { kind } = entry;
      if (kind === 'message') foldMessage(entry);
      else if (kind === 'receipt') foldReceipt(entry);
      else if (kind === 'edit' || kind === 'recall') foldChange(entry);
    },
    keep: (seqId, key) => keys.set(seqId, key),
  };
}
