/** Numbers from 0 to 1, the same for the same seed. */
export function randomFrom(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Names and words as people choose them: separators of ids and keys, controls, bytes beyond ASCII, none at all. */
const SUFFIXES = ['', '_', '`', '|away', '@home', '%7B{x}', ':0', '-ünïcödé', '龍', '\u{1f980}', '\\', "'--"];
const TEXTS = [
  'hello',
  '',
  ' two  spaces ',
  'é€\u{1f680}',
  '\u2028',
  '{"a":1}',
  '=== ada has left #x',
  'x'.repeat(400),
  '<b>',
];

export interface GeneratedLog {
  readonly seed: number;
  /** How many are there once it has filled. */
  readonly crowd: number;
  /** Lines after that. */
  readonly lines: number;
}

/**
 * Makes a log in the shape of real ones: it starts in mid-conversation, fills in a burst, then has bursts of talk,
 * joins, leaves, renames and kicks. After two thirds, nearly everyone leaves at once, as in a net split, and many come
 * back.
 */
export function generateLog({ seed, crowd, lines }: GeneratedLog): string {
  const random = randomFrom(seed);
  const below = (limit: number) => Math.floor(random() * limit);
  const pick = <T>(items: readonly T[]) => items[below(items.length)] as T;
  const present: string[] = [];
  const gone: string[] = [];
  const log: string[] = [];
  let count = 0;
  const say = (nick: string) => log.push(`[0${below(10)}:${10 + below(50)}] <${nick}> ${pick(TEXTS)} ${log.length}`);
  const join = (nick = `user${count++}${pick(SUFFIXES)}`) => {
    present.push(nick);
    log.push(random() < 0.5 ? `=== ${nick} has joined #x` : `=== ${nick} entered the room.`);
  };
  const leave = () => {
    const [nick] = present.splice(below(present.length), 1);
    gone.push(nick as string);
    const [said] = [` has quit [Ping timeout]`, ' left the room.', ' was kicked off #x by user0 (no)'].slice(below(3));
    log.push(`=== ${nick}${said}`);
  };
  const rename = () => {
    const place = below(present.length);
    const newNick = `user${count++}${pick(SUFFIXES)}`;
    log.push(`=== ${present[place]} is now known as ${newNick}`);
    present[place] = newNick;
  };
  say('early bird');
  while (present.length < crowd) {
    join();
    if (random() < 0.05) say(pick(present));
  }
  for (let i = 0; i < lines; i++) {
    const chance = random();
    if (i === Math.floor((lines * 2) / 3)) for (let left = present.length - 5; left > 0; left--) leave();
    else if (chance < 0.7) for (let burst = 1 + below(4); burst > 0; burst--) say(pick(present));
    else if (chance < 0.84) join(gone.length > 0 && random() < 0.6 ? gone.splice(below(gone.length), 1)[0] : undefined);
    else if (chance < 0.9 && present.length > 4) leave();
    else if (chance < 0.94) rename();
    else log.push(pick(['=== mode/#x (+o user1 ) by user0', '', 'a wrapped line', '=== Topic (#x): set by user0']));
    if (i > (lines * 2) / 3 && gone.length > 0) join(gone.splice(below(gone.length), 1)[0]);
  }
  return `${log.join('\n')}\n`;
}
