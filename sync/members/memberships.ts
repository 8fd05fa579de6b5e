import { each } from '../shared/listing.js';
import type { Directory, Membership } from '../types.js';

/** Reads the memberships of a user. If the directory lists only names, the user sees each conversation in full. */
export async function membershipsOf(directory: Directory, user: string): Promise<Membership[]> {
  const found = new Map<string, Membership>();
  for await (const item of each<string | Membership>(directory.conversations(user))) {
    const membership = typeof item === 'string' ? { conversation: item, joinedAt: 0n, from: 0n } : item;
    found.set(membership.conversation, membership);
  }
  return [...found.values()];
}
