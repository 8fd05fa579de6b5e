/** Filters of reads and column conditions of writes: one language, decoded once and applied to the columns of a row. */
import { parameterInvalid, ServiceError } from '../errors.js';
import { compareValues, type Value } from '../values.js';
import {
  Comparator,
  CompositeFilter,
  Filter,
  FilterType,
  LogicalOperator,
  PaginationFilter,
  SingleColumnFilter,
} from '../wire/messages-row.js';
import type { WireCell } from '../wire/plain-buffer.js';
import { decodeValue } from '../wire/plain-buffer-reader.js';
import { decode, type Message } from '../wire/protobuf.js';
import { checkColumnName } from './row-checks.js';

const MAX_FILTERS = 32;
const COMPARATORS = Object.values(Comparator);

/** Returns the columns that pass, or undefined if the row does not. */
export interface RowFilter {
  matches(cells: readonly WireCell[]): boolean;
  page(cells: readonly WireCell[]): readonly WireCell[];
}

type Test = (cells: readonly WireCell[]) => boolean;

/** @throws ServiceError if the bytes are not a filter or contain too many */
export function parseFilter(bytes: Uint8Array | undefined): RowFilter | undefined {
  if (bytes === undefined || bytes.length === 0) return undefined;
  const budget = { left: MAX_FILTERS };
  try {
    const filter = decode(Filter, bytes);
    if (filter.type !== FilterType.PAGINATION) return { matches: parseTest(filter, budget), page: (cells) => cells };
    const { offset, limit } = decode(PaginationFilter, filter.filter);
    return { matches: () => true, page: (cells) => pageOf(cells, offset, limit) };
  } catch (error) {
    throw error instanceof ServiceError ? error : parameterInvalid('Deserialize filter failed.');
  }
}

function parseTest(filter: Message<typeof Filter>, budget: { left: number }): Test {
  if (--budget.left < 0) throw parameterInvalid(`The count of filter exceeds the max: ${MAX_FILTERS}.`);
  if (filter.type === FilterType.SINGLE_COLUMN) return singleColumnTest(decode(SingleColumnFilter, filter.filter));
  if (filter.type !== FilterType.COMPOSITE) throw parameterInvalid('Deserialize filter failed.');
  const { combinator, subFilters } = decode(CompositeFilter, filter.filter);
  const tests = subFilters.map((sub) => parseTest(sub, budget));
  const [first, ...others] = tests;
  if (first === undefined) throw parameterInvalid('Deserialize filter failed.');
  switch (combinator) {
    case LogicalOperator.NOT:
      if (others.length > 0) throw parameterInvalid('Deserialize filter failed.');
      return (cells) => !first(cells);
    case LogicalOperator.AND:
      return (cells) => tests.every((test) => test(cells));
    case LogicalOperator.OR:
      return (cells) => tests.some((test) => test(cells));
    default:
      throw parameterInvalid('Deserialize filter failed.');
  }
}

function singleColumnTest(filter: Message<typeof SingleColumnFilter>): Test {
  checkColumnName(filter.columnName);
  const operand = decodeValue(filter.columnValue);
  if (!(COMPARATORS as number[]).includes(filter.comparator)) throw parameterInvalid('Deserialize filter failed.');
  return (cells) => {
    const versions = cells.filter(({ name, value }) => name === filter.columnName && value !== undefined);
    if (versions.length === 0) return !filter.filterIfMissing;
    const considered = filter.latestVersionOnly ? versions.slice(0, 1) : versions;
    return considered.some(({ value }) => compares(filter.comparator, value!, operand));
  };
}

/** Values of different types are unequal and have no order. */
function compares(comparator: number, value: Value, operand: Value): boolean {
  const order = compareValues(value, operand);
  if (comparator === Comparator.NOT_EQUAL) return order !== 0;
  if (order === undefined) return false;
  switch (comparator) {
    case Comparator.EQUAL:
      return order === 0;
    case Comparator.GREATER:
      return order > 0;
    case Comparator.GREATER_OR_EQUAL:
      return order >= 0;
    case Comparator.LESS:
      return order < 0;
    default:
      return order <= 0;
  }
}

function pageOf(cells: readonly WireCell[], offset: number, limit: number): readonly WireCell[] {
  const names = [...new Set(cells.map(({ name }) => name))].slice(offset, offset + limit);
  return cells.filter(({ name }) => names.includes(name));
}
