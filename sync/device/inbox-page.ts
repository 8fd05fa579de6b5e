import { type Cursor, isTimelineError, type Page } from '../../src/index.js';
import type { Context } from '../shared/context.js';
import type { Synced } from '../types.js';

/** Returns `undefined` if the next entry does not decode: only the conversations can tell its content. */
export async function readInbox<M>(
  { sync }: Context<M>,
  user: string,
  after: Cursor | bigint | undefined,
  limit: number,
): Promise<Page<Synced<M>> | undefined> {
  try {
    return await sync.timeline(user).read({ after, limit, onUndecodable: 'throw' });
  } catch (error) {
    if (isTimelineError(error) && error.code === 'TIMELINE_DECODE') return undefined;
    throw error;
  }
}
