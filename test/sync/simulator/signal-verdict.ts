import type { Evidence } from './evidence.js';

/** A signal may be lost, but not made up: members alone hear it, once, and only while they are subscribed. */
export function checkSignals(evidence: Evidence): void {
  const { world, player, fail } = evidence;
  const { sent, heard } = player.signals;
  for (const { conversation, from, outcome, name, window } of sent) {
    const history = evidence.histories.get(conversation)!;
    if (outcome === undefined || history.isUncertain(from)) continue;
    const { may, must } = history.membershipIn(from, window);
    if (outcome === 'sent' && !may) fail(`${name} was sent to ${conversation} by ${from}, who was no member`);
    if (outcome === 'forbidden' && must) fail(`${name} was refused to ${from}, a member of ${conversation}`);
  }
  const known = new Set<string>();
  for (const [i, { client, message, subscription }] of heard.entries()) {
    const signal = sent.find(({ name }) => JSON.stringify({ name }) === JSON.stringify(message.body));
    const { conversation, sender } = message;
    if (!signal || signal.conversation !== conversation || signal.from !== sender) {
      fail(`${client.name} heard ${JSON.stringify(message.body)} of ${sender} in ${conversation}, which nobody sent`);
      continue;
    }
    const history = evidence.histories.get(conversation)!;
    if (!history.isUncertain(client.user) && !history.membershipIn(client.user, signal.window).may)
      fail(`${client.name} heard ${signal.name} of ${conversation}, whose user was no member`);
    if (signal.outcome === 'forbidden') fail(`${client.name} heard ${signal.name}, which was refused`);
    const isEarlier = signal.ended !== undefined && signal.ended < subscription.begun;
    // A payload on its way from a server may meet a new listener of its topic.
    if (isEarlier && world.sync.capabilities.signals === 'process')
      fail(`${client.name} heard ${signal.name}, which was sent before the subscription`);
    const once = `${heard.findIndex((each) => each.subscription === subscription)} ${signal.name}`;
    if (known.has(once)) fail(`${client.name} heard ${signal.name} twice, the second time as signal ${i}`);
    known.add(once);
  }
}
