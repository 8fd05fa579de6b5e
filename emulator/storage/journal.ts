/**
 * The optional file. Appends records before the response is sent, so that a killed process loses no acknowledged
 * change. Once more than half of the file is outdated, writes a compacted file beside it while requests go on.
 */
import { closeSync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { HEADER, type JournalRecord, lineOf } from './journal-format.js';
import { readJournal } from './journal-reader.js';
import { ReplacementFile, removeLeftover, writeAll } from './replacement-file.js';

/** A running emulator does not compact the file for fewer outdated bytes. */
const MIN_OUTDATED_BYTES = 1024 * 1024;
/** Bytes of later changes that may be copied synchronously at the end. */
const FINAL_COPY_BYTES = 256 * 1024;

export interface JournalContents {
  /** Yields the current state in slices; it may change between slices. */
  snapshot(): Iterable<readonly JournalRecord[]>;
  /** Returns the approximate bytes of the current rows in the file. */
  rowBytes(): number;
  /** Returns the approximate bytes of all other records; called once. */
  otherBytes(): number;
}

export class Journal {
  readonly #path: string;
  readonly #contents: JournalContents;
  /** Undefined while the file is closed: another file may reuse the number. */
  #descriptor: number | undefined;
  #size: number;
  /** Bytes of current records other than rows. */
  #otherBytes: number;
  #isClosed = false;
  #group: JournalRecord[] | undefined;
  /** Lines that could not be written; the next write begins with them. */
  #unwritten = '';
  /** Lines not yet copied to the replacement file; undefined unless a compaction runs. */
  #uncopied: string[] | undefined;
  #compaction: Promise<void> | undefined;

  /**
   * Passes on all records of the file, then opens it for appending.
   * @throws EmulatorFileError if the file is not a journal
   */
  static async open(
    path: string,
    contents: JournalContents,
    onRecord: (record: JournalRecord) => void,
  ): Promise<Journal> {
    const { size, hasHeader } = await readJournal(path, onRecord);
    removeLeftover(path);
    const descriptor = openSync(path, 'a');
    if (fstatSync(descriptor).size > size) ftruncateSync(descriptor, size);
    const journal = new Journal(path, contents, descriptor, size);
    if (size === 0) journal.#write(`${HEADER}\n`);
    else if (!hasHeader) await journal.compact();
    return journal;
  }

  private constructor(path: string, contents: JournalContents, descriptor: number, size: number) {
    this.#path = path;
    this.#contents = contents;
    this.#descriptor = descriptor;
    this.#size = size;
    this.#otherBytes = contents.otherBytes();
  }

  append(record: JournalRecord): void {
    if (this.#group) this.#group.push(record);
    else this.#append([record]);
  }

  /** Puts the records that `work` appends into one line: all of them survive, or none. */
  atomically(work: () => void): void {
    const group: JournalRecord[] = [];
    this.#group = group;
    try {
      work();
    } finally {
      this.#group = undefined;
    }
    if (group.length > 0) this.#append(group);
  }

  /** Starts a compaction if more than `least` bytes, and more than half, of the file are outdated. */
  compactIfWorthwhile(least = MIN_OUTDATED_BYTES): void {
    const needed = this.#contents.rowBytes() + this.#otherBytes;
    if (this.#compaction || this.#size - needed <= Math.max(least, needed)) return;
    void this.compact().catch((error: unknown) => {
      // The old file is complete, so try again only once it has doubled.
      this.#otherBytes = this.#size;
      process.emitWarning(`${this.#path} could not be compacted: ${String(error)}`);
    });
  }

  /** Replaces the file with one without outdated records. */
  compact(): Promise<void> {
    this.#compaction ??= this.#compact().finally(() => {
      this.#uncopied = undefined;
      this.#compaction = undefined;
    });
    return this.#compaction;
  }

  async close(): Promise<void> {
    await this.#compaction?.catch(() => {});
    this.#isClosed = true;
    this.#closeFile();
  }

  #append(records: readonly JournalRecord[]): void {
    // A write that was delayed until now gets no response.
    if (this.#isClosed) return;
    const line = lineOf(records);
    this.#uncopied?.push(line);
    this.#write(line);
    this.compactIfWorthwhile();
  }

  #write(line: string): void {
    if (this.#descriptor === undefined) throw new Error(`${this.#path} could not be opened again`);
    // A partial line would corrupt the next one.
    if (this.#unwritten !== '') ftruncateSync(this.#descriptor, this.#size);
    this.#unwritten += line;
    this.#size += writeAll(this.#descriptor, this.#unwritten);
    this.#unwritten = '';
  }

  async #compact(): Promise<void> {
    const replacement = new ReplacementFile(this.#path);
    const uncopied = [`${HEADER}\n`];
    this.#uncopied = uncopied;
    try {
      await this.#copyTo(replacement, uncopied);
      // Do not await from here on: a record appended meanwhile would be lost with the old file.
      replacement.finish(uncopied.splice(0).join(''));
      this.#replaceWith(replacement);
    } catch (error) {
      replacement.discard();
      throw error;
    }
    this.#otherBytes = Math.max(0, this.#size - this.#contents.rowBytes());
  }

  async #copyTo(replacement: ReplacementFile, uncopied: string[]): Promise<void> {
    for (const slice of this.#contents.snapshot()) {
      for (const record of slice) uncopied.push(lineOf([record]));
      await replacement.write(uncopied.splice(0).join(''));
    }
    await replacement.sync();
    while (uncopied.reduce((sum, line) => sum + line.length, 0) > FINAL_COPY_BYTES) {
      await replacement.write(uncopied.splice(0).join(''));
      await replacement.sync();
    }
  }

  #replaceWith(replacement: ReplacementFile): void {
    // Windows does not rename over an open file.
    this.#closeFile();
    try {
      replacement.replace();
    } catch (error) {
      this.#descriptor = openSync(this.#path, 'a');
      throw error;
    }
    this.#descriptor = replacement.descriptor;
    this.#size = replacement.size;
    this.#unwritten = '';
  }

  #closeFile(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
