import type { Requests, RowResult, RowWrite } from './requests.js';

/** Gathers the rows that independent work asks to be written within one turn into as few requests as hold them. */
export class RowBatcher {
  #pending: { readonly rows: readonly RowWrite[]; readonly resolve: (results: RowResult[]) => void }[] = [];

  constructor(private readonly requests: Requests) {}

  /** Never rejects: each row has a result of its own. */
  write(rows: readonly RowWrite[]): Promise<RowResult[]> {
    return new Promise((resolve) => {
      this.#pending.push({ rows, resolve });
      if (this.#pending.length === 1) setImmediate(() => void this.#flush());
    });
  }

  async #flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    const results = await this.requests.write(pending.flatMap(({ rows }) => rows));
    let next = 0;
    for (const { rows, resolve } of pending) {
      resolve(results.slice(next, next + rows.length));
      next += rows.length;
    }
  }
}
