import type { AdapterWarning, Call } from '../../../src/adapter.js';
import type { Requests, RowWrite } from '../service/requests.js';

const FLUSH_MS = 1000;

/**
 * Rows that nobody waits for: written together after a while and when the library is closed. Each has a condition that keeps an older
 * value from replacing a newer one; one that meets a newer one is done.
 */
export class Later {
  readonly #rows = new Map<string, RowWrite>();
  #timer: NodeJS.Timeout | undefined;
  #running: Promise<void> | undefined;

  constructor(
    private readonly requests: Requests,
    private readonly warn: (warning: AdapterWarning) => void,
  ) {}

  add(row: RowWrite): void {
    this.#rows.set(nameOf(row), row);
    this.#timer ??= setTimeout(() => void this.flush(this.requests.transport.newCall()), FLUSH_MS).unref();
  }

  /** Never rejects; what could not be written is tried again later. */
  async flush(call: Call): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    await this.#running;
    this.#running = this.#write([...this.#rows.values()], call);
    await this.#running;
  }

  /** Forgets what is not written yet: it speaks of tables that are gone. */
  forget(): void {
    this.#rows.clear();
  }

  /** Nothing is written any more. */
  close(): void {
    this.#rows.clear();
    clearTimeout(this.#timer);
  }

  async #write(rows: readonly RowWrite[], call: Call): Promise<void> {
    this.#rows.clear();
    if (rows.length === 0) return;
    const results = await this.requests.write(rows, call);
    results.forEach((result, i) => {
      if (result.ok || result.error.failure === 'condition' || result.error.failure === 'missing') return;
      const row = rows[i] as RowWrite;
      if (result.error.failure === 'refused') {
        this.warn({
          code: 'tablestore-mark-lost',
          message: `a row of ${row.table.name} was refused: ${result.error.message}`,
        });
      } else this.#keep(row);
    });
  }

  /** Unless a newer one has come meanwhile. */
  #keep(row: RowWrite): void {
    if (!this.#rows.has(nameOf(row))) this.add(row);
  }
}

function nameOf({ table, key }: RowWrite): string {
  return JSON.stringify([table.name, ...key.map(String)]);
}
