/** Rows as they are stored: immutable, columns sorted by name, versions newest first. */
import { type Address, addressOf, compareText, type KeyCell, sizeOf, type Value } from '../values.js';
import type { WireCell } from '../wire/plain-buffer.js';

export interface Version {
  /** Milliseconds since 1970. */
  readonly timestamp: bigint;
  readonly value: Value;
}

export interface Row {
  readonly address: Address;
  readonly primaryKey: readonly KeyCell[];
  readonly columns: ReadonlyMap<string, readonly Version[]>;
  /** When it was last written: what the TTL of a row without columns counts from. */
  readonly writtenAt: bigint;
}

export function makeRow(
  primaryKey: readonly KeyCell[],
  columns: ReadonlyMap<string, readonly Version[]>,
  writtenAt: bigint,
): Row {
  const sorted = [...columns].sort(([a], [b]) => compareText(a, b));
  return { address: addressOf(primaryKey), primaryKey, columns: new Map(sorted), writtenAt };
}

/** Adds a version; one of the same timestamp is replaced, and only the newest `maxVersions` stay. */
export function addVersion(versions: readonly Version[], added: Version, maxVersions: number): readonly Version[] {
  const others = versions.filter((version) => version.timestamp !== added.timestamp);
  const place = others.findIndex((version) => version.timestamp < added.timestamp);
  others.splice(place === -1 ? others.length : place, 0, added);
  return others.slice(0, maxVersions);
}

/** What the TTL has left of a row, or nothing. Versions older than `oldest` have expired. */
export function liveRow(row: Row | undefined, oldest: bigint | undefined): Row | undefined {
  if (row === undefined || oldest === undefined) return row;
  if (row.columns.size === 0) return row.writtenAt < oldest ? undefined : row;
  const columns = new Map<string, readonly Version[]>();
  for (const [name, versions] of row.columns) {
    const kept = versions.filter((version) => version.timestamp >= oldest);
    if (kept.length > 0) columns.set(name, kept);
  }
  return columns.size === 0 ? undefined : { ...row, columns };
}

export function keySize(primaryKey: readonly KeyCell[]): number {
  return primaryKey.reduce((sum, { name, value }) => sum + Buffer.byteLength(name) + sizeOf(value), 0);
}

/** Names and values; versions count only where a client gives them, see {@link givenVersionsSize}. */
export function cellsSize(cells: readonly WireCell[]): number {
  return cells.reduce((sum, { name, value }) => sum + Buffer.byteLength(name) + (value === undefined ? 0 : sizeOf(value)), 0);
}

export function givenVersionsSize(cells: readonly WireCell[]): number {
  return 8 * cells.filter(({ timestamp }) => timestamp !== undefined).length;
}

export function cellsOf(row: Row): WireCell[] {
  return [...row.columns].flatMap(([name, versions]) => versions.map((version) => ({ name, ...version })));
}
