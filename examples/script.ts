/** The names and words of the scripted conversation. */
import type { SentText, Text } from './chat.js';

export const GROUP = 'harbour walk';
export const MEMBERS = ['Ada', 'Ben', 'Chloe', 'Dev'];

export const READERS = ['Ben', ...Array.from({ length: 99 }, (_, i) => `passenger ${i + 1}`)];

export const LOW_TIDE: SentText = said('Ada', '08:01', 'Low tide is at 10:40. Who comes along?');
export const IMPATIENT: SentText = said('Chloe', '08:10', 'Ben? Asleep again, I guess.');

export const MORNING: readonly SentText[] = [
  { sender: 'Ada', body: { at: '08:00', text: 'opens the group for all four', action: true } },
  LOW_TIDE,
  said('Chloe', '08:03', 'Me! I can bring the big thermos.'),
  said('Dev', '08:03', 'In, if somebody picks me up.'),
  said('Ada', '08:05', 'I pass your street at 09:30, Dev.'),
  said('Dev', '08:06', 'Perfect 🌊'),
  IMPATIENT,
];

/** One of them. */
export const READER = 'passenger 7';

export const FERRY: SentText = said('Harbour', '08:12', 'The first ferry is back at 09:10.');

/** The new body of `LOW_TIDE`. */
export const CORRECTION: Text = { at: '08:13', text: 'Low tide is at 10:50. Who comes along?' };

export const LATER: readonly SentText[] = [
  said('Ben', '09:15', 'Back on land, and with the tide table.'),
  said('Ada', '09:16', 'Then we are four.'),
];

function said(sender: string, at: string, text: string): SentText {
  return { sender, body: { at, text } };
}
