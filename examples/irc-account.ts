/** Accounts for every line of an IRC log. */
import type { IrcLine, IrcLog } from './irc.js';
import { clip, count, dim, field, heading, plural, print, verdict } from './print.js';

/** Prints the number of lines of each kind; returns true if they add up to all lines. */
export function printAccount({ lines, notUtf8 }: IrcLog): boolean {
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
