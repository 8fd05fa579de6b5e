import type { DeviceClient, Receipt } from './device-client.js';
import type { Evidence } from './evidence.js';
import type { Entry, History } from './history.js';
import type { ReadMark } from './read-marks.js';

type InboxReceipt = Omit<Receipt, 'isAcked'>;

/** Senders are told of what was read: of nothing else, in order, and of all of it in the end. */
export async function checkReceipts(evidence: Evidence, user: string): Promise<void> {
  const { world, player, histories, fail } = evidence;
  const inbox: InboxReceipt[] = [];
  for await (const { message } of world.sync.timeline(user).scan())
    if (message.kind === 'receipt') inbox.push({ ...message, seqId: BigInt(message.seqId) });
  for (const receipt of inbox) checkReceipt(evidence, `the inbox of ${user}`, user, receipt);
  for (const client of player.clients.filter((each) => each.user === user)) {
    for (const receipt of client.receipts) checkReceipt(evidence, client.name, user, receipt);
    checkOrder(evidence, client);
    if (world.setting.expires || client.start !== 'oldest') continue;
    const got = new Set(client.receipts.map(nameOf));
    for (const receipt of inbox) if (!got.has(nameOf(receipt))) fail(`${client.name} lacks ${nameOf(receipt)}`);
  }
  if (!world.setting.expires && world.setting.receipts)
    for (const history of histories.values()) checkComplete(evidence, user, { history, inbox });
}

function nameOf({ conversation, reader, seqId }: InboxReceipt): string {
  return `the receipt of ${reader} up to ${seqId} of ${conversation}`;
}

function checkReceipt({ player, histories, fail }: Evidence, where: string, user: string, receipt: InboxReceipt): void {
  const { conversation, reader, seqId } = receipt;
  const history = histories.get(conversation)!;
  const marks = player.marks.of(reader, conversation).filter((mark) => mark.seqId === seqId);
  if (marks.length === 0) fail(`${where} has ${nameOf(receipt)}, who has not read so far`);
  if (reader === user) fail(`${where} has ${nameOf(receipt)}, its own`);
  const isSender = sentBy(history, user).some((entry) => entry.seqId <= seqId);
  if (!isSender) fail(`${where} has ${nameOf(receipt)}, who has read no message of its user`);
  for (const name of [reader, user]) {
    const mayBe = marks.some(({ window }) => history.membershipIn(name, window).may);
    if (!mayBe && !history.isUncertain(name)) fail(`${where} has ${nameOf(receipt)}, when ${name} was no member`);
  }
}

function sentBy(history: History, user: string): Entry[] {
  return history.messages.filter(({ message }) => message.kind === 'message' && message.sender === user);
}

/** A receipt that says less than one before is of a call that had begun before the other one ended. */
function checkOrder({ player, fail }: Evidence, client: DeviceClient): void {
  for (const [i, receipt] of client.receipts.entries()) {
    const { conversation, reader, seqId } = receipt;
    const marks = player.marks.of(reader, conversation);
    const further = client.receipts
      .slice(0, i)
      .filter((each) => each.conversation === conversation && each.reader === reader && each.seqId > seqId);
    const ends = further.flatMap((each) =>
      marks.filter((mark) => mark.seqId === each.seqId && mark.ended !== undefined),
    );
    const begun = Math.min(...marks.filter((mark) => mark.seqId === seqId).map((mark) => mark.begun));
    if (ends.some(({ ended }) => ended! < begun)) fail(`${client.name} got ${nameOf(receipt)} after a further one`);
  }
}

/** Of each message that is read: if all calls that may have passed it had to tell its sender, one of them has. */
function checkComplete(
  { world, player, fail }: Evidence,
  user: string,
  { history, inbox }: { readonly history: History; readonly inbox: readonly InboxReceipt[] },
): void {
  const { conversation } = history;
  if (history.isUncertain(user)) return;
  for (const reader of world.users.filter((name) => name !== user)) {
    if (history.isUncertain(reader)) continue;
    const marks = player.marks.of(reader, conversation);
    const told = inbox.reduce(
      (most, each) =>
        each.conversation === conversation && each.reader === reader && each.seqId > most ? each.seqId : most,
      0n,
    );
    for (const { seqId } of sentBy(history, user)) {
      const passing = marks.filter((mark) => mark.seqId >= seqId);
      const mustTell = ({ window, goneThrough }: ReadMark) =>
        goneThrough < seqId && [reader, user].every((name) => history.membershipIn(name, window).must);
      const isRead = passing.some(({ stands }) => stands !== undefined);
      if (isRead && passing.every(mustTell) && told < seqId)
        fail(`${user} was told that ${reader} has read up to ${told} of ${conversation}, and it was up to ${seqId}`);
    }
  }
}
