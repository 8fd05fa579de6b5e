import type { TimelineStore } from '../../src/index.js';
import { checkFields, invalidArgument } from '../../src/toolkit/index.js';
import { RecentMap } from '../shared/listing.js';
import { timelineOf } from '../shared/names.js';
import type { Directory, MembershipChange, Stored } from '../types.js';
import { ConversationMembers, type MembersChange, type MembersSnapshot } from './conversation-members.js';
import { ignoreKeyConflict, SnapshotLog } from './snapshot-log.js';
import { type MembershipsChange, type MembershipsSnapshot, UserMemberships } from './user-memberships.js';

/** Conversations, and users, whose memberships stay in memory. */
const MAX_LOGS = 2000;
const RECORDS_PER_CALL = 1000;
/** A log is compacted after as many changes as it has members, and not before this many. */
const LEAST_CHANGES = 64;

/**
 * Makes a directory that keeps memberships as Timelines of `store`: the state library, or the store library if messages
 * never expire. A library with a TTL is refused. It records joins and leaves by conversation and by user, each with its
 * SeqId in the conversation. Change them with `sync.join` and `sync.leave`. Cost and memory follow the present members,
 * not those of the past.
 */
export function timelineDirectory<M>(options: { readonly store: TimelineStore<Stored<M>> }): Required<Directory> {
  const { store } = checkFields(options, { store: true });
  if (store.ttlMs !== undefined) throw invalidArgument('store', 'must not have a TTL: memberships would expire');
  return assembleDirectory(store, LEAST_CHANGES);
}

/** `leastChanges`: changes after which a log may be compacted; tests shorten it. */
export function assembleDirectory<M>(store: TimelineStore<Stored<M>>, leastChanges: number): Required<Directory> {
  const conversations = new RecentMap<string, MembersLog<M>>(MAX_LOGS);
  const users = new RecentMap<string, MembershipsLog<M>>(MAX_LOGS);
  const membersOf = (conversation: string) => conversations.use(conversation, () => membersLog(store, conversation));
  const membershipsOf = (user: string) => users.use(user, () => membershipsLog(store, user));

  return {
    async members(conversation, options) {
      const { log, state } = membersOf(conversation);
      await (options === undefined ? log.refresh() : log.load());
      return state.list(options?.at);
    },

    async conversations(user) {
      const { log, state } = membershipsOf(user);
      await log.refresh();
      return state.list();
    },

    async size(conversation) {
      const { log, state } = membersOf(conversation);
      await log.load();
      return state.count;
    },

    async isMember(conversation, user, at) {
      const { log, state } = membersOf(conversation);
      await log.load();
      return state.has(user, at);
    },

    async visibleAfter(conversation, user, at) {
      const { log, state } = membersOf(conversation);
      await log.load();
      return state.visibleAfter(user, at);
    },

    async visibleFrom(conversation, user, at) {
      const { log, state } = membersOf(conversation);
      await log.load();
      return state.visibleFrom(user, at);
    },

    async refresh(conversation) {
      await membersOf(conversation).log.refresh();
    },

    async apply(conversation, change) {
      const { log, state } = membersOf(conversation);
      await log.load();
      if (state.appliedThrough >= change.at) await log.refresh();
      const grown = await appendToUsers(store, conversation, change, leastChanges);
      const record: MembersChange = {
        change: change.kind,
        at: String(change.at),
        epoch: change.epoch,
        users: change.users,
        ...(change.from && { from: change.from.map(String) }),
      };
      const key = `${record.at}.${change.epoch.toString(36)}`;
      await store
        .timeline(timelineOf.members(conversation))
        .append({ kind: 'state', state: record }, { key })
        .catch(ignoreKeyConflict);
      await log.refresh();
      for (const user of grown) await compactIfLong(membershipsOf(user), leastChanges);
    },

    async rebase(conversation, { epoch, end, present }) {
      const { log, state } = membersOf(conversation);
      await log.load();
      if (state.epoch !== epoch) return;
      const changed = state.changedAfter(end);
      if (changed.length === 0) return;
      const change = { change: 'rebase', at: String(end), epoch: present } as const;
      const key = `rebase:${end}.${present.toString(36)}`;
      // First the users: while the conversation's own log has no such record, the next process does it again.
      const items = changed.map((user) => ({
        ...{ timeline: timelineOf.memberships(user), key: `${key}@${conversation}` },
        message: { kind: 'state', state: { ...change, conversation } satisfies MembershipsChange } as const,
      }));
      for (let i = 0; i < items.length; i += RECORDS_PER_CALL)
        for (const outcome of await store.appendBatch(items.slice(i, i + RECORDS_PER_CALL)))
          if (!outcome.ok) ignoreKeyConflict(outcome.error);
      const message = { kind: 'state', state: { ...change, users: [] } satisfies MembersChange } as const;
      await store.timeline(timelineOf.members(conversation)).append(message, { key }).catch(ignoreKeyConflict);
      await log.refresh();
    },

    async compact(conversation, { deliveredThrough }) {
      const members = membersOf(conversation);
      members.state.deliveredThrough = deliveredThrough;
      await compactIfLong(members, leastChanges);
    },
  };
}

interface MembersLog<M> {
  readonly state: ConversationMembers;
  readonly log: SnapshotLog<M, MembersChange, MembersSnapshot>;
}

interface MembershipsLog<M> {
  readonly state: UserMemberships;
  readonly log: SnapshotLog<M, MembershipsChange, MembershipsSnapshot>;
}

function membersLog<M>(store: TimelineStore<Stored<M>>, conversation: string): MembersLog<M> {
  const state = new ConversationMembers();
  return { state, log: new SnapshotLog(store, timelineOf.members(conversation), state) };
}

function membershipsLog<M>(store: TimelineStore<Stored<M>>, user: string): MembershipsLog<M> {
  const state = new UserMemberships();
  return { state, log: new SnapshotLog(store, timelineOf.memberships(user), state) };
}

/** Returns the users whose logs may be long enough for a snapshot: one of `leastChanges` records makes it look. */
async function appendToUsers<M>(
  store: TimelineStore<Stored<M>>,
  conversation: string,
  { kind, users, at, from, epoch }: MembershipChange,
  leastChanges: number,
): Promise<string[]> {
  const items = users.map((user, i) => {
    const change: MembershipsChange = {
      change: kind,
      at: String(at),
      epoch,
      conversation,
      ...(from && { from: String(from[i]) }),
    };
    const message = { kind: 'state', state: change } as const;
    return { timeline: timelineOf.memberships(user), message, key: `${at}.${epoch.toString(36)}@${conversation}` };
  });
  const grown: string[] = [];
  for (let i = 0; i < items.length; i += RECORDS_PER_CALL) {
    const some = items.slice(i, i + RECORDS_PER_CALL);
    for (const [j, outcome] of (await store.appendBatch(some)).entries()) {
      if (!outcome.ok) ignoreKeyConflict(outcome.error);
      else if (isDue(store, outcome.seqId, leastChanges)) grown.push(users[i + j] as string);
    }
  }
  return grown;
}

function isDue<M>({ capabilities }: TimelineStore<Stored<M>>, seqId: bigint, leastChanges: number): boolean {
  return capabilities.dense ? seqId % BigInt(leastChanges) === 0n : Math.random() * leastChanges < 1;
}

async function compactIfLong<M>(
  { log, state }: MembersLog<M> | MembershipsLog<M>,
  leastChanges: number,
): Promise<void> {
  await log.refresh();
  if (log.changeCount >= Math.max(leastChanges, state.count)) await log.compact();
}
