/** People and conversations that the demo begins with. */
import type { StoreName } from './status.js';

export const LUNCH = 'group:lunch';
export const CHANNEL = 'channel:releases';
/** Has members and no message. */
export const EMPTY_ROOM = 'group:new';
/** Holds a log that was imported. */
export const IMPORTED = 'group:log';

/** Members of {@link CHANNEL}, Ann and Bob among them; a store that answers slowly has fewer. */
export const channelMembers = (store: StoreName): number => (store === 'tablestore' ? 500 : 5000);

/** The only one who writes to {@link CHANNEL}. */
export const CHANNEL_AUTHOR = 'ann';

export interface Conversation {
  readonly id: string;
  /** Absent: a conversation of two, named after the other one. */
  readonly title?: string;
  readonly members: readonly string[];
}

/** In the order in which they got their last message. */
export const CONVERSATIONS: readonly Conversation[] = [
  { id: EMPTY_ROOM, title: 'New room', members: ['ann', 'bob', 'cem'] },
  { id: 'direct:ann-farid', members: ['ann', 'farid'] },
  { id: 'direct:bob-hana', members: ['bob', 'hana'] },
  { id: 'group:books', title: 'Book swap', members: ['ann', 'dara', 'ivo'] },
  { id: 'group:choir', title: 'Choir', members: ['bob', 'hana', 'ivo'] },
  { id: 'direct:ann-dara', members: ['ann', 'dara'] },
  { id: 'group:garden', title: 'Garden plans', members: ['ann', 'bob', 'farid', 'ivo'] },
  { id: CHANNEL, title: 'Release notes', members: ['ann', 'bob'] },
  { id: 'direct:ann-bob', members: ['ann', 'bob'] },
  { id: LUNCH, title: 'Lunch club', members: ['ann', 'bob', 'cem'] },
];

/** People with a hue of their own; everybody else is neutral. */
export const personOf = (user: string): 'ann' | 'bob' | 'other' => (user === 'ann' || user === 'bob' ? user : 'other');

export const nameOf = (user: string): string => user.charAt(0).toUpperCase() + user.slice(1);

/** The title that a user sees. */
export function titleOf(conversation: string, viewer: string): string {
  const known = CONVERSATIONS.find(({ id }) => id === conversation);
  if (known?.title !== undefined) return known.title;
  const other = known?.members.find((member) => member !== viewer);
  if (other !== undefined) return nameOf(other);
  return conversation === IMPORTED ? 'Imported log' : conversation;
}

/** The person whom a conversation of two is with; `undefined` for groups. */
export function otherIn(conversation: string, viewer: string): string | undefined {
  const known = CONVERSATIONS.find(({ id }) => id === conversation);
  return known?.title === undefined ? known?.members.find((member) => member !== viewer) : undefined;
}

/** `undefined` for the channel and for an imported log. */
export function memberCount(conversation: string): number | undefined {
  if (conversation === CHANNEL) return undefined;
  return CONVERSATIONS.find(({ id }) => id === conversation)?.members.length;
}
