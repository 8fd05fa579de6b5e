/**
 * The optional file: records are appended before the response leaves, so that a killed process loses nothing it has
 * answered. Once what is outdated outweighs the rest, the file is written anew beside it, while requests go on.
 */
import { closeSync, fstatSync, ftruncateSync, openSync } from 'node:fs';
import { FreshFile, removeLeftover, writeAll } from './fresh-file.js';
import { HEADER, type JournalRecord, lineOf } from './journal-format.js';
import { readJournal } from './journal-reader.js';

/** Less is not worth a new file while the emulator runs. */
const LEAST_OUTDATED_BYTES = 1024 * 1024;
/** So much of what happened meanwhile is written while everything waits. */
const LAST_BYTES = 256 * 1024;

export interface JournalContents {
  /** Everything as it stands, in slices between which it may change. */
  snapshot(): Iterable<readonly JournalRecord[]>;
  /** About how many bytes of the file the rows as they stand take. */
  rowBytes(): number;
  /** About how many bytes everything else takes; asked once. */
  otherBytes(): number;
}

export class Journal {
  readonly #path: string;
  readonly #contents: JournalContents;
  /** Undefined while there is none: another file may have its number by then. */
  #descriptor: number | undefined;
  #size: number;
  /** Bytes of the file that are neither rows nor outdated. */
  #otherBytes: number;
  #isClosed = false;
  #group: JournalRecord[] | undefined;
  /** Lines that could not be written; the next attempt begins with them. */
  #owed = '';
  /** Lines that the file under way still lacks. */
  #mirror: string[] | undefined;
  #rewriting: Promise<void> | undefined;

  /**
   * Hands over what the file holds, then takes it over.
   * @throws EmulatorFileError if the file is something else than a journal
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
    else if (!hasHeader) await journal.rewrite();
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

  /** What `work` appends goes into one line: all of it survives, or none. */
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

  /** Starts a new file if more than `least` bytes, and more than half, of this one are outdated. */
  rewriteIfWorthwhile(least = LEAST_OUTDATED_BYTES): void {
    const needed = this.#contents.rowBytes() + this.#otherBytes;
    if (this.#rewriting || this.#size - needed <= Math.max(least, needed)) return;
    void this.rewrite().catch((error: unknown) => {
      // The file as it is holds everything, so this is tried again once it has doubled.
      this.#otherBytes = this.#size;
      process.emitWarning(`${this.#path} could not be compacted: ${String(error)}`);
    });
  }

  /** Writes the file anew without what is outdated. */
  rewrite(): Promise<void> {
    this.#rewriting ??= this.#rewrite().finally(() => {
      this.#mirror = undefined;
      this.#rewriting = undefined;
    });
    return this.#rewriting;
  }

  async close(): Promise<void> {
    await this.#rewriting?.catch(() => {});
    this.#isClosed = true;
    this.#closeFile();
  }

  #append(records: readonly JournalRecord[]): void {
    // A write that was held back until now is answered to nobody.
    if (this.#isClosed) return;
    const line = lineOf(records);
    this.#mirror?.push(line);
    this.#write(line);
    this.rewriteIfWorthwhile();
  }

  #write(line: string): void {
    if (this.#descriptor === undefined) throw new Error(`${this.#path} could not be opened again`);
    // A part of a line would spoil the next one.
    if (this.#owed !== '') ftruncateSync(this.#descriptor, this.#size);
    this.#owed += line;
    this.#size += writeAll(this.#descriptor, this.#owed);
    this.#owed = '';
  }

  async #rewrite(): Promise<void> {
    const fresh = new FreshFile(this.#path);
    const mirror = [`${HEADER}\n`];
    this.#mirror = mirror;
    try {
      await this.#copyTo(fresh, mirror);
      // From here on nothing may wait: what is appended in between would be lost with the old file.
      fresh.finish(mirror.splice(0).join(''));
      this.#replaceBy(fresh);
    } catch (error) {
      fresh.discard();
      throw error;
    }
    this.#otherBytes = Math.max(0, this.#size - this.#contents.rowBytes());
  }

  async #copyTo(fresh: FreshFile, mirror: string[]): Promise<void> {
    for (const slice of this.#contents.snapshot()) {
      for (const record of slice) mirror.push(lineOf([record]));
      await fresh.write(mirror.splice(0).join(''));
    }
    await fresh.sync();
    while (mirror.reduce((sum, line) => sum + line.length, 0) > LAST_BYTES) {
      await fresh.write(mirror.splice(0).join(''));
      await fresh.sync();
    }
  }

  #replaceBy(fresh: FreshFile): void {
    // Windows renames over no open file.
    this.#closeFile();
    try {
      fresh.replace();
    } catch (error) {
      this.#descriptor = openSync(this.#path, 'a');
      throw error;
    }
    this.#descriptor = fresh.descriptor;
    this.#size = fresh.size;
    this.#owed = '';
  }

  #closeFile(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }
}
