import type { ChatMessage } from '../../../sync/types.js';
import type { Evidence } from './evidence.js';
import { type Entry, type History, textOf } from './history.js';
import { walkPages } from './page-reader.js';

interface Visible {
  readonly after: bigint;
  readonly through: bigint | undefined;
}

/** Compares all pages with the history, for everyone and in both directions. */
export async function checkPages(evidence: Evidence): Promise<void> {
  const { world, histories, fail } = evidence;
  for (const history of histories.values()) {
    checkSeenPages(evidence, history);
    for (const user of [undefined, ...world.users]) {
      if (user !== undefined && history.isUncertain(user)) continue;
      const should = visibleMessages(history, user);
      for (const isForward of [true, false]) {
        const limit = 1 + world.random.below(6);
        const request = { conversation: history.conversation, user, isForward, limit };
        const { messages, problems } = await walkPages(world.host(limit).sync, request);
        const does = messages.map(inShort);
        for (const problem of problems) fail(problem);
        if (does.join() !== should.join()) {
          const name = `${isForward ? 'forward' : 'backward'} pages of ${history.conversation} for ${user}`;
          fail(`${name} show “${does}” instead of “${should}”`);
        }
      }
    }
  }
}

function visibleMessages(history: History, user: string | undefined): string[] {
  const visible = user === undefined ? { after: 0n, through: undefined } : visibleTo(history, user);
  if (!visible) return [];
  const { after, through } = visible;
  return history.kept
    .filter(({ seqId }) => seqId > after && (through === undefined || seqId <= through))
    .filter(isListed)
    .map(({ seqId }) => {
      const { body, edited, recalled } = history.finally(seqId);
      return `${seqId} ${body} ${edited !== undefined} ${recalled !== undefined}`;
    });
}

/** Pages show reactions with the messages that they relate to. */
const isListed = ({ message }: Entry) =>
  message.kind === 'message' && !(message.countable === false && message.relatesTo !== undefined);

const inShort = ({ seqId, body, edited, recalled }: ChatMessage<string>) =>
  `${seqId} ${body} ${edited === true} ${recalled === true}`;

/** The last membership, and earlier ones as far as they leave no gap before it. */
function visibleTo(history: History, user: string): Visible | undefined {
  const periods = [...history.periodsOf(user)].reverse();
  const last = periods[0];
  if (!last) return undefined;
  let after = last.from;
  for (const { from, leftAt } of periods.slice(1)) {
    if (leftAt === undefined || leftAt < after) break;
    if (from < after) after = from;
  }
  return { after, through: last.leftAt };
}

/** Pages that were read during the run: no gap, and no body from before a change that was acknowledged. */
function checkSeenPages({ player, fail }: Evidence, history: History): void {
  const { conversation } = history;
  for (const { user, messages, changes } of player.pages.walks.filter((each) => each.conversation === conversation)) {
    if (user !== undefined && history.isUncertain(user)) continue;
    // A leave counts once it is in force, which may have been later.
    const from = user === undefined ? 0n : (history.periodsOf(user)[0]?.from ?? history.last);
    const allowed = new Set(history.messages.filter(({ seqId }) => seqId > from).map(({ seqId }) => seqId));
    const seqIds = messages.map(({ seqId }) => seqId);
    for (const { seqId, body, recalled } of messages) {
      const known = changes.filter(({ target }) => target === seqId);
      if (!allowed.has(seqId)) fail(`a page of ${conversation} shows ${seqId} to ${user}, which it should not`);
      const all = history.entries.filter(({ message }) => 'target' in message && BigInt(message.target) === seqId);
      const versions = [history.find(seqId)!, ...all.filter(({ message }) => message.kind === 'edit')];
      const shown = versions.findIndex((each) => textOf(each) === body);
      const least = known.reduce((newest, each) => (each.seqId > newest ? each.seqId : newest), 0n);
      const isOld = !recalled && (shown < 0 || versions[shown]!.seqId < least);
      const isRecallMissed = !recalled && known.some(({ kind }) => kind === 'recall');
      if (isOld || isRecallMissed)
        fail(`a page of ${conversation} shows ${body} for ${seqId}, although ${least} had changed it`);
    }
    if (user !== undefined || seqIds.length === 0) continue;
    const [first, last] = [seqIds[0]!, seqIds.at(-1)!];
    const between = history.kept.filter(({ seqId }) => seqId > first && seqId < last).filter(isListed);
    const missing = between.filter(({ seqId }) => !seqIds.includes(seqId));
    for (const { seqId } of missing) fail(`the pages of ${conversation} lack ${seqId} between ${first} and ${last}`);
  }
}
