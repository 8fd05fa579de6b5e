/** Dates of an index: texts in one of the formats of their field, as microseconds since 1970. */

interface Format {
  readonly pattern: RegExp;
  /** Format letter of each group of the pattern. */
  readonly letters: readonly string[];
}

const compiled = new Map<string, Format>();

/** Returns undefined for a text in none of the formats, which is not indexed. */
export function parseDate(text: string, formats: readonly string[]): bigint | undefined {
  for (const format of formats) {
    const time = parseAs(text, format);
    if (time !== undefined) return time;
  }
  return undefined;
}

function parseAs(text: string, format: string): bigint | undefined {
  if (format === 'epoch_millis' || format === 'epoch_second') {
    return /^-?\d+$/.test(text) ? BigInt(text) * (format === 'epoch_second' ? 1_000_000n : 1000n) : undefined;
  }
  const { pattern, letters } = formatOf(format);
  const match = pattern.exec(text);
  if (match === null) return undefined;
  const part = (letter: string, absent: string) => match[letters.indexOf(letter) + 1] ?? absent;
  const value = (letter: string, absent: number) => (letters.includes(letter) ? Number(part(letter, '')) : absent);
  const seconds =
    Date.UTC(value('y', 1970), value('M', 1) - 1, value('d', 1), value('H', 0), value('m', 0), value('s', 0)) / 1000;
  const fraction = letters.includes('S') ? part('S', '').padEnd(6, '0').slice(0, 6) : '0';
  return BigInt(seconds) * 1_000_000n + BigInt(fraction);
}

/** `yyyy-MM-dd'T'HH:mm:ss`: letters stand for as many digits, quotes enclose literal text. */
function formatOf(format: string): Format {
  const known = compiled.get(format);
  if (known) return known;
  const letters: string[] = [];
  const source = format.replace(
    /'([^']*)'|([yMdHmsS])\2*|[\s\S]/g,
    (piece: string, quoted?: string, letter?: string) => {
      if (letter === undefined) return (quoted ?? piece).replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
      letters.push(letter);
      return `(\\d{${piece.length}})`;
    },
  );
  const made = { pattern: new RegExp(`^${source}$`), letters };
  compiled.set(format, made);
  return made;
}
