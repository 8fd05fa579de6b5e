import { each } from '../shared/listing.js';
import type { Directory, Membership } from '../types.js';

/** Reads the memberships of a user. If the directory lists only names, the user sees each conversation in full. */
export async function membershipsOf(directory: Directory, user: string): Promise<Membership[]> {
  const found = new Map<string, Membership>();
  const add = (item: string | Membership) => {
    const membership = typeof item === 'string' ? { conversation: item, joinedAt: 0n, from: 0n } : item;
    found.set(membership.conversation, membership);
  };
  const items = await directory.conversations(user);
  if (Array.isArray(items)) items.forEach(add);
  else for await (const item of each<string | Membership>(items)) add(item);
  return [...found.values()];
}
