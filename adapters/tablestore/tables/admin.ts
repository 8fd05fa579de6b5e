import type { Call } from '../../../src/adapter.js';
import { invalidArgument } from '../../../src/errors.js';
import { pauseAfter } from '../../../src/retry.js';
import { pause } from '../../../src/toolkit/index.js';
import type { KeyColumn } from '../layouts/layout.js';
import type { SdkTable } from '../service/client.js';
import { causeOf, requestError, toTimelineError } from '../service/errors.js';
import type { Requests } from '../service/requests.js';
import { type KeyPart, MAX, MIN, type Table } from '../service/values.js';
import type { TableSchema } from './schema.js';

/** A new table may take a minute, and the service limits how many are made per second. */
export const READY_WITHIN_MS = 90_000;

/**
 * Describes, creates and alters tables. All its requests are safe to repeat and share one budget, which starts again, up
 * to {@link READY_WITHIN_MS}, while the service answers that tables are not ready.
 */
export class TableAdmin {
  readonly #requests: Requests;
  readonly #budgetMs: number;
  readonly #readyBy = performance.now() + READY_WITHIN_MS;
  #deadline: number;

  constructor(requests: Requests, budgetMs: number) {
    this.#requests = requests;
    this.#budgetMs = budgetMs;
    this.#deadline = performance.now() + budgetMs;
  }

  /** Retries `run` within the budget. */
  async retry<T>(run: (call: Call) => Promise<T>): Promise<T> {
    for (let attempt = 1; ; attempt++) {
      let ms: number | undefined;
      try {
        return await run({ deadline: this.#deadline });
      } catch (error) {
        const { isTransient, message } = causeOf(error);
        if (/OTSTableNotReady|OTSQuotaExhausted/.test(message)) {
          this.#deadline = Math.min(this.#readyBy, performance.now() + this.#budgetMs);
        }
        if (isTransient) ms = pauseAfter(attempt, toTimelineError(error, 'read'), this.#deadline);
        if (ms === undefined) throw error;
      }
      await pause(ms);
    }
  }

  /**
   * Resolves with `undefined` if the table does not exist.
   *
   * @throws `TIMELINE_INVALID_ARGUMENT` if it has other key columns.
   */
  async describe(schema: TableSchema): Promise<SdkTable | undefined> {
    const parameters = { tableName: schema.table.name };
    try {
      const table = await this.retry((call) =>
        this.#requests.transport.send<SdkTable>('describeTable', parameters, call),
      );
      checkKeyColumns(schema, table);
      return table;
    } catch (error) {
      if (requestError(error).failure === 'missing') return undefined;
      throw error;
    }
  }

  /** Resolves once the table can be used, also if another process creates it at the same time. */
  async create({ table, key, isAutoIncrement, deviationSeconds }: TableSchema, ttlSeconds: number): Promise<void> {
    const parameters = {
      tableMeta: {
        tableName: table.name,
        primaryKey: key.map(({ name, type }, i) =>
          isAutoIncrement && i === key.length - 1 ? { name, type, option: 'AUTO_INCREMENT' } : { name, type },
        ),
      },
      reservedThroughput: { capacityUnit: { read: 0, write: 0 } },
      tableOptions: { timeToLive: ttlSeconds, maxVersions: 1, maxTimeDeviation: deviationSeconds },
    };
    await this.retry(async (call) => {
      try {
        await this.#requests.transport.send('createTable', parameters, call);
      } catch (error) {
        if (requestError(error).failure !== 'exists') throw error;
      }
    });
    // A table answers reads only once it is ready.
    const [from, to] = [table.key.map((): KeyPart => MIN), table.key.map((): KeyPart => MAX)];
    const anyRow = { table, from, to, limit: 1 };
    await this.retry((call) => this.#requests.range(anyRow, call));
  }

  /** -1: for ever. */
  async setTtl({ name }: Table, ttlSeconds: number): Promise<void> {
    const parameters = { tableName: name, tableOptions: { timeToLive: ttlSeconds, maxVersions: 1 } };
    await this.retry((call) => this.#requests.transport.send('updateTable', parameters, call));
  }
}

const TYPES: Readonly<Record<number, string>> = { 1: 'INTEGER', 2: 'STRING', 3: 'BINARY' };

function checkKeyColumns({ table, key, isAutoIncrement }: TableSchema, { tableMeta }: SdkTable): void {
  const show = (columns: readonly (KeyColumn & { auto: boolean })[]) =>
    columns.map(({ name, type, auto }) => `${name} ${type}${auto ? ' AUTO_INCREMENT' : ''}`).join(', ');
  const expected = show(key.map((column, i) => ({ ...column, auto: isAutoIncrement && i === key.length - 1 })));
  const actual = show(
    tableMeta.primaryKey.map((column) => ({
      name: column.name,
      type: TYPES[column.type] as KeyColumn['type'],
      // An absent option reads as 1, the default of its protobuf field.
      auto: Object.hasOwn(column, 'option') && column.option === 1,
    })),
  );
  if (actual === expected) return;
  const problem = `and layout do not fit table ${table.name}: its key columns are ${actual}, not ${expected}`;
  throw invalidArgument('sequence', problem);
}
