import { parameterInvalid } from '../errors.js';
import type { Row } from '../storage/row.js';
import type { Value } from '../values.js';
import { DESCENDING, Sort, type Sorter, SortMode } from '../wire/messages-search.js';
import { decodeValue } from '../wire/plain-buffer-reader.js';
import { decode, type Message } from '../wire/protobuf.js';
import { compareIndexed, type Document, type FieldMap } from './document.js';
import { distance, pointOf, pointsOf } from './geo.js';

export interface Hit {
  readonly row: Row;
  readonly document: Document;
}
type Order = (a: Hit, b: Hit) => number;

/** Returns the order of a sort; primary keys break ties and are the default. */
export function parseSort(bytes: Uint8Array | undefined, fields: FieldMap): Order {
  const orders = bytes === undefined ? [] : decode(Sort, bytes).sorters.map((sorter) => orderOf(sorter, fields));
  return (a, b) => {
    for (const order of orders) {
      const result = order(a, b);
      if (result !== 0) return result;
    }
    return byKey(a, b);
  };
}

const unsupported = (part: string) => parameterInvalid(`Unsupported part of search: ${part}.`);
const keyOf = ({ row: { address } }: Hit) => address.partition + address.row;
const byKey: Order = (a, b) => (keyOf(a) < keyOf(b) ? -1 : keyOf(a) > keyOf(b) ? 1 : 0);
const directed = (order: Order, direction: number | undefined): Order =>
  direction === DESCENDING ? (a, b) => order(b, a) : order;

function orderOf({ field, geoDistance, primaryKey }: Message<typeof Sorter>, fields: FieldMap): Order {
  if (field) return byField(field, fields);
  if (geoDistance) return byDistance(geoDistance, fields);
  if (primaryKey) return directed(byKey, primaryKey.order);
  // All hits have the same score, and documents are already in the order of their keys.
  return () => 0;
}

/** Puts rows without the field last in either direction, unless the sort gives a value or another field for them. */
function byField(sorter: NonNullable<Message<typeof Sorter>['field']>, fields: FieldMap): Order {
  const { fieldName = '', order, mode, nestedFilter, missingValue, missingField } = sorter;
  if (nestedFilter) throw unsupported('nestedFilter');
  for (const name of missingField === undefined ? [fieldName] : [fieldName, missingField]) fields.get(name);
  const missing = missingValue && decodeValue(missingValue);
  const useLargest = mode === SortMode.MAX || (mode === undefined && order === DESCENDING);
  const firstOf = (document: Document, name: string) => pick(document.values(name), useLargest, mode === SortMode.AVG);
  const key = ({ document }: Hit) =>
    firstOf(document, fieldName) ??
    (missingField === undefined ? undefined : firstOf(document, missingField)) ??
    missing;
  const sign = order === DESCENDING ? -1 : 1;
  return (a, b) => {
    const [left, right] = [key(a), key(b)];
    if (left && right) return sign * (compareIndexed(left, right) ?? 0);
    return left ? -1 : right ? 1 : 0;
  };
}

function pick(values: readonly Value[], useLargest: boolean, useMean: boolean): Value | undefined {
  if (useMean && values.length > 0) {
    return { type: 'DOUBLE', value: values.reduce((sum, { value }) => sum + Number(value), 0) / values.length };
  }
  const sorted = [...values].sort((a, b) => compareIndexed(a, b) ?? 0);
  return useLargest ? sorted.at(-1) : sorted[0];
}

function byDistance(
  {
    fieldName = '',
    points,
    order,
    mode,
    distanceType,
    nestedFilter,
  }: NonNullable<Message<typeof Sorter>['geoDistance']>,
  fields: FieldMap,
): Order {
  if (nestedFilter) throw unsupported('nestedFilter');
  if (distanceType) throw unsupported(`distanceType ${distanceType}`);
  if (mode) throw unsupported(`mode ${mode} of a geo distance sort`);
  fields.get(fieldName);
  const origins = points.flatMap((text) => pointOf(text) ?? []);
  if (origins.length === 0) throw parameterInvalid('The points of the geo distance sort are invalid.');
  const nearest = ({ document }: Hit) => {
    const places = pointsOf(document.values(fieldName));
    return Math.min(...places.flatMap((place) => origins.map((origin) => distance(place, origin))));
  };
  return directed((a, b) => (nearest(a) === nearest(b) ? 0 : nearest(a) - nearest(b)), order);
}
