import type { Call } from '../../../src/adapter.js';
import type { Context } from '../context.js';
import type { RowResult, RowWrite } from '../service/requests.js';
import { writeEntries } from './entry-writes.js';

interface Written {
  readonly results: readonly RowResult[];
  readonly sound: boolean;
}

/** Gathers the rows that independent work asks to be written within one turn into as few requests as hold them. */
export class RowBatcher {
  #pending: {
    readonly rows: readonly RowWrite[];
    readonly call: Call;
    readonly resolve: (written: Written) => void;
  }[] = [];

  constructor(private readonly context: Context) {}

  /** As {@link writeEntries}. Never rejects: each row has a result of its own. */
  write(rows: readonly RowWrite[], call: Call): Promise<Written> {
    return new Promise((resolve) => {
      this.#pending.push({ rows, call, resolve });
      if (this.#pending.length === 1) setImmediate(() => void this.#flush());
    });
  }

  /** Those of one turn have nearly the same deadline; the first of them counts for all. */
  async #flush(): Promise<void> {
    const pending = this.#pending;
    this.#pending = [];
    const deadline = Math.min(...pending.map(({ call }) => call.deadline));
    const rows = pending.flatMap((each) => each.rows);
    const { results, sound } = await writeEntries(this.context, rows, { deadline });
    let next = 0;
    for (const each of pending) {
      each.resolve({ results: results.slice(next, next + each.rows.length), sound });
      next += each.rows.length;
    }
  }
}
