/** Writes rows as the Java library does, cell by cell, by a client that shares no code with the adapter. */
import { Buffer } from 'node:buffer';
import {
  Client,
  createAttribute,
  createPrimaryKey,
  DeleteRow,
  Direction,
  GetRange,
  INF_MAX,
  INF_MIN,
  type PlainBufferCell,
  PutRow,
  ReturnType,
  UpdateRow,
  VariantType,
} from 'alicloud-tablestore';
import type { TablestoreEmulator } from '../../emulator/index.js';

// This client takes a Buffer's whole ArrayBuffer, which is right only outside the pool.
Buffer.poolSize = 0;

/** bigint is INTEGER, number DOUBLE, Uint8Array BINARY. */
export type Value = string | bigint | number | boolean | Uint8Array;
export type Values = Readonly<Record<string, Value>>;

export interface JavaRow {
  readonly key: Values;
  /** Type and value of each attribute; bytes in hex. */
  readonly cells: Readonly<Record<string, readonly [type: string, value: unknown]>>;
  readonly versions: readonly number[];
}

const cellsOf = (values: Values) => Object.entries(values).map(([name, value]) => createAttribute(name, value));
const keyOf = (values: Values) => Object.entries(values).map(([name, value]) => createPrimaryKey(name, value));

/** One table of the Java library: its identifier columns, then the column of the sequence. */
export class JavaTable {
  readonly #client: Client;
  readonly #table: string;
  readonly #sequence: string;

  constructor(emulator: TablestoreEmulator, table: string, sequence = 'sequence_id') {
    const { accessKeyId, accessKeySecret, instanceName, endpoint } = emulator;
    this.#client = new Client({
      endpoint: new URL(endpoint).host,
      accessKeyID: accessKeyId,
      accessKeySecret,
      instanceName,
    });
    this.#table = table;
    this.#sequence = sequence;
  }

  /** `store(message)`: PutRow with the placeholder, RT_PK. Resolves with the id. */
  async store(identifier: Values, message: Values): Promise<bigint> {
    const answer = await new PutRow(this.#client).do({
      tableName: this.#table,
      primaryKey: [...keyOf(identifier), createPrimaryKey(this.#sequence, undefined, VariantType.AUTO_INCREMENT)],
      attributes: cellsOf(message),
      returnContent: { returnType: ReturnType.RT_PK, returnColumnNames: [] },
    });
    const id = PutRow.response(answer).row?.[0]?.primaryKey.at(-1)?.value;
    if (typeof id !== 'bigint') throw new Error(`no id in the answer: ${String(id)}`);
    return id;
  }

  /** `store(sequenceId, message)`: PutRow, which overwrites. */
  async storeAt(identifier: Values, sequenceId: bigint, message: Values): Promise<void> {
    const primaryKey = keyOf({ ...identifier, [this.#sequence]: sequenceId });
    await new PutRow(this.#client).do({ tableName: this.#table, primaryKey, attributes: cellsOf(message) });
  }

  /** `update(sequenceId, message)`: UpdateRow, which puts these columns and leaves the others. */
  async update(identifier: Values, sequenceId: bigint, message: Values): Promise<void> {
    const primaryKey = keyOf({ ...identifier, [this.#sequence]: sequenceId });
    await new UpdateRow(this.#client).do({
      tableName: this.#table,
      primaryKey,
      columnToUpdate: { put: cellsOf(message) },
    });
  }

  /** `delete(sequenceId)`: DeleteRow. */
  async delete(identifier: Values, sequenceId: bigint): Promise<void> {
    await new DeleteRow(this.#client).do({
      tableName: this.#table,
      primaryKey: keyOf({ ...identifier, [this.#sequence]: sequenceId }),
    });
  }

  /** `scan` of the whole Timeline, page after page, as the library does. */
  async scan(identifier: Values, direction: 'FORWARD' | 'BACKWARD' = 'FORWARD'): Promise<JavaRow[]> {
    const bound = (sequence: object) => [...keyOf(identifier), createPrimaryKey(this.#sequence, sequence)];
    const [from, to] = direction === 'FORWARD' ? [INF_MIN, INF_MAX] : [INF_MAX, INF_MIN];
    const found: JavaRow[] = [];
    for (let start: ReturnType<typeof bound> | undefined = bound(from); start; ) {
      const answer = await new GetRange(this.#client).do({
        tableName: this.#table,
        direction: Direction[direction],
        inclusiveStartPrimaryKey: start,
        exclusiveEndPrimaryKey: bound(to),
        maxVersions: 1,
      });
      const { rows, nextStartPrimaryKey } = GetRange.response(answer);
      for (const { primaryKey, attributes } of rows ?? []) {
        found.push({
          key: Object.fromEntries(primaryKey.map(({ name, value }) => [name, value as Value])),
          cells: Object.fromEntries(attributes.map((cell) => [cell.name, typed(cell)])),
          versions: attributes.map(({ ts }) => Number(ts)),
        });
      }
      const next = nextStartPrimaryKey?.[0]?.primaryKey;
      start = next && keyOf(Object.fromEntries(next.map(({ name, value }) => [name, value as Value])));
    }
    return found;
  }
}

function typed({ type, value }: PlainBufferCell): readonly [string, unknown] {
  const name = VariantType[type ?? VariantType.NULL];
  return [name, value instanceof Uint8Array ? Buffer.from(value).toString('hex') : value];
}
