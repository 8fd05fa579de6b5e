import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type IrcLine, parseIrcLog, withPresence } from '../../examples/irc.js';

const parse = (text: string) => parseIrcLog(new TextEncoder().encode(text)).lines;
const parseOne = (text: string) => {
  const [line, ...rest] = parse(text);
  expect(rest).toEqual([]);
  return line;
};
const fixture = readFileSync(new URL('../../examples/fixtures/chat.irc.txt', import.meta.url));

describe('a line of an IRC log', () => {
  it.each<[string, Partial<IrcLine>]>([
    ['[09:00] <ada> hello', { kind: 'message', at: '09:00', nick: 'ada', text: 'hello', action: false }],
    ['[09:00:59] <ada> hello', { kind: 'message', at: '09:00:59', nick: 'ada', text: 'hello' }],
    ['[09:00] <@ada> hello', { kind: 'message', nick: 'ada', text: 'hello' }],
    ['[09:00] <[dk] birk> hej', { kind: 'message', nick: '[dk] birk', text: 'hej' }],
    ['[09:00] <[dk] > hej', { kind: 'message', nick: '[dk]', text: 'hej' }],
    ['[09:00] <ada>', { kind: 'message', nick: 'ada', text: '' }],
    ['[09:00] <ada> ', { kind: 'message', nick: 'ada', text: '' }],
    ['[09:00] <ada>   two spaces, one at the end ', { kind: 'message', text: '  two spaces, one at the end ' }],
    ['[09:00] <ada> [09:01] <bob> quoted', { kind: 'message', nick: 'ada', text: '[09:01] <bob> quoted' }],
    ['[09:00] <ada> === bob has joined #x', { kind: 'message', nick: 'ada', text: '=== bob has joined #x' }],
    ['[09:00] <ada> a\rb\u2028c', { kind: 'message', text: 'a\rb\u2028c' }],
    ['* ada waves', { kind: 'message', nick: 'ada', text: 'waves', action: true }],
    ['[09:00] * ada waves', { kind: 'message', at: '09:00', nick: 'ada', text: 'waves', action: true }],
    ['=== ada waves at bob', { kind: 'message', nick: 'ada', text: 'waves at bob', action: true }],
    ['=== ada has left the building', { kind: 'message', text: 'has left the building', action: true }],
    ['=== ada has quit smoking', { kind: 'message', text: 'has quit smoking', action: true }],
    ['=== ada has joined #x', { kind: 'join', nick: 'ada' }],
    ['=== ada [n=ada@host.example] has joined #x', { kind: 'join', nick: 'ada' }],
    ['=== [ada]  [n=ada@host.example]  has joined #x', { kind: 'join', nick: '[ada]' }],
    ['=== [dk] birk [n=b@host.example]  has joined #x', { kind: 'join', nick: '[dk] birk' }],
    ['=== ada entered the room.', { kind: 'join', nick: 'ada' }],
    ['=== ada has left #x ["bye [really]"]', { kind: 'leave', nick: 'ada' }],
    ['=== ada has left #x', { kind: 'leave', nick: 'ada' }],
    ['=== ada left the room.', { kind: 'leave', nick: 'ada' }],
    ['=== ada left the room (quit: Read error: 104 (reset)).', { kind: 'leave', nick: 'ada' }],
    ['=== ada has quit [Ping timeout]', { kind: 'leave', nick: 'ada' }],
    ['=== ada was kicked off #x by bob (no)', { kind: 'kick', nick: 'ada' }],
    ['=== ada is now known as ada_', { kind: 'rename', nick: 'ada', newNick: 'ada_' }],
    ['=== mode/#x (+o ada ) by bob', { kind: 'mode' }],
    ['=== Topic (#x): set by ada', { kind: 'topic' }],
    ['=== ada changed the topic of #x to: y', { kind: 'topic' }],
    ['', { kind: 'other', text: '' }],
    ['===', { kind: 'other', text: '===' }],
    ['<ada> no time', { kind: 'other' }],
    ['[9:00] <ada> half a time', { kind: 'other' }],
    ['the rest of a wrapped line', { kind: 'other', text: 'the rest of a wrapped line' }],
  ])('%j', (text, expected) => {
    expect(parseOne(`${text}\n`)).toMatchObject({ number: 1, ...expected });
  });
});

describe('an IRC log', () => {
  it('has as many lines as the file, whatever its line ends', () => {
    for (const [text, lines] of [
      ['', 0],
      ['a', 1],
      ['a\n', 1],
      ['a\n\n', 2],
      ['a\r\nb', 2],
      ['\n', 1],
    ] as const) {
      expect(parse(text).map(({ number }) => number)).toEqual(Array.from({ length: lines }, (_, index) => index + 1));
    }
  });

  it('drops the CR of a CRLF and nothing else', () => {
    expect(parseOne('[09:00] <ada> x \r\n')).toMatchObject({ text: 'x ' });
  });

  it('gives an action without a time that of the line before', () => {
    expect(
      parse('[09:00] <ada> x\n* ada waves\n=== bob bows\n').map((line) => line.kind === 'message' && line.at),
    ).toEqual(['09:00', '09:00', '09:00']);
  });

  it('reads a line that is not UTF-8 as Latin-1, that line only', () => {
    const bytes = Buffer.concat([
      Buffer.from('[09:00] <ada> æ\n'),
      Buffer.from('[09:00] <ada> caf\xe9 \xff\n', 'latin1'),
    ]);
    const { lines, notUtf8 } = parseIrcLog(bytes);
    expect(notUtf8).toBe(1);
    expect(lines.map((line) => line.kind === 'message' && line.text)).toEqual(['æ', 'café ÿ']);
  });

  it('of the fixture adds up to 63 lines of every kind', () => {
    const counts: Record<string, number> = {};
    for (const { kind } of parseIrcLog(fixture).lines) counts[kind] = (counts[kind] ?? 0) + 1;
    expect(counts).toEqual({ message: 45, join: 6, leave: 3, kick: 1, rename: 2, mode: 1, topic: 1, other: 4 });
  });

  it('survives any bytes, line by line', () => {
    const bytes = Uint8Array.from({ length: 70_000 }, (_, index) => (index * 7919 + (index >> 8) * 31) & 0xff);
    const newlines = bytes.filter((byte) => byte === 10).length;
    expect(parseIrcLog(bytes).lines.length).toBe(newlines + (bytes.at(-1) === 10 ? 0 : 1));
  });
});

describe('presence', () => {
  const presence = (text: string) => Array.from(withPresence(parse(text)), ({ present }) => [...present].join(' '));

  it('follows joins, leaves, kicks and renames', () => {
    const log = ['joined', 'left'].map((verb) => `=== ada has ${verb} #x`);
    expect(presence(log.join('\n'))).toEqual(['ada', '']);
    expect(
      presence('=== ada has joined #x\n=== ada is now known as bob\n=== bob was kicked off #x by eve (no)'),
    ).toEqual(['ada', 'bob', '']);
  });

  it('takes whoever speaks for present, themselves included', () => {
    expect(presence('[09:00] <ada> x\n* bob waves\n=== ada is now known as ada')).toEqual([
      'ada',
      'ada bob',
      'bob ada',
    ]);
  });
});
