/** Replays an IRC log: sends each message from its sender to the users present at that moment. */
import { basename, extname } from 'node:path';
import { isTimelineError } from 'timeline-model';
import type { Chat, Message } from './chat.js';
import { type IrcLine, type IrcLog, withPresence } from './irc.js';
import { Ledger } from './ledger.js';
import { clip, count, dim, field, heading, plural, print, progress, said, verdict } from './print.js';
import { UsageError } from './usage-error.js';

const DEVICE = 'phone';

export async function runReplay(chat: Chat, file: string, log: IrcLog): Promise<boolean> {
  const group = basename(file, extname(file));
  const accounted = printAccount(log);

  heading(`Replay into the group "${group}"`);
  const ledger = await replay(chat, group, log);
  field('stored', ledger.stored, already(ledger.history.length - ledger.stored));
  field('delivered', ledger.delivered, already(ledger.deliveries - ledger.delivered));
  field('inboxes', ledger.inboxes.size);

  const reader = busiest(ledger);
  if (reader !== undefined) {
    heading(`${reader}'s ${DEVICE} pulls what is new since its checkpoint`);
    await pullAll(chat, reader);
    heading('The last of the history, newest first');
    const { entries } = await chat.history(group).read({ reverse: true, limit: 5 });
    for (const { seqId, message } of entries) said(seqId, message);
  }

  heading('Read back from the stores');
  return (await ledger.verify(chat, group)) && accounted;
}

function printAccount({ lines, notUtf8 }: IrcLog): boolean {
  const tally = (wanted: (line: IrcLine) => boolean) => lines.filter(wanted).length;
  const actions = tally((line) => line.kind === 'message' && line.action);
  const counts = [
    ['messages', 'message'],
    ['joins', 'join'],
    ['leaves', 'leave'],
    ['renames', 'rename'],
    ['kicks', 'kick'],
    ['modes', 'mode'],
    ['topics', 'topic'],
    ['other', 'other'],
  ] as const;

  heading('Every line of the log');
  let sum = 0;
  for (const [name, kind] of counts) {
    const found = tally((line) => line.kind === kind);
    sum += found;
    const note = kind === 'message' && actions > 0 ? `${count(actions)} of them actions` : '';
    if (found > 0) field(name, found, note);
  }
  printOther(lines);
  if (notUtf8 > 0) print(dim(`  ${plural(notUtf8, 'line')} not in UTF-8, read as Latin-1`));
  verdict(sum === lines.length, 'sum', `${count(sum)} of ${plural(lines.length, 'line')}`);
  return sum === lines.length;
}

function printOther(lines: readonly IrcLine[]): void {
  const SHOWN = 5;
  const other = lines.filter((line) => line.kind === 'other');
  for (const { number, text } of other.slice(0, SHOWN))
    print(dim(`    line ${number}: ${clip(text, 60) || '(blank)'}`));
  if (other.length > SHOWN) print(dim(`    and ${plural(other.length - SHOWN, 'more line')}`));
}

async function replay(chat: Chat, group: string, { lines }: IrcLog): Promise<Ledger> {
  const ledger = new Ledger();
  for (const { line, present } of withPresence(lines)) {
    if (line.kind !== 'message') continue;
    const message: Message = { from: line.nick, at: line.at, text: line.text, ...(line.action && { action: true }) };
    const sent = await chat.send(group, present, message, `line ${line.number}`).catch((error: unknown) => {
      if (!isTimelineError(error) || error.code !== 'TIMELINE_KEY_CONFLICT') throw error;
      throw new UsageError(`this database holds another log of the name "${group}": line ${line.number} differs`);
    });
    ledger.record(message, present, sent);
    progress(`line ${count(line.number)} of ${count(lines.length)}`);
  }
  progress('');
  return ledger;
}

async function pullAll(chat: Chat, member: string): Promise<void> {
  let pages = 0;
  let messages = 0;
  for (;;) {
    const page = await chat.pull(member, DEVICE, 500);
    if (page.entries.length === 0) break;
    pages += 1;
    messages += page.entries.length;
    await chat.acknowledge(member, DEVICE, page.next);
  }
  print(
    messages === 0
      ? '  nothing new'
      : `  ${plural(messages, 'message')} in ${plural(pages, 'page')}; its checkpoint is at the last of them`,
  );
}

function busiest({ history }: Ledger): string | undefined {
  const spoken = new Map<string, number>();
  for (const { message } of history) spoken.set(message.from, (spoken.get(message.from) ?? 0) + 1);
  return [...spoken].sort(([, a], [, b]) => b - a)[0]?.[0];
}

function already(duplicates: number): string {
  return duplicates > 0 ? `${count(duplicates)} were there already` : '';
}
