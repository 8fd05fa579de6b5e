import type { TimelineEntry } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import { isCounted } from '../shared/message-kinds.js';
import type { LastMessage, Stored, StoredMessage } from '../types.js';

interface Edit<M> {
  readonly at: bigint;
  /** Absent: the message was recalled since. */
  readonly body: M | undefined;
}

/**
 * Finds the newest counted message among entries that it gets newest first. Edits and recalls that it has passed count,
 * applied to their message or not.
 */
export class LatestMessage<M> {
  readonly #edits = new Map<string, Edit<M>>();
  readonly #recalls = new Set<string>();
  #isChanged = false;

  /** `true` if an edit or recall of the message that was found has not changed it yet. */
  get isChanged(): boolean {
    return this.#isChanged;
  }

  /** SeqIds of the messages that the entries passed so far recall. */
  get recalls(): ReadonlySet<string> {
    return this.#recalls;
  }

  /** Returns the message if the entry is one that is counted. */
  visit(entry: TimelineEntry<Stored<M>>): LastMessage<M> | undefined {
    const { seqId, message, deleted, appendedAt } = entry;
    if (deleted) return undefined;
    if (message.kind === 'recall') this.#recalls.add(message.target);
    if (message.kind === 'edit' && !this.#edits.has(message.target))
      this.#edits.set(message.target, { at: seqId, body: message.body });
    if (message.kind !== 'message' || !isCounted(entry)) return undefined;
    const edit = this.#pendingEdit(seqId, message);
    const isRecalled = this.#recalls.has(String(seqId)) || (edit && edit.body === undefined);
    this.#isChanged = message.recalled === undefined && (isRecalled || edit !== undefined);
    const last = { seqId, sender: message.sender, sentAt: appendedAt };
    const body = edit ? edit.body : message.body;
    if (message.recalled !== undefined || isRecalled || body === undefined)
      return withJson({ ...last, recalled: true as const });
    const isEdited = edit !== undefined || message.edited !== undefined;
    return withJson({ ...last, body, ...(isEdited && { edited: true as const }) });
  }

  /** Returns the first of `entries` that is counted. */
  firstOf(entries: readonly TimelineEntry<Stored<M>>[]): LastMessage<M> | undefined {
    for (const entry of entries) {
      const last = this.visit(entry);
      if (last) return last;
    }
    return undefined;
  }

  /** The message may have been read later than the edit, and so be of a newer one. */
  #pendingEdit(seqId: bigint, { edited }: StoredMessage<M>): Edit<M> | undefined {
    const edit = this.#edits.get(String(seqId));
    return edit && (edited === undefined || BigInt(edited) < edit.at) ? edit : undefined;
  }
}
