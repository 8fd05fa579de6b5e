/**
 * The optional file: one JSON array of records per line, appended before the response leaves, so that a killed process
 * loses nothing it has answered. A line cut short by the kill is dropped; opening rewrites the file without history.
 */
import { closeSync, existsSync, openSync, readFileSync, renameSync, writeFileSync, writeSync } from 'node:fs';

export type JournalRecord =
  /** A table created or changed: CreateTableRequest in base64, creation time. */
  | readonly ['table', definition: string, createdAt: number]
  | readonly ['drop', table: string]
  /** A row as it stands: PlainBuffer in base64, time of writing. */
  | readonly ['row', table: string, row: string, writtenAt: string]
  | readonly ['remove', table: string, key: string]
  /** The highest auto-increment id of a partition. */
  | readonly ['id', table: string, partition: string, id: string]
  /** A search index: CreateSearchIndexRequest in base64, creation time. */
  | readonly ['index', request: string, createdAt: number]
  | readonly ['unindex', table: string, index: string];

export class Journal {
  readonly #path: string;
  #descriptor: number | undefined;
  #group: JournalRecord[] | undefined;

  constructor(path: string) {
    this.#path = path;
  }

  /** Everything written so far, in order. @throws SyntaxError if the file is something else than a journal */
  *replay(): Generator<JournalRecord> {
    if (!existsSync(this.#path)) return;
    const lines = readFileSync(this.#path, 'utf8').split('\n');
    // What follows the last line end is nothing, or a line that a kill cut short.
    for (const line of lines.slice(0, -1)) yield* JSON.parse(line) as JournalRecord[];
  }

  /** Replaces the file by these records and starts appending. */
  start(records: Iterable<JournalRecord>): void {
    const fresh = `${this.#path}.new`;
    const descriptor = openSync(fresh, 'w');
    for (const record of records) writeSync(descriptor, `${JSON.stringify([record])}\n`);
    closeSync(descriptor);
    renameSync(fresh, this.#path);
    this.#descriptor = openSync(this.#path, 'a');
  }

  append(record: JournalRecord): void {
    if (this.#group) this.#group.push(record);
    else this.#write([record]);
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
    if (group.length > 0) this.#write(group);
  }

  close(): void {
    if (this.#descriptor !== undefined) closeSync(this.#descriptor);
    this.#descriptor = undefined;
  }

  #write(records: readonly JournalRecord[]): void {
    if (this.#descriptor !== undefined) writeFileSync(this.#descriptor, `${JSON.stringify(records)}\n`);
  }
}
