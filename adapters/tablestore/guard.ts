import type { Call } from '../../src/adapter.js';
import { isMissing } from './service/errors.js';
import type { LibraryRecord } from './tables/library-record.js';

/** Around each call: whatever shows that the tables are not those that were opened is settled before anybody relies on them. */
export class Guard {
  constructor(private readonly record: LibraryRecord) {}

  /** What was read in one life of the library is not given out as that of another: then it is read again. */
  async read<T>(call: Call, run: () => Promise<T>): Promise<T> {
    for (;;) {
      await this.record.refresh(call);
      const { epoch } = this.record;
      const result = await this.#watched(run);
      if (this.record.isSuspect) await this.record.look(call);
      if (this.record.epoch === epoch) return result;
    }
  }

  async write<T>(call: Call, run: () => Promise<T>): Promise<T> {
    await this.record.refresh(call);
    return this.#watched(run);
  }

  async #watched<T>(run: () => Promise<T>): Promise<T> {
    try {
      return await run();
    } catch (error) {
      if (isMissing(error)) this.record.suspect();
      throw error;
    }
  }
}
