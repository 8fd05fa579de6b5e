import { createHash } from 'node:crypto';
import { invalidArgument } from '../../../src/errors.js';

/** A table's name has 255 bytes; what is added to a library's needs five. */
const LONGEST = 240;

/**
 * The name of a library's table: the library's own, as far as letters, digits and single underscores go; other bytes become `__` and
 * two hexadecimal digits. No two libraries meet, and none meets a table that belongs to another.
 */
export function tableName(library: string): string {
  let name = '';
  for (const byte of Buffer.from(library)) {
    const char = String.fromCharCode(byte);
    const isPlain =
      name === ''
        ? /[A-Za-z]/.test(char)
        : /[A-Za-z0-9]/.test(char) || (char === '_' && !name.endsWith('_') && !wasEscaped(name));
    name += isPlain ? char : `__${byte.toString(16).padStart(2, '0')}`;
  }
  // What would be the name of a table that belongs to another library.
  name = name.replace(/_(?=(?:meta|keys)$)/, '__5f');
  if (name.length <= LONGEST) return name;
  const digest = createHash('sha256').update(library).digest('hex').slice(0, 40);
  return `${name.slice(0, LONGEST - 48)}__h${digest}`;
}

/** The name of a table that another program uses too: the library's, letter by letter. */
export function sharedName(library: string): string {
  if (/^[A-Za-z_][A-Za-z0-9_]*$/.test(library) && library.length <= LONGEST) return library;
  throw invalidArgument('name', `must be the name of a table, of letters, digits and _ and at most ${LONGEST} bytes`);
}

function wasEscaped(name: string): boolean {
  return /__[0-9a-f]{2}$/.test(name);
}
