import { isTimelineError, type TimelineEntry, TimelineError } from '../../src/index.js';
import { describeValue } from '../../src/toolkit/index.js';
import type { Sent, Stored } from '../../sync/index.js';
import { decisionOf } from '../user-code.js';
import type { Call } from './route.js';

/** Of two users who found a conversation at once, the store refuses the second, whose join differs. */
const FOUNDING_KEY = 'founding';
/** Users in one entry of a join. */
const USERS_PER_ENTRY = 500;

type FoundingResult = Pick<Sent, 'seqId' | 'duplicate' | 'delivered'>;

/**
 * Makes `users` the first members of a conversation that has never had an entry. Resolves with `undefined` for any
 * other conversation. A request that is repeated because its answer was lost gets the first answer again.
 */
export async function found<M>(call: Call<M>, users: readonly string[]): Promise<FoundingResult | undefined> {
  const { sync, options, user, params } = call;
  const { id: conversation = '' } = params;
  if (!users.includes(user)) return undefined;
  const { entries, head } = await sync.history(conversation).read({ after: 0n, limit: 1, onUndecodable: 'skip' });
  if (head.lastSeqId > 0n) return repeated(entries[0], users);
  // A directory of the caller's own may know members of a conversation without messages.
  const { done: isEmpty } = await sync.members(conversation)[Symbol.asyncIterator]().next();
  if (!isEmpty) return undefined;
  if (!(await decisionOf('mayFound', options.mayFound({ user, conversation, users })))) {
    const message = `${describeValue(user)} may not found ${describeValue(conversation)}`;
    throw new TimelineError('TIMELINE_FORBIDDEN', message, { timeline: conversation });
  }
  try {
    return await sync.join(conversation, users, { key: FOUNDING_KEY });
  } catch (error) {
    if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
    const message = `others have founded ${describeValue(conversation)} at the same time`;
    throw new TimelineError('TIMELINE_FORBIDDEN', message, { timeline: conversation });
  }
}

function repeated<M>(
  first: TimelineEntry<Stored<M>> | undefined,
  users: readonly string[],
): FoundingResult | undefined {
  if (first?.message?.kind !== 'join') return undefined;
  const names = [...new Set(users)].slice(0, USERS_PER_ENTRY);
  const { users: founders } = first.message;
  if (founders.length !== names.length || names.some((name, i) => name !== founders[i])) return undefined;
  return { seqId: first.seqId, duplicate: true, delivered: Promise.resolve({ recipients: 0, refused: [] }) };
}
