import type { Evidence } from './evidence.js';

/** Compares what was said of members with the joins and leaves that the answer may have known. */
export function checkAnswers({ player, histories, fail }: Evidence): void {
  for (const { conversation, user, isMember, window } of player.questions.answers) {
    const history = histories.get(conversation)!;
    if (history.isUncertain(user)) continue;
    const { may, must } = history.membershipIn(user, window);
    const { appliedThrough, lastSeqId } = window;
    const when = `between ${appliedThrough} and ${lastSeqId}`;
    if (isMember && !may) fail(`${user} was said to be a member of ${conversation} ${when}`);
    if (!isMember && must) fail(`${user} was said to be no member of ${conversation} ${when}`);
  }
}
