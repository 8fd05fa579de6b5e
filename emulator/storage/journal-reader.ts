/** Reads a journal of any size in chunks, because a string holds at most 512 MB. */
import { type FileHandle, open } from 'node:fs/promises';
import {
  foreignFile,
  HEADER,
  isCutHeader,
  isCutHeadless,
  isCutLine,
  type JournalRecord,
  mayBeJournal,
  parseLine,
} from './journal-format.js';

const CHUNK_BYTES = 1024 * 1024;
const LINE_END = 0x0a;

export interface JournalSummary {
  /** Bytes up to the end of the last complete line; a crash cut the rest. */
  readonly size: number;
  /** False for an empty file and for one of version 0.1.0. */
  readonly hasHeader: boolean;
}

/** Passes on every record in order. @throws EmulatorFileError if the file is not a journal */
export async function readJournal(path: string, onRecord: (record: JournalRecord) => void): Promise<JournalSummary> {
  const handle = await open(path, 'r');
  try {
    return await readLines(handle, path, onRecord);
  } finally {
    await handle.close();
  }
}

async function readLines(
  handle: FileHandle,
  path: string,
  onRecord: (record: JournalRecord) => void,
): Promise<JournalSummary> {
  let number = 0;
  let size = 0;
  let hasHeader = false;
  const onLine = (line: Buffer) => {
    number++;
    const text = line.toString();
    if (number === 1 && text === HEADER) hasHeader = true;
    else {
      try {
        for (const record of parseLine(text)) onRecord(record);
      } catch (error) {
        throw foreignFile(
          path,
          hasHeader ? `line ${number} is damaged` : `line ${number} is none of the emulator's`,
          error,
        );
      }
    }
    size += line.length + 1;
  };
  const chunk = Buffer.allocUnsafe(CHUNK_BYTES);
  let rest: Buffer = Buffer.alloc(0);
  for (;;) {
    const { bytesRead } = await handle.read(chunk, 0, CHUNK_BYTES, null);
    if (bytesRead === 0) break;
    const read = chunk.subarray(0, bytesRead);
    if (number === 0 && rest.length === 0 && !mayBeJournal(read.toString('latin1', 0, 100))) {
      throw foreignFile(path, 'this is not a file of the TableStore emulator');
    }
    rest = splitLines(rest, read, onLine);
  }
  const tail = rest.toString();
  const isCut = number === 0 ? tail === '' || isCutHeader(tail) || isCutHeadless(tail) : isCutLine(tail);
  if (!isCut) throw foreignFile(path, `line ${number + 1} is none of the emulator's`);
  return { size, hasHeader };
}

/** Passes on each complete line without its end, and returns a copy of the rest. */
function splitLines(rest: Buffer, read: Buffer, onLine: (line: Buffer) => void): Buffer {
  let start = 0;
  let end = read.indexOf(LINE_END);
  if (end !== -1 && rest.length > 0) {
    onLine(Buffer.concat([rest, read.subarray(0, end)]));
    start = end + 1;
    end = read.indexOf(LINE_END, start);
  }
  const isFirst = start === 0 && rest.length > 0;
  for (; end !== -1; end = read.indexOf(LINE_END, start)) {
    onLine(read.subarray(start, end));
    start = end + 1;
  }
  return Buffer.concat(isFirst ? [rest, read] : [read.subarray(start)]);
}
