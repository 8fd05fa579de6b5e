import { parameterInvalid } from '../errors.js';
import { addVersion, type Version } from '../storage/row.js';
import type { Table } from '../storage/table.js';
import type { Value } from '../values.js';
import type { WireCell } from '../wire/plain-buffer.js';

/** A newest version further ahead of the clock was given by a client. */
const MAX_BURST = 1000n;

type Columns = ReadonlyMap<string, readonly Version[]>;

/**
 * Applies the cells of a put or an update in order.
 * @throws ServiceError for a version out of range or an increment of a non-number
 */
export function changeColumns(columns: Columns, cells: readonly WireCell[], table: Table, now: number): Columns {
  const changed = new Map(columns);
  for (const { name, value, operation, timestamp } of cells) {
    const versions = changed.get(name) ?? [];
    const place = (kept: readonly Version[]) => (kept.length > 0 ? changed.set(name, kept) : changed.delete(name));
    if (operation === 'DELETE_ALL') place([]);
    else if (operation === 'DELETE_ONE') place(versions.filter((version) => version.timestamp !== timestamp));
    else if (value === undefined) throw parameterInvalid(`The value of attribute column: '${name}' is missing.`);
    else {
      if (timestamp !== undefined) checkVersion(name, timestamp, table, now);
      const added = operation === 'INCREMENT' ? sum(name, versions[0]?.value, value) : value;
      const { maxVersions } = table.options;
      const version = timestamp ?? versionAt(BigInt(now), columns.get(name) ?? [], maxVersions);
      place(addVersion(versions, { timestamp: version, value: added }, maxVersions));
    }
  }
  return changed;
}

/**
 * Returns the version of a write that gives none. Clients of a local emulator may write a cell twice within a
 * millisecond, and where versions are kept neither write may replace the other.
 */
function versionAt(now: bigint, versions: readonly Version[], maxVersions: number): bigint {
  const newest = versions[0]?.timestamp;
  const isCrowded = newest !== undefined && newest >= now && newest < now + MAX_BURST;
  return isCrowded && maxVersions > 1 ? newest + 1n : now;
}

function sum(name: string, current: Value | undefined, step: Value): Value {
  const base = current ?? (step.type === 'DOUBLE' ? { type: 'DOUBLE', value: 0 } : { type: 'INTEGER', value: 0n });
  if (base.type === 'INTEGER' && step.type === 'INTEGER') {
    return { type: 'INTEGER', value: BigInt.asIntN(64, base.value + step.value) };
  }
  if (base.type === 'DOUBLE' && step.type === 'DOUBLE') return { type: 'DOUBLE', value: base.value + step.value };
  throw parameterInvalid(`Column '${name}' of type VT_${base.type} cannot be incremented by VT_${step.type}.`);
}

function checkVersion(name: string, timestamp: bigint, table: Table, now: number): void {
  const deviation = table.options.deviation * 1000n;
  const oldestByDeviation = BigInt(now) - deviation;
  const oldestByTtl = table.oldestLive(now) ?? 0n;
  const oldest = oldestByDeviation > oldestByTtl ? oldestByDeviation : oldestByTtl;
  if (timestamp < oldest || timestamp > BigInt(now) + deviation)
    throw parameterInvalid(`Invalid timestamp. Cell:${name}.`);
}
