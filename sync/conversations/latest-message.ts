import type { TimelineEntry } from '../../src/index.js';
import { withJson } from '../../src/toolkit/index.js';
import type { LastMessage, Stored } from '../types.js';

/**
 * Finds the newest counted message among entries that it gets newest first. Edits and recalls that it has passed count,
 * applied to their message or not.
 */
export class LatestMessage<M> {
  readonly #edits = new Map<string, M | undefined>();
  readonly #recalls = new Set<string>();

  /** Returns the message if the entry is one that is counted. */
  visit({ seqId, message, deleted, appendedAt }: TimelineEntry<Stored<M>>): LastMessage<M> | undefined {
    if (deleted) return undefined;
    if (message.kind === 'recall') this.#recalls.add(message.target);
    if (message.kind === 'edit' && !this.#edits.has(message.target)) this.#edits.set(message.target, message.body);
    if (message.kind !== 'message' || message.countable === false) return undefined;
    const id = String(seqId);
    const last = { seqId, sender: message.sender, sentAt: appendedAt };
    const isEdited = message.edited !== undefined || this.#edits.has(id);
    const body = this.#edits.has(id) ? this.#edits.get(id) : message.body;
    const isRecalled = message.recalled !== undefined || this.#recalls.has(id);
    if (isRecalled || body === undefined) return withJson({ ...last, recalled: true as const });
    return withJson({ ...last, body, ...(isEdited && { edited: true as const }) });
  }
}
