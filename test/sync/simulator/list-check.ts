import type { ConversationSettings, ConversationSummary } from '../../../sync/types.js';
import type { Entry, History } from './history.js';
import type { SettingsCommands } from './settings-commands.js';
import type { World } from './world.js';

const isCountable = ({ message }: Entry) => message.kind === 'message' && message.countable !== false;

/** Returns the messages that count and that the user sees. */
export function countableFor(history: History, user: string): Entry[] {
  const period = history.currentPeriod(user);
  return history.kept.filter((entry) => period && entry.seqId > period.from && isCountable(entry));
}

/** Returns those that others sent after the read position, and nobody recalled. */
export function unreadFor(history: History, user: string, read: bigint): Entry[] {
  return countableFor(history, user).filter(
    ({ seqId, message }) =>
      'sender' in message && message.sender !== user && seqId > read && history.finally(seqId).recalled === undefined,
  );
}

/** Compares mentions, settings, totals, pages and related messages with the histories. Returns the differences. */
export async function listProblems(
  world: World,
  { user, histories, settings }: { user: string; histories: Iterable<History>; settings: SettingsCommands },
): Promise<string[]> {
  const problems: string[] = [];
  const { sync } = world.hosts[0]!;
  const list = new Map<string, ConversationSummary<string>>();
  for await (const summary of sync.conversations(user)) list.set(summary.conversation, summary);
  const totals = { messages: 0, mentions: 0, conversations: 0, capped: false };
  for (const history of histories) {
    const { conversation } = history;
    const summary = list.get(conversation);
    if (!summary) continue;
    const unread = unreadFor(history, user, summary.readSeqId);
    const mentions = unread.filter(({ message }) => 'mentions' in message && message.mentions?.includes(user)).length;
    if (summary.mentions !== mentions) problems.push(`${user} has ${summary.mentions} mentions, not ${mentions}`);
    for (const name of settings.wrongOnes(user, conversation, summary.settings))
      problems.push(`${conversation} has for ${user} a wrong setting ${name}: ${JSON.stringify(summary.settings)}`);
    if (!summary.settings.muted && !summary.settings.archived) {
      totals.messages += unread.length;
      totals.mentions += mentions;
      if (unread.length > 0) totals.conversations++;
    }
    problems.push(...(await relatedProblems(world, history, user)));
  }
  const counted = JSON.stringify(await sync.unread(user));
  if (counted !== JSON.stringify(totals))
    problems.push(`the totals of ${user} are ${counted}, not ${JSON.stringify(totals)}`);
  problems.push(...(await pageProblems(world, user, [...list.keys()])), ...(await toldProblems(world, user, list)));
  return problems;
}

async function relatedProblems(world: World, history: History, user: string): Promise<string[]> {
  const { conversation } = history;
  const { messages } = await world.hosts[0]!.sync.messages(conversation, { user, limit: 1000 });
  return messages.flatMap(({ seqId, related = [] }) => {
    const newest = new Map<string, bigint>();
    for (const { seqId: relation, message } of history.kept) {
      if (message.kind !== 'message' || message.relatesTo !== String(seqId)) continue;
      if (history.finally(relation).recalled === undefined) newest.set(message.sender, relation);
    }
    const should = [...newest.values()]
      .sort((a, b) => (a < b ? -1 : 1))
      .map((relation) => `${relation} ${history.finally(relation).body}`);
    const does = related.map((each) => `${each.seqId} ${each.body}`);
    if (does.join() === should.join()) return [];
    return [`to ${seqId} of ${conversation} relates for ${user} ${does.join()} instead of ${should.join()}`];
  });
}

async function pageProblems(world: World, user: string, whole: readonly string[]): Promise<string[]> {
  const paged: string[] = [];
  for (let after: string | undefined; paged.length <= whole.length; ) {
    const before = paged.length;
    for await (const { conversation, next } of world.hosts[0]!.sync.conversations(user, { after, limit: 1 })) {
      paged.push(conversation);
      after = next;
    }
    if (paged.length === before) break;
  }
  return paged.join() === whole.join() ? [] : [`the pages of ${user} are ${paged.join()}, not ${whole.join()}`];
}

/** The newest inbox entry of a conversation has its present settings. */
async function toldProblems(
  world: World,
  user: string,
  list: ReadonlyMap<string, ConversationSummary<string>>,
): Promise<string[]> {
  if (world.setting.expires) return [];
  // A change of nothing waits for the announcement of earlier ones.
  for (const conversation of list.keys()) await world.hosts[0]!.sync.configure(user, conversation, {});
  const told = new Map<string, { readonly at: bigint; readonly settings: ConversationSettings }>();
  for await (const { message } of world.sync.timeline(user).scan()) {
    if (message.kind !== 'settings') continue;
    const at = BigInt(message.seqId);
    if (at > (told.get(message.conversation)?.at ?? 0n))
      told.set(message.conversation, { at, settings: message.settings });
  }
  return [...told].flatMap(([conversation, { settings }]) => {
    const present = list.get(conversation)?.settings ?? settings;
    const [does, should] = [settings, present].map(({ muted, archived, pinned }) => `${muted} ${archived} ${pinned}`);
    return does === should ? [] : [`the inbox of ${user} has ${does} for ${conversation}, not ${should}`];
  });
}
