import { isTimelineError } from '../../src/errors.js';
import { checkObject } from '../../src/text.js';
import type { TimelineStore } from '../../src/types.js';
import { RecentMap } from '../shared/listing.js';
import { timelineOf } from '../shared/names.js';
import type { Directory, Membership, Stored } from '../types.js';
import { isMember, MembershipLog, type MembershipPeriod, type MembershipRecord } from './membership-log.js';

/** Conversations, and users, whose membership logs stay in memory. */
const MAX_LOGS = 2000;
const RECORDS_PER_CALL = 1000;

/**
 * Makes a directory that keeps memberships as Timelines of `store`, which may be the store library. It records joins
 * and leaves by conversation and by user, each with its SeqId in the conversation. Change them with `sync.join` and
 * `sync.leave`.
 */
export function timelineDirectory<M>(options: { readonly store: TimelineStore<Stored<M>> }): Required<Directory> {
  const { store } = checkObject(options, 'options');
  const byConversation = new RecentMap<string, MembershipLog<M>>(MAX_LOGS);
  const byUser = new RecentMap<string, MembershipLog<M>>(MAX_LOGS);
  const membersOf = (conversation: string) =>
    byConversation.use(conversation, () => new MembershipLog(store.timeline(timelineOf.members(conversation))));
  const membershipsOf = (user: string) =>
    byUser.use(user, () => new MembershipLog(store.timeline(timelineOf.memberships(user))));

  return {
    async members(conversation, options) {
      const at = options?.at;
      const log = membersOf(conversation);
      await (at === undefined ? log.refresh() : log.load());
      const users: string[] = [];
      for (const [user, periods] of log.periods) if (periods.some((period) => isMember(period, at))) users.push(user);
      return users;
    },

    async conversations(user) {
      const log = membershipsOf(user);
      await log.refresh();
      const memberships: Membership[] = [];
      for (const [conversation, periods] of log.periods) {
        const { joinedAt, from, leftAt } = periods.at(-1) as MembershipPeriod;
        if (leftAt === undefined) memberships.push({ conversation, joinedAt, from });
      }
      return memberships;
    },

    async size(conversation) {
      const log = membersOf(conversation);
      await log.load();
      return log.currentCount;
    },

    async refresh(conversation) {
      await membersOf(conversation).refresh();
    },

    async seenThrough(conversation, user, at) {
      const log = membersOf(conversation);
      await log.load();
      let seen = 0n;
      for (const { joinedAt, leftAt = at } of log.periods.get(user) ?? []) {
        if (joinedAt < at && leftAt > seen) seen = leftAt < at ? leftAt : at;
      }
      return seen;
    },

    async apply(conversation, change) {
      const log = membersOf(conversation);
      await log.load();
      if (log.appliedThrough >= change.at) await log.refresh();
      const at = String(change.at);
      const state = (fields: Partial<MembershipRecord>) => ({
        kind: 'state' as const,
        state: { change: change.kind, at, ...fields } satisfies MembershipRecord,
      });
      const items = change.users.map((user, i) => ({
        timeline: timelineOf.memberships(user),
        message: state({ conversation, ...(change.from && { from: [String(change.from[i])] }) }),
        key: `${at}@${conversation}`,
      }));
      for (let i = 0; i < items.length; i += RECORDS_PER_CALL) {
        for (const outcome of await store.appendBatch(items.slice(i, i + RECORDS_PER_CALL)))
          if (!outcome.ok) ignoreConflict(outcome.error);
      }
      const record = state({ users: change.users, ...(change.from && { from: change.from.map(String) }) });
      await store.timeline(timelineOf.members(conversation)).append(record, { key: at }).catch(ignoreConflict);
      await log.refresh();
    },
  };
}

/** Another process applied the change first, perhaps with another visible past. Its record stands. */
function ignoreConflict(error: unknown): void {
  if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
}
