/** Prints plain, aligned text; colours it only on a terminal without NO_COLOR (https://no-color.org). */
import { stripVTControlCharacters } from 'node:util';
import type { Message } from './chat.js';

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

/** Prints a line that the next one overwrites; prints nothing without a terminal. */
export function progress(text: string): void {
  if (process.stdout.isTTY) process.stdout.write(`\r\x1b[2K${text && dim(`  ${text}`)}`);
}

export function said(seqId: bigint | string, { from, text, action }: Message, note = ''): void {
  const line = clip(action ? `* ${from} ${text}` : text, 64);
  const start = `  ${`#${seqId}`.padStart(6)}  ${bold(clip(from, 12).padEnd(12))}  `;
  print(note ? `${start}${line.padEnd(64)}  ${dim(note)}` : start + line);
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
