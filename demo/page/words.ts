/** Numbers, times and lists in words. */

const quantity = new Intl.NumberFormat('en-GB');
const dayName = new Intl.DateTimeFormat('en-GB', { weekday: 'short' });
const longDay = new Intl.DateTimeFormat('en-GB', { weekday: 'long', day: 'numeric', month: 'long' });

/** A quantity, with a separator of thousands. SeqIds are names: they never have one. */
export const count = (value: number): string => quantity.format(value);

export const plural = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;

/** A SeqId; of a long one of a service the last four digits. */
export function seqIdText(seqId: bigint): string {
  const digits = String(seqId);
  return digits.length > 8 ? `…${digits.slice(-4)}` : digits;
}

export function timeText(at: number): string {
  const date = new Date(at);
  return `${date.getHours()}:${String(date.getMinutes()).padStart(2, '0')}`;
}

const startOfDay = (at: number): number => new Date(at).setHours(0, 0, 0, 0);

/** The day of the last look: a list asks for one message after another, mostly of one day. */
let known = { start: 0, end: 0 };

export function isSameDay(a: number, b: number): boolean {
  if (a < known.start || a >= known.end) {
    const start = startOfDay(a);
    known = { start, end: new Date(start).setDate(new Date(start).getDate() + 1) };
  }
  return b >= known.start && b < known.end;
}

const daysAgo = (at: number): number => Math.round((startOfDay(Date.now()) - startOfDay(at)) / 86_400_000);

export function dayText(at: number): string {
  const days = daysAgo(at);
  if (days === 0) return 'Today';
  return days === 1 ? 'Yesterday' : longDay.format(at);
}

/** In a list: the time of today, the day of the past week, else the date. */
export function shortTimeText(at: number): string {
  const days = daysAgo(at);
  if (days <= 0) return timeText(at);
  if (days < 7) return dayName.format(at);
  return new Date(at).toLocaleDateString('en-GB', { day: 'numeric', month: 'short' });
}

export function durationText(ms: number): string {
  return ms < 1000 ? `${Math.round(ms)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

/** "Ann", "Ann and Bob", "Ann, Bob and Cem". */
export function listText(names: readonly string[]): string {
  return names.length < 2 ? (names[0] ?? '') : `${names.slice(0, -1).join(', ')} and ${names.at(-1)}`;
}
