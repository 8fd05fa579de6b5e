/** Plays an IRC log into a conversation of its own, in which Ann and Bob stand beside the people of the log. */
import type { MessageSync } from 'timeline-model/sync';
import { parseIrcLog } from '../../../examples/irc.js';
import type { Body } from '../../shared/bodies.js';
import { IMPORTED } from '../../shared/people.js';

export interface ImportResult {
  readonly conversation: string;
  readonly messages: number;
}

/** Tells the user that the file is no log, and where it stops being one. */
export class NotALog extends Error {}

const SENDS_AT_ONCE = 100;

/** A second import of the same log adds nothing: keys are the numbers of its lines, under the log's `name`. */
export async function importLog(chat: MessageSync<Body>, name: string, log: Uint8Array): Promise<ImportResult> {
  const messages = readLog(log);
  await (await chat.join(IMPORTED, ['ann', 'bob'], { key: 'import' })).delivered;
  for (let start = 0; start < messages.length; start += SENDS_AT_ONCE) {
    const part = messages.slice(start, start + SENDS_AT_ONCE);
    const sent = await Promise.all(
      part.map(({ line, sender, body }) => chat.send({ conversation: IMPORTED, sender, body, key: `${name}:${line}` })),
    );
    await Promise.all(sent.map(({ delivered }) => delivered));
  }
  return { conversation: IMPORTED, messages: messages.length };
}

interface LoggedMessage {
  readonly line: number;
  readonly sender: string;
  readonly body: Body;
}

function readLog(log: Uint8Array): LoggedMessage[] {
  const { lines } = parseIrcLog(log);
  const messages = lines.flatMap((line) => {
    if (line.kind !== 'message' || line.text.trim() === '') return [];
    const at = timeOfDay(line.at);
    const body: Body = {
      text: line.text,
      ...(at === undefined ? {} : { at }),
      ...(line.action ? { action: true } : {}),
    };
    return [{ line: line.number, sender: line.nick, body }];
  });
  const strange = lines.filter((line) => line.kind === 'other' && line.text.trim() !== '');
  if (messages.length === 0 || strange.length > messages.length) {
    const first = strange[0];
    const where =
      first?.kind === 'other' ? ` Line ${first.number}: ${first.text.slice(0, 60)}` : ' It has no messages.';
    throw new NotALog(`This file is not a log I can read.${where}`);
  }
  return messages;
}

function timeOfDay(time: string): number | undefined {
  const [hours, minutes] = time.split(':').map(Number);
  return hours === undefined || minutes === undefined ? undefined : new Date().setHours(hours, minutes, 0, 0);
}
