/** Prints plain, aligned text; colours it only on a terminal without NO_COLOR (https://no-color.org). */
import { stripVTControlCharacters } from 'node:util';
import type { Text } from './chat.js';

const COLUMNS = 80;
const PROGRESS_WITHOUT_TERMINAL_MS = 10_000;

const coloured = process.stdout.isTTY && !process.env.NO_COLOR;
const style = (code: number) => (text: string) => (coloured ? `\x1b[${code}m${text}\x1b[0m` : text);

export const bold = style(1);
export const dim = style(2);
export const green = style(32);
export const red = style(31);

// The reader may stop early (`| head`); finish the work anyway.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  if (error.code !== 'EPIPE') throw error;
});

export function print(line = ''): void {
  process.stdout.write(`${line.trimEnd()}\n`);
}

export function heading(text: string): void {
  print(`\n${bold(text)}`);
}

export function field(name: string, value: string | number, note = ''): void {
  print(
    `  ${name.padEnd(12)}${typeof value === 'number' ? count(value).padStart(7) : value}${note && dim(`  ${note}`)}`,
  );
}

export function endOfPage(): void {
  print(dim(`  ${'·'.repeat(6)}`));
}

export function verdict(ok: boolean, name: string, finding: string): void {
  print(`  ${ok ? green('✓') : red('✗')} ${name.padEnd(10)}${finding}`);
}

let progressAt = Date.now();

/** Prints a line that the next one overwrites; without a terminal, a line every ten seconds. */
export function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${dim(`  ${text}`)}`);
  else if (Date.now() - progressAt >= PROGRESS_WITHOUT_TERMINAL_MS) {
    progressAt = Date.now();
    print(`  ${text}`);
  }
}

export function endProgress(): void {
  if (process.stdout.isTTY) process.stdout.write('\r\x1b[2K');
}

export function said(seqId: bigint, sender: string, body: Text | undefined, note = ''): void {
  const start = `  ${`#${seqId}`.padStart(6)}  `;
  const width = COLUMNS - start.length - 14 - (note ? note.length + 2 : 0);
  const text = body ? (body.action ? `* ${sender} ${body.text}` : body.text) : '(taken back)';
  const line = clip(text, width);
  print(`${start}${bold(clip(sender, 12).padEnd(12))}  ${note ? `${line.padEnd(width)}  ${dim(note)}` : line}`);
}

/** Removes line ends and control characters: logs may contain escape sequences. */
export function clip(text: string, width: number): string {
  const characters = [...stripVTControlCharacters(text).replace(/\p{Cc}/gu, ' ')];
  return characters.length > width ? `${characters.slice(0, width - 1).join('')}…` : characters.join('');
}

export function count(value: number): string {
  return value.toLocaleString('en-US');
}

export function plural(value: number, noun: string, many = `${noun}s`): string {
  return `${count(value)} ${value === 1 ? noun : many}`;
}

/** Formats the number of things a second. */
export function rate(things: number, seconds: number): string {
  return count(Math.round(things / Math.max(seconds, 0.001)));
}
