/** All search indexes of an instance. Each lags behind its table, as with the service. */
import { parameterInvalid, ServiceError } from '../errors.js';
import { liveRow, type StoredRow } from '../storage/row.js';
import { SortedMap } from '../storage/sorted-map.js';
import type { RowChange, Table } from '../storage/table.js';
import { CreateSearchIndexRequest } from '../wire/messages-search.js';
import { decode, encode, type Message } from '../wire/protobuf.js';
import { FieldMap } from './document.js';
import type { Hit } from './sort.js';

export type IndexDefinition = Message<typeof CreateSearchIndexRequest>;

export class SearchIndex {
  readonly fields: FieldMap;
  readonly #rows = new SortedMap<StoredRow>();
  #pending: { readonly at: number; readonly change: RowChange }[] = [];
  readonly #readyAt: number;

  constructor(
    readonly definition: IndexDefinition,
    readonly table: Table,
    readonly createdAt: number,
    readonly clock: { readonly now: () => number; readonly lagMs: number },
  ) {
    this.fields = new FieldMap(definition.schema);
    this.#readyAt = clock.now() + clock.lagMs;
    for (const row of table.all()) this.enqueue({ before: undefined, after: row });
  }

  get request(): Buffer {
    return encode(CreateSearchIndexRequest, this.definition);
  }

  /** True once the rows that the table had at creation are indexed. */
  get isCaughtUp(): boolean {
    return this.clock.now() >= this.#readyAt;
  }

  get rowCount(): number {
    this.#drain();
    return this.#rows.size;
  }

  enqueue(change: RowChange): void {
    this.#pending.push({ at: this.clock.now() + this.clock.lagMs, change });
  }

  /** Yields every indexed row that has not expired, in the order of primary keys. */
  hits(): Hit[] {
    this.#drain();
    const oldest = this.table.oldestLive(this.clock.now());
    return [...this.#rows.values()].flatMap((stored) => {
      const row = liveRow(stored, oldest);
      return row ? { row, document: this.fields.document(row) } : [];
    });
  }

  #drain(): void {
    const now = this.clock.now();
    const due = this.#pending.findIndex(({ at }) => at > now);
    const ready = this.#pending.splice(0, due === -1 ? this.#pending.length : due);
    for (const { change } of ready) {
      const { address } = (change.after ?? change.before)!;
      const key = address.partition + address.row;
      if (change.after) this.#rows.set(key, change.after);
      else this.#rows.delete(key);
    }
  }
}

export class SearchIndexes {
  readonly #byTable = new Map<string, Map<string, SearchIndex>>();
  readonly #clock: { readonly now: () => number; readonly lagMs: number };

  constructor(now: () => number, lagMs: number) {
    this.#clock = { now, lagMs };
  }

  of(tableName: string): readonly SearchIndex[] {
    return [...(this.#byTable.get(tableName)?.values() ?? [])];
  }

  /** @throws ServiceError if there is no such index */
  get(tableName: string, indexName: string): SearchIndex {
    const index = this.#byTable.get(tableName)?.get(indexName);
    if (index === undefined)
      throw new ServiceError(400, 'OTSMetaNotMatch', `search index [${indexName}] does not exist`);
    return index;
  }

  create(definition: IndexDefinition, table: Table, createdAt: number): SearchIndex {
    const { indexName = '' } = definition;
    const indexes = this.#byTable.get(table.name) ?? new Map<string, SearchIndex>();
    if (indexes.has(indexName)) throw parameterInvalid(`search index [${indexName}] already exists`);
    const index = new SearchIndex(definition, table, createdAt, this.#clock);
    this.#byTable.set(table.name, indexes.set(indexName, index));
    return index;
  }

  /** Restores an index from a file: a later record of the same index replaces the earlier one. */
  restore(request: Uint8Array, createdAt: number, tables: ReadonlyMap<string, Table>): void {
    const definition = decode(CreateSearchIndexRequest, request);
    const table = tables.get(definition.tableName ?? '');
    if (table === undefined) return;
    this.#byTable.get(table.name)?.delete(definition.indexName ?? '');
    this.create(definition, table, createdAt);
  }

  delete(tableName: string, indexName: string): void {
    this.#byTable.get(tableName)?.delete(indexName);
  }

  onChange(table: Table, change: RowChange): void {
    for (const index of this.of(table.name)) index.enqueue(change);
  }

  *all(): Generator<SearchIndex> {
    for (const indexes of this.#byTable.values()) yield* indexes.values();
  }
}
