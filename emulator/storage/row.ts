/** Rows: immutable, columns sorted by name, versions newest first. */
import { type Address, addressOf, compareText, type KeyCell, sizeOf, type Value } from '../values.js';
import type { WireCell } from '../wire/plain-buffer.js';

export interface Version {
  /** Milliseconds since 1970. */
  readonly timestamp: bigint;
  readonly value: Value;
}

/** A stored row: packed into bytes, or as it was written. */
export interface StoredRow {
  readonly address: Address;
  /** Newest version of its columns, or the time of writing without columns, in milliseconds since 1970. */
  readonly newest: number;
  unpack(): Row;
}

export interface Row extends StoredRow {
  readonly primaryKey: readonly KeyCell[];
  readonly columns: ReadonlyMap<string, readonly Version[]>;
  /** Time of the last write, from which the TTL of a row without columns counts. */
  readonly writtenAt: number;
}

class PlainRow implements Row {
  constructor(
    readonly address: Address,
    readonly primaryKey: readonly KeyCell[],
    readonly columns: ReadonlyMap<string, readonly Version[]>,
    readonly writtenAt: number,
  ) {}

  get newest(): number {
    let newest = this.columns.size === 0 ? this.writtenAt : 0;
    for (const [version] of this.columns.values()) newest = Math.max(newest, Number(version?.timestamp));
    return newest;
  }

  unpack(): Row {
    return this;
  }
}

export function makeRow(
  primaryKey: readonly KeyCell[],
  columns: ReadonlyMap<string, readonly Version[]>,
  writtenAt: number,
): Row {
  const sorted = [...columns].sort(([a], [b]) => compareText(a, b));
  return new PlainRow(addressOf(primaryKey), primaryKey, new Map(sorted), writtenAt);
}

/** Makes a row from cells in the order of {@link cellsOf}. */
export function rowOfCells(
  address: Address,
  primaryKey: readonly KeyCell[],
  cells: readonly WireCell[],
  writtenAt: number,
): Row {
  const columns = new Map<string, Version[]>();
  for (const { name, value, timestamp } of cells) {
    if (value === undefined || timestamp === undefined) continue;
    const versions = columns.get(name);
    if (versions) versions.push({ timestamp, value });
    else columns.set(name, [{ timestamp, value }]);
  }
  return new PlainRow(address, primaryKey, columns, writtenAt);
}

/** Adds a version. Replaces one of the same timestamp, and keeps the newest `maxVersions`. */
export function addVersion(versions: readonly Version[], added: Version, maxVersions: number): readonly Version[] {
  const others = versions.filter((version) => version.timestamp !== added.timestamp);
  const place = others.findIndex((version) => version.timestamp < added.timestamp);
  others.splice(place === -1 ? others.length : place, 0, added);
  return others.slice(0, maxVersions);
}

/** Returns true if the whole row has expired. Versions older than `oldest` have expired. */
export function hasExpired(row: StoredRow, oldest: bigint): boolean {
  return row.newest < Number(oldest);
}

/** Returns the unexpired part of a row, or undefined. */
export function liveRow(stored: StoredRow | undefined, oldest: bigint | undefined): Row | undefined {
  if (stored === undefined || oldest === undefined) return stored?.unpack();
  if (hasExpired(stored, oldest)) return undefined;
  const row = stored.unpack();
  if (row.columns.size === 0) return row;
  const columns = new Map<string, readonly Version[]>();
  for (const [name, versions] of row.columns) {
    const kept = versions.filter((version) => version.timestamp >= oldest);
    if (kept.length > 0) columns.set(name, kept);
  }
  return columns.size === 0 ? undefined : new PlainRow(row.address, row.primaryKey, columns, row.writtenAt);
}

export function keySize(primaryKey: readonly KeyCell[]): number {
  return primaryKey.reduce((sum, { name, value }) => sum + Buffer.byteLength(name) + sizeOf(value), 0);
}

/** Counts names and values; only versions given by a client count, see {@link givenVersionsSize}. */
export function cellsSize(cells: readonly WireCell[]): number {
  return cells.reduce(
    (sum, { name, value }) => sum + Buffer.byteLength(name) + (value === undefined ? 0 : sizeOf(value)),
    0,
  );
}

export function givenVersionsSize(cells: readonly WireCell[]): number {
  return 8 * cells.filter(({ timestamp }) => timestamp !== undefined).length;
}

export function cellsOf(row: Row): WireCell[] {
  return [...row.columns].flatMap(([name, versions]) => versions.map((version) => ({ name, ...version })));
}
