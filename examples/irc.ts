/** Reads IRC logs in the common format: `[12:30] <nick> text`, `=== nick has joined #channel`, `* nick waves`. */

/** One line of a log. Each line of the file becomes exactly one of these, in order. */
export type IrcLine = { readonly number: number } & IrcContent;

type IrcContent =
  /** `action` is a `/me` line: "Ada waves". `at` is the line's time, or that of the line before. */
  | {
      readonly kind: 'message';
      readonly at: string;
      readonly nick: string;
      readonly text: string;
      readonly action: boolean;
    }
  | { readonly kind: 'join' | 'leave' | 'kick'; readonly nick: string }
  | { readonly kind: 'rename'; readonly nick: string; readonly newNick: string }
  | { readonly kind: 'mode' | 'topic' }
  /** Neither a message nor a known event: blank, wrapped or damaged. */
  | { readonly kind: 'other'; readonly text: string };

export interface IrcLog {
  readonly lines: readonly IrcLine[];
  /** Number of lines that are not UTF-8 and were read as Latin-1, the usual encoding of old clients. */
  readonly notUtf8: number;
}

const TIME = /^\[(\d\d:\d\d(?::\d\d)?)\] ?/;
const SAID = /^<[@+%&~]?([^>]+)>(?: (.*))?$/s;
const ACTION = /^\* (\S+)(?: (.*))?$/s;
const EVENT = /^=== (.*)$/s;
/** Some loggers add the address to the nick: `ada [n=ada@host.example] has joined`. */
const NICK = String.raw`^(\S.*?)\s+(?:\[\S+@\S+\]\s+)?`;
const JOIN = new RegExp(String.raw`${NICK}(?:has joined [#&]\S+|entered the room\.?)$`);
const LEAVE = new RegExp(
  String.raw`${NICK}(?:has left [#&]\S+(?: .*)?|left the room(?:\.| \(.*)|has quit(?: [[(].*)?)$`,
);
const KICK = /^(\S+) was kicked (?:off|from|by) /;
const RENAME = /^(.+) is now known as (\S+)$/;
const MODE = /^mode\/[#&]|^\S+ sets mode:? /;
const TOPIC = /^topic (?:for |\()|^\S+ (?:has )?changed the topic /i;
const UNMARKED_ACTION = /^(\S+) (.+)$/s;

export function parseIrcLog(bytes: Uint8Array): IrcLog {
  const lines: IrcLine[] = [];
  let notUtf8 = 0;
  let at = '';
  for (const raw of splitLines(bytes)) {
    const { text, utf8 } = decode(raw);
    if (!utf8) notUtf8 += 1;
    const time = TIME.exec(text);
    at = time?.[1] ?? at;
    const content = parseLine(time ? text.slice(time[0].length) : text, at, time !== null);
    lines.push({ number: lines.length + 1, ...(content ?? { kind: 'other', text }) });
  }
  return { lines, notUtf8 };
}

/**
 * Yields each line with the users present: those who joined, and those who spoke, because logs start in
 * mid-conversation. `present` is a single set that changes with the next line.
 */
export function* withPresence(lines: Iterable<IrcLine>): Generator<{ line: IrcLine; present: ReadonlySet<string> }> {
  const present = new Set<string>();
  for (const line of lines) {
    if (line.kind === 'leave' || line.kind === 'kick' || line.kind === 'rename') present.delete(line.nick);
    if (line.kind === 'join' || line.kind === 'message') present.add(line.nick);
    if (line.kind === 'rename') present.add(line.newNick);
    yield { line, present };
  }
}

function parseLine(text: string, at: string, timed: boolean): IrcContent | undefined {
  const said = timed ? SAID.exec(text) : null;
  if (said) return { kind: 'message', at, nick: said[1]!.trim(), text: said[2] ?? '', action: false };
  const event = EVENT.exec(text)?.[1];
  if (event !== undefined) return parseEvent(event, at);
  const action = ACTION.exec(text);
  return action ? { kind: 'message', at, nick: action[1]!, text: action[2] ?? '', action: true } : undefined;
}

function parseEvent(text: string, at: string): IrcContent | undefined {
  for (const [kind, pattern] of [
    ['join', JOIN],
    ['leave', LEAVE],
    ['kick', KICK],
  ] as const) {
    const nick = pattern.exec(text)?.[1];
    if (nick !== undefined) return { kind, nick: nick.trim() };
  }
  const rename = RENAME.exec(text);
  if (rename) return { kind: 'rename', nick: rename[1]!.trim(), newNick: rename[2]! };
  if (MODE.test(text)) return { kind: 'mode' };
  if (TOPIC.test(text)) return { kind: 'topic' };
  const action = UNMARKED_ACTION.exec(text);
  return action ? { kind: 'message', at, nick: action[1]!, text: action[2]!, action: true } : undefined;
}

function* splitLines(bytes: Uint8Array): Generator<Uint8Array> {
  const LF = 10;
  for (let start = 0; start < bytes.length; ) {
    const newline = bytes.indexOf(LF, start);
    const end = newline < 0 ? bytes.length : newline;
    yield bytes.subarray(start, end);
    start = end + 1;
  }
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

function decode(line: Uint8Array): { text: string; utf8: boolean } {
  const CR = 13;
  const content = line.at(-1) === CR ? line.subarray(0, -1) : line;
  try {
    return { text: utf8.decode(content), utf8: true };
  } catch {
    return { text: Buffer.from(content).toString('latin1'), utf8: false };
  }
}
