import type { Head, TimelineStore } from '../../src/index.js';
import { heldSeqId } from '../shared/epochs.js';
import { readerOf } from '../shared/names.js';
import type { Stored } from '../types.js';

/** Reads the SeqIds of users' last leaves; 0n for none, or for one that the conversation has lost. */
export async function lastLeaves<M>(
  store: TimelineStore<Stored<M>>,
  views: readonly { readonly conversation: string; readonly user: string }[],
): Promise<bigint[]> {
  const names = [...new Set(views.map(({ conversation }) => conversation))];
  const items = views.map(({ conversation, user }) => ({ timeline: conversation, reader: readerOf.leave(user) }));
  const [leaves, found] = await Promise.all([store.checkpoints(items), store.heads(names)]);
  const heads = new Map(names.map((name, i) => [name, found[i] as Head]));
  return views.map(({ conversation }, i) => heldSeqId(heads.get(conversation) as Head, leaves[i]));
}
