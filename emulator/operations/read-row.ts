/** Selects the columns and versions that a read asks for. */
import { parameterInvalid } from '../errors.js';
import { cellsSize, keySize, liveRow, type Row, type Version } from '../storage/row.js';
import { compareText } from '../values.js';
import type { TimeRange } from '../wire/messages-row.js';
import type { WireCell, WireRow } from '../wire/plain-buffer.js';
import type { Message } from '../wire/protobuf.js';
import { parseFilter, type RowFilter } from './filters.js';
import { checkColumnCount, checkColumnName } from './row-checks.js';

const BYTES_PER_UNIT = 4096;

/** Fields shared by GetRow, BatchGetRow and GetRange. */
export interface ReadRequest {
  readonly columnsToGet: readonly string[];
  readonly timeRange?: Message<typeof TimeRange> | undefined;
  readonly maxVersions?: number | undefined;
  readonly filter?: Uint8Array | undefined;
  readonly startColumn?: string | undefined;
  readonly endColumn?: string | undefined;
}

export interface Selection {
  readonly columns: ReadonlySet<string>;
  readonly from: bigint;
  readonly to: bigint;
  readonly maxVersions: number;
  readonly filter: RowFilter | undefined;
  readonly startColumn: string | undefined;
  readonly endColumn: string | undefined;
}

/**
 * @throws ServiceError for an invalid request; with `noVersionText` if a version condition is missing
 */
export function parseSelection(request: ReadRequest, noVersionText = 'No version condition is specified.'): Selection {
  const { columnsToGet, timeRange, maxVersions, startColumn, endColumn } = request;
  checkColumnCount(columnsToGet.length);
  for (const name of columnsToGet) checkColumnName(name);
  if (maxVersions === undefined && timeRange === undefined) throw parameterInvalid(noVersionText);
  if (maxVersions !== undefined && maxVersions <= 0) throw parameterInvalid('The max versions must be greater than 0.');
  const { specificTime, startTime = 0n, endTime = 2n ** 63n - 1n } = timeRange ?? {};
  if (specificTime === undefined && startTime >= endTime)
    throw parameterInvalid('The begin timestamp must be less than the end timestamp.');
  return {
    columns: new Set(columnsToGet),
    from: specificTime ?? startTime,
    to: specificTime === undefined ? endTime : specificTime + 1n,
    maxVersions: maxVersions ?? Number.POSITIVE_INFINITY,
    filter: parseFilter(request.filter),
    startColumn,
    endColumn,
  };
}

export interface ReadOutcome {
  /** Bytes read, which capacity units count. */
  readonly size: number;
  /** Absent if there is no row or the selection excludes it. */
  readonly row?: WireRow;
}

/** Applies a selection; the caller applies the TTL, see {@link liveRow}. */
export function selectFrom(row: Row, selection: Selection, tableVersions: number): ReadOutcome {
  const { columns, filter, maxVersions } = selection;
  const cells: WireCell[] = [];
  for (const [name, versions] of row.columns) {
    if (columns.size > 0 && !columns.has(name)) continue;
    if (isOutside(name, selection)) continue;
    const kept = versions
      .filter((version) => isWithin(version, selection))
      .slice(0, Math.min(maxVersions, tableVersions));
    for (const version of kept) cells.push({ name, ...version });
  }
  const size = keySize(row.primaryKey) + cellsSize(cells);
  const asksOnlyForMissing =
    columns.size > 0 && cells.length === 0 && !row.primaryKey.some(({ name }) => columns.has(name));
  if (asksOnlyForMissing || (filter && !filter.matches(cells))) return { size };
  return { size, row: { primaryKey: row.primaryKey, cells: filter ? filter.page(cells) : cells, deleteMarker: false } };
}

function isOutside(name: string, { startColumn, endColumn }: Selection): boolean {
  const belowStart = startColumn !== undefined && compareText(name, startColumn) < 0;
  return belowStart || (endColumn !== undefined && compareText(name, endColumn) >= 0);
}

function isWithin({ timestamp }: Version, { from, to }: Selection): boolean {
  return timestamp >= from && timestamp < to;
}

/** Returns capacity units: one per 4 KB, and at least one. */
export function consumed(read: number | undefined, written: number | undefined) {
  const units = (bytes: number | undefined) =>
    bytes === undefined ? 0 : Math.max(1, Math.ceil(bytes / BYTES_PER_UNIT));
  return { capacityUnit: { read: units(read), write: units(written) } };
}
