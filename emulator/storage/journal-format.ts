/** Format of a journal: a header line, then one JSON array of records per line. */

export type JournalRecord =
  /** A created or changed table: CreateTableRequest in base64, creation time. */
  | readonly ['table', definition: string, createdAt: number]
  | readonly ['drop', table: string]
  /** A written row: PlainBuffer in base64, time of writing. */
  | readonly ['row', table: string, row: string, writtenAt: string]
  | readonly ['remove', table: string, key: string]
  /** The highest auto-increment id of a partition. */
  | readonly ['id', table: string, partition: string, id: string]
  /** A search index: CreateSearchIndexRequest in base64, creation time. */
  | readonly ['index', request: string, createdAt: number]
  | readonly ['unindex', table: string, index: string];

const HEADER_NAME = '{"format":"timeline-model tablestore-emulator"';
export const HEADER = `${HEADER_NAME},"version":1}`;
/** Beginning of journals of version 0.1.0, which have no header. */
const HEADLESS = '[["table","';

/** The file is not an emulator's, or another emulator uses it. The file is unchanged. */
export class EmulatorFileError extends Error {
  override readonly name = 'EmulatorFileError';
  constructor(
    readonly code: 'EMULATOR_FILE_FOREIGN' | 'EMULATOR_FILE_IN_USE',
    path: string,
    message: string,
    options?: ErrorOptions,
  ) {
    super(`${path}: ${message}`, options);
  }
}

export function foreignFile(path: string, why: string, cause?: unknown): EmulatorFileError {
  const advice = 'It was left as it is: give the emulator another file, or move this one away';
  return new EmulatorFileError('EMULATOR_FILE_FOREIGN', path, `${why}. ${advice}.`, { cause });
}

/** Returns true if a file that begins like this may be a journal. Saves reading a large foreign file. */
export function mayBeJournal(beginning: string): boolean {
  return [HEADER_NAME, HEADLESS].some((start) => beginning.startsWith(start) || isCutHeader(beginning));
}

/** Returns true for the whole text of a file whose header a crash cut. */
export function isCutHeader(text: string): boolean {
  return text.length >= HEADER_NAME.length && `${HEADER}\n`.startsWith(text);
}

/** Returns true for the whole text of a headless file whose first line a crash cut: an unacknowledged table. */
export function isCutHeadless(text: string): boolean {
  return /^\[\["table","[A-Za-z0-9+/=]*(?:"(?:,(?:\d+(?:\]\]?)?)?)?)?$/.test(text);
}

/** Returns true if the text after the last line end is a record that a crash cut. */
export function isCutLine(text: string): boolean {
  return text.startsWith('[["') || '[["'.startsWith(text);
}

const FIELDS: Readonly<Record<string, readonly ('string' | 'number')[]>> = {
  table: ['string', 'string', 'number'],
  drop: ['string', 'string'],
  row: ['string', 'string', 'string', 'string'],
  remove: ['string', 'string', 'string'],
  id: ['string', 'string', 'string', 'string'],
  index: ['string', 'string', 'number'],
  unindex: ['string', 'string', 'string'],
};

/** @throws Error if the line contains anything but records */
export function parseLine(line: string): JournalRecord[] {
  const records: unknown = JSON.parse(line);
  if (!Array.isArray(records) || records.length === 0 || !records.every(isRecord))
    throw new Error('not a list of records');
  return records;
}

function isRecord(record: unknown): record is JournalRecord {
  if (!Array.isArray(record) || typeof record[0] !== 'string' || !Object.hasOwn(FIELDS, record[0])) return false;
  const fields = FIELDS[record[0]]!;
  return record.length === fields.length && fields.every((type, index) => typeof record[index] === type);
}

export const lineOf = (records: readonly JournalRecord[]) => `${JSON.stringify(records)}\n`;
