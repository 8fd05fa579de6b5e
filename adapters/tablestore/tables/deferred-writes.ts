import type { AdapterWarning, Call } from '../../../src/adapter.js';
import type { Requests, RowWrite } from '../service/requests.js';

const FLUSH_AFTER_MS = 1000;

/**
 * Row writes that no caller waits for. They share requests, a second after the first was added and when the library is
 * closed. Each must have a condition that keeps a newer value; if that fails, the write is done.
 */
export class DeferredWrites {
  readonly #requests: Requests;
  readonly #warn: (warning: AdapterWarning) => void;
  readonly #rows = new Map<string, RowWrite>();
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> | undefined;

  constructor(requests: Requests, warn: (warning: AdapterWarning) => void) {
    this.#requests = requests;
    this.#warn = warn;
  }

  /** Replaces an earlier write to the same row. */
  add(row: RowWrite): void {
    this.#rows.set(nameOf(row), row);
    this.#timer ??= setTimeout(() => void this.flush(this.#requests.transport.newCall()), FLUSH_AFTER_MS).unref();
  }

  /** Never rejects: a write that fails for the moment is kept for the next flush. */
  async flush(call: Call): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#flushing;
    this.#flushing = this.#write([...this.#rows.values()], call);
    await this.#flushing;
  }

  /** Drops everything: the tables were made again. */
  clear(): void {
    this.#rows.clear();
  }

  close(): void {
    this.#rows.clear();
    clearTimeout(this.#timer);
  }

  async #write(rows: readonly RowWrite[], call: Call): Promise<void> {
    this.#rows.clear();
    if (rows.length === 0) return;
    const results = await this.#requests.write(rows, call);
    results.forEach((result, i) => {
      if (result.ok || result.error.failure === 'condition' || result.error.failure === 'missing') return;
      const row = rows[i] as RowWrite;
      if (result.error.failure === 'refused') {
        const message = `a row of ${row.table.name} was refused: ${result.error.message}`;
        this.#warn({ code: 'tablestore-mark-lost', message });
      } else if (!this.#rows.has(nameOf(row))) this.add(row);
    });
  }
}

function nameOf({ table, key }: RowWrite): string {
  return JSON.stringify([table.name, ...key.map(String)]);
}
