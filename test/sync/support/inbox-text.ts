import type { TimelineStore } from '../../../src/index.js';
import type { Synced } from '../../../sync/index.js';
import { all } from './people.js';

/** Returns all that the inboxes of these users hold. */
export async function inboxText(inboxes: TimelineStore<Synced<string>>, ...users: string[]): Promise<string> {
  const entries = await Promise.all(users.map((user) => all(inboxes.timeline(user).scan())));
  return JSON.stringify(entries.flat().map(({ message }) => message));
}
