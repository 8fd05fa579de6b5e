import type { LibraryOptions } from '../../../src/adapter.js';
import { invalidArgument } from '../../../src/errors.js';
import { type Reconciled, reconcileSettings } from '../../../src/settings.js';
import type { Layout } from '../layouts/layout.js';
import type { Settings } from '../options.js';
import type { SdkTable } from '../service/client.js';
import { toTimelineError } from '../service/errors.js';
import type { Requests, RowWrite } from '../service/requests.js';
import type { ColumnTest } from '../service/values.js';
import { type Kept, LibraryRecord, newEpoch, RECORD, readRecord } from './library-record.js';
import { Patience } from './patience.js';
import {
  claimSeconds,
  create,
  describe,
  entrySeconds,
  type Schema,
  type Schemas,
  schemasOf,
  setTtl,
  type Tables,
  ttlMsOf,
} from './schema.js';

/** Of the stored form; 1 was that of version 0.1. */
const FORMAT = 2;
const DAY_MS = 86_400_000;

export interface OpenedTables {
  readonly tables: Tables;
  readonly record: LibraryRecord;
  /** The table of entries keeps them for ever and is to have a TTL: to be called once that can harm nothing any more. */
  readonly limit: (() => Promise<void>) | undefined;
}

/** Creates what is missing, and settles what the library's settings are. */
export async function openTables(
  requests: Requests,
  options: LibraryOptions,
  settings: Settings & { readonly layout: Layout },
): Promise<OpenedTables> {
  try {
    return await new Opening(requests, options, settings).run();
  } catch (error) {
    throw toTimelineError(error, 'read');
  }
}

class Opening {
  readonly #patience: Patience;
  readonly #schemas: Schemas;

  constructor(
    private readonly requests: Requests,
    private readonly options: LibraryOptions,
    private readonly settings: Settings & { readonly layout: Layout },
  ) {
    this.#patience = new Patience(settings.timeoutMs);
    this.#schemas = schemasOf(options.name, settings.sequence, settings.layout);
  }

  async run(): Promise<OpenedTables> {
    const { requests, options } = this;
    const { entries, meta, keys } = this.#schemas;
    const [found, foundMeta, foundKeys] = await Promise.all(
      [entries, meta, keys].map((each) => each && this.#describe(each)),
    );
    if (!foundMeta) await create(requests, meta, -1, this.#patience);
    const timedAt = performance.now();
    const kept = await this.#settle(found);
    const record = new LibraryRecord(
      { requests, meta: meta.table, library: options.name, clock: options.clock },
      kept,
      timedAt,
    );
    if (keys) await this.#keep(keys, foundKeys, claimSeconds(record.settings));
    const seconds = entrySeconds(record.settings, this.settings.layout);
    const isLater = found?.tableOptions.timeToLive === -1 && seconds !== -1;
    // The table of entries comes last: who writes into it finds the epoch that it has.
    if (!isLater) await this.#keep(entries, found, seconds);
    if (kept.state === 'making') await this.#confirm(kept);
    const limit = () => setTtl(requests, entries.table, seconds, new Patience(this.settings.timeoutMs));
    const tables = { entries: entries.table, meta: meta.table, keys: keys?.table };
    return { tables, record, limit: isLater ? limit : undefined };
  }

  #describe(schema: Schema): Promise<SdkTable | undefined> {
    return describe(this.requests, schema, this.#patience);
  }

  async #keep(schema: Schema, found: SdkTable | undefined, seconds: number): Promise<void> {
    if (!found) await create(this.requests, schema, seconds, this.#patience);
    else if (found.tableOptions.timeToLive !== seconds)
      await setTtl(this.requests, schema.table, seconds, this.#patience);
  }

  /** The record once it is there and says what was asked for; of several processes one writes it, and the others read it again. */
  async #settle(entries: SdkTable | undefined): Promise<Kept> {
    const { clock } = this.options;
    const { table } = this.#schemas.meta;
    for (let timed = clock.trustsNow ? undefined : clock; ; timed = undefined) {
      const { record } = await this.#patience.run((call) => readRecord(this.requests, table, timed, call));
      const { text } = this.#reconcile(record, entries);
      // Another process may have made the table since it was missed.
      const isLost = record?.state === 'made' && !entries && !(await this.#describe(this.#schemas.entries));
      if (record && !isLost && record.settings === text) return record;
      const state = entries && !isLost ? 'made' : 'making';
      const epoch = record && !isLost ? record.epoch : newEpoch();
      const next = { epoch, settings: text, layout: this.settings.layout.name, state };
      if (await this.#write(record, next)) return next;
    }
  }

  #reconcile(record: Kept | undefined, entries: SdkTable | undefined): Reconciled {
    const { layout, sequence, keyWindowMs } = this.settings;
    const { name, ttlMs, alter } = this.options;
    if (record && record.layout !== layout.name) {
      throw invalidArgument(
        'layout',
        `of ${name} is '${record.layout}' since its creation and cannot become '${layout.name}'`,
      );
    }
    const wanted = { format: FORMAT, numbering: sequence, ttlMs, keyWindowMs, defaultKeyWindowMs: DAY_MS };
    return reconcileSettings(this.#standing(record, entries), wanted, { library: name, alter });
  }

  /** The TTL of a table that is there counts where nothing is written of it, and always where it is another program's too. */
  #standing(record: Kept | undefined, entries: SdkTable | undefined): string | undefined {
    const { layout, sequence, keyWindowMs = DAY_MS } = this.settings;
    if (!entries) return record?.settings;
    const ttlMs = ttlMsOf(entries, layout);
    if (!record) return JSON.stringify({ format: FORMAT, ttlMs, keyWindowMs, numbering: sequence });
    return layout.shared ? JSON.stringify({ ...JSON.parse(record.settings), ttlMs }) : record.settings;
  }

  /** Resolves with false if the record is not what it was. */
  async #write(before: Kept | undefined, next: Kept): Promise<boolean> {
    const put = Object.entries(next).map(([name, value]) => ({ name, value: value as string }));
    const row = { table: this.#schemas.meta.table, key: RECORD, type: 'PUT', put } as const;
    if (!before) return this.#put({ ...row, expect: 'missing' });
    return this.#put({
      ...row,
      condition: [is('epoch', before.epoch), is('settings', before.settings), is('state', before.state)],
    });
  }

  async #confirm({ epoch }: Kept): Promise<void> {
    const put = [{ name: 'state', value: 'made' }];
    await this.#put({
      table: this.#schemas.meta.table,
      key: RECORD,
      type: 'UPDATE',
      put,
      condition: [is('epoch', epoch)],
    });
  }

  /** Resolves with false where its condition fails. */
  #put(row: RowWrite): Promise<boolean> {
    return this.#patience.run(async (call) => {
      const [result] = await this.requests.write([row], call);
      if (result?.ok === false && result.error.failure !== 'condition') throw result.error;
      return result?.ok === true;
    });
  }
}

function is(column: keyof Kept, value: string): ColumnTest {
  return { column, is: 'EQUAL', value, passIfMissing: false };
}
