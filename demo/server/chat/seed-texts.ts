/** Messages that the conversations begin with. */
import { CHANNEL, LUNCH } from '../../shared/people.js';

/** `at`: days before today and the time of day. */
export interface SeedLine {
  readonly sender: string;
  readonly text: string;
  readonly daysAgo: number;
  readonly time: string;
}

const line = (text: string): SeedLine => {
  const [, daysAgo, time, sender, rest] = /^(\d+) (\d+:\d\d) (\w+): (.*)$/.exec(text) as unknown as [
    string,
    string,
    string,
    string,
    string,
  ];
  return { sender, text: rest, daysAgo: Number(daysAgo), time };
};

const SMALL_TALK: readonly (readonly [sender: string, text: string])[] = [
  ['ann', 'Who is in today?'],
  ['bob', 'Me, a little later than usual.'],
  ['cem', 'Count me in.'],
  ['ann', 'Soup or noodles?'],
  ['bob', 'Noodles. The soup place has a queue down to the bridge.'],
  ['cem', 'Noodles then. I bring the folding chairs.'],
  ['ann', 'Somebody left a blue umbrella here yesterday.'],
  ['cem', 'Mine. Thank you.'],
  ['bob', 'Could we sit outside?'],
  ['ann', 'If it does not rain. The forecast says four degrees more than yesterday, and no wind until the evening.'],
  ['cem', 'I have cake left from Sunday.'],
  ['bob', 'Which kind?'],
  ['cem', 'Plum.'],
  ['ann', 'See you at half past twelve.'],
  ['bob', 'Running five minutes late.'],
  ['cem', 'We kept you a seat.'],
  ['ann', 'The bill was 36.40, so 12.13 each and I take the extra cent.'],
  ['bob', 'Sent. Thanks for paying.'],
  ['cem', 'Sent too.'],
];

/** Messages of the lunch club before the written ones. */
const EARLIER = 12 * SMALL_TALK.length;

function smallTalk(): SeedLine[] {
  return Array.from({ length: EARLIER }, (_, i) => {
    const round = Math.floor(i / SMALL_TALK.length);
    const [sender, text] = SMALL_TALK[i % SMALL_TALK.length]!;
    const minutes = 9 * 60 + (i % SMALL_TALK.length) * 13;
    const time = `${Math.floor(minutes / 60)}:${String(minutes % 60).padStart(2, '0')}`;
    return { sender, text, daysAgo: EARLIER / SMALL_TALK.length - round + 1, time };
  });
}

export const SEEDS: Readonly<Record<string, readonly SeedLine[]>> = {
  'direct:ann-farid': [
    '4 18:02 ann: The dumplings, as promised: flour, water, patience.',
    '4 18:40 farid: Thanks for the recipe',
  ].map(line),
  'direct:bob-hana': ['4 17:10 bob: Did you get home well?', '4 17:55 hana: The train was on time'].map(line),
  'group:books': ['3 12:00 ann: Finished the lighthouse one.', '3 12:31 dara: I have a spare copy of the atlas'].map(
    line,
  ),
  'group:choir': [
    '3 19:00 hana: The hall is ours on Wednesday',
    '3 19:02 ivo: Good, the chapel was cold',
    '3 19:20 hana: Please bring both folders',
    '3 19:48 ivo: Rehearsal is at six',
  ].map(line),
  'direct:ann-dara': ['2 16:20 dara: Platform 4, under the clock', '2 16:21 ann: See you there'].map(line),
  'group:garden': [
    '2 10:05 farid: The beds by the fence get the morning sun',
    '2 10:09 bob: Then roses there, and herbs by the door.',
    '2 10:12 ivo: I can bring a barrow of compost on Saturday',
    '2 11:30 farid: Tulips or dahlias?',
  ].map(line),
  [CHANNEL]: [
    '9 9:15 ann: Version 4.0.3 starts twice as fast on older phones.',
    '3 10:00 ann: Version 4.1 is out. Search looks into attachments, and the calendar can begin on any day.',
    '3 16:20 ann: Version 4.1.1 brings the larger text size back on small screens.',
    '0 8:28 ann: Version 4.2 is out. Drafts follow you from phone to laptop, and printing has margins again.',
    '0 8:31 ann: A guided tour of 4.2 starts at noon. Questions are welcome in the thread.',
  ].map(line),
  'direct:ann-bob': [
    '0 8:20 ann: Do you still have the tall ladder?',
    '0 8:49 bob: I do.',
    '0 8:50 bob: Ladder is in the shed, the key is under the pot.',
  ].map(line),
  [LUNCH]: [
    ...smallTalk(),
    ...[
      '1 17:32 cem: The bakery on Mill Lane opens again on Thursday.',
      '0 9:02 ann: Morning! Who is in for lunch on Thursday?',
      '0 9:03 bob: Me. I can bring the big salad bowl.',
      '0 9:05 cem: In. A table for three at 12:30?',
      '0 9:08 ann: Booked for 12:00',
      '0 9:09 ann: Booked for 12:30.',
      '0 9:24 cem: Perfect. Do they still have the lemon cake?',
      '0 9:25 bob: They do, I walked past this morning.',
      '0 9:26 bob: Then I will bring two forks more.',
    ].map(line),
  ],
};

/** Changes of messages of the lunch club, by their texts. */
export const LUNCH_CHANGES = {
  recalled: 'Booked for 12:00',
  edited: ['Booked for 12:30.', 'Booked for 12:30, by the window.'],
  reactions: [
    ['Me. I can bring the big salad bowl.', 'ann', '🥗'],
    ['Me. I can bring the big salad bowl.', 'cem', '🥗'],
    ['Booked for 12:30.', 'bob', '👍'],
    ['Booked for 12:30.', 'cem', '👍'],
  ],
} as const;

/** Messages at the end of a conversation that a user has not read; all others are read. */
export const UNREAD: Readonly<Record<string, Readonly<Record<string, number>>>> = {
  ann: { [LUNCH]: 3, 'direct:ann-bob': 2, 'group:garden': 3, 'group:books': 1 },
  bob: { [CHANNEL]: 1, 'group:choir': 2 },
};

/** Conversations that a user has muted. */
export const MUTED: readonly (readonly [user: string, conversation: string])[] = [['ann', 'group:books']];
