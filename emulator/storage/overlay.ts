import type { Address } from '../values.js';
import type { StoredRow } from './row.js';
import type { RowView } from './table.js';

/** Collects writes of one partition key until they commit together: local transactions and atomic batches. */
export class Overlay implements RowView {
  readonly #base: RowView;
  readonly #written = new Map<string, { readonly row: StoredRow; readonly present: boolean }>();

  constructor(base: RowView) {
    this.#base = base;
  }

  get(address: Address): StoredRow | undefined {
    const written = this.#written.get(address.row);
    return written ? (written.present ? written.row : undefined) : this.#base.get(address);
  }

  set(row: StoredRow): void {
    this.#written.set(row.address.row, { row, present: true });
  }

  delete(row: StoredRow): void {
    this.#written.set(row.address.row, { row, present: false });
  }

  scan(start: Address, end: Address, backward: boolean): Iterable<StoredRow> {
    const rows = new Map([...this.#base.scan(start, end, backward)].map((row) => [row.address.row, row]));
    const [low, high] = backward ? [end, start] : [start, end];
    for (const [key, { row, present }] of this.#written) {
      const aboveLow = backward ? isAbove(row.address, low) : !isAbove(low, row.address);
      const belowHigh = backward ? !isAbove(row.address, high) : isAbove(high, row.address);
      if (!present) rows.delete(key);
      else if (aboveLow && belowHigh) rows.set(key, row);
    }
    const sign = backward ? -1 : 1;
    return [...rows.values()].sort((a, b) => (isAbove(a.address, b.address) ? sign : -sign));
  }

  commit(): void {
    for (const { row, present } of this.#written.values()) {
      if (present) this.#base.set(row);
      else if (this.#base.get(row.address)) this.#base.delete(row);
    }
  }
}

function isAbove(a: Address, b: Address): boolean {
  return a.partition > b.partition || (a.partition === b.partition && a.row > b.row);
}
