import { seqIdOf } from '../../../src/cursor.js';
import type { Evidence } from './evidence.js';
import { countableFor, listProblems, unreadFor } from './list-check.js';

/** Compares a user's conversation list and read positions. */
export async function checkList({ world, player, histories, fail }: Evidence, user: string): Promise<void> {
  const { store, hosts } = world;
  const found = new Map<string, string>();
  for await (const { conversation, last, lastSeqId, readSeqId, unread } of hosts[0]!.sync.conversations(user)) {
    found.set(conversation, `last ${last?.seqId} ${last?.body}, end ${lastSeqId}, read ${readSeqId}, unread ${unread}`);
  }
  for (const history of histories.values()) {
    const { conversation } = history;
    const period = history.currentPeriod(user);
    const cursor = await store.timeline(conversation).checkpoint(`read:${user}`).get();
    const read = cursor === undefined ? 0n : seqIdOf(cursor);
    const marked = player.marks.furthest.get(`${user}@${conversation}`) ?? 0n;
    for (const client of player.clients) {
      const told = client.user === user ? (client.reads.get(conversation) ?? 0n) : 0n;
      if (told > read) fail(`${client.name} was told that ${told} of ${conversation} was read, not ${read}`);
    }
    if (read < marked) fail(`${user} marked ${marked} of ${conversation} as read, and ${read} stands`);
    if (history.isUncertain(user)) continue;
    const unread = unreadFor(history, user, read);
    const last = countableFor(history, user).at(-1);
    const shows = last && history.finally(last.seqId).body;
    const should = period && `last ${last?.seqId} ${shows}, end ${history.last}, read ${read}, unread ${unread.length}`;
    const does = found.get(conversation);
    if (does !== should) fail(`for ${user}, ${conversation} is listed as “${does}” instead of “${should}”`);
  }
  if ([...histories.values()].some((history) => history.isUncertain(user))) return;
  for (const problem of await listProblems(world, { user, histories: histories.values(), settings: player.settings }))
    fail(problem);
}
