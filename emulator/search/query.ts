/** Turns queries into predicates. Computes no scores: all matches are equal. */
import { parameterInvalid } from '../errors.js';
import type { Value } from '../values.js';
import * as messages from '../wire/messages-search.js';
import { decodeValue } from '../wire/plain-buffer-reader.js';
import { decode, type Message } from '../wire/protobuf.js';
import { analyzerOf } from './analyzers.js';
import { compareIndexed, type Document, type Field, type FieldMap, operandOf } from './document.js';
import { distance, isInBox, isInPolygon, type Point, pointOf, pointsOf } from './geo.js';

export type Predicate = (document: Document) => boolean;
type QueryMessage = Message<typeof messages.Query>;

const MAX_WILDCARD_LENGTH = 20;
const { QueryType, FieldType } = messages;

/** @throws ServiceError for unknown fields, malformed operands and unsupported query types */
export function parseQuery({ type, query = new Uint8Array() }: QueryMessage, fields: FieldMap): Predicate {
  switch (type) {
    case QueryType.MATCH_ALL:
      return () => true;
    case QueryType.MATCH:
      return match(decode(messages.MatchQuery, query), fields);
    case QueryType.MATCH_PHRASE: {
      const { fieldName = '', text = '' } = decode(messages.TextQuery, query);
      const analyzer = analyzerOfField(fields.get(fieldName));
      return anyText(fieldName, (value) => (analyzer ? analyzer.holdsPhrase(value, text) : value === text));
    }
    case QueryType.TERM: {
      const { fieldName, term } = decode(messages.TermQuery, query);
      return terms(fieldName, [term], fields);
    }
    case QueryType.TERMS: {
      const { fieldName, terms: list } = decode(messages.TermsQuery, query);
      return terms(fieldName, list, fields);
    }
    case QueryType.RANGE:
      return range(decode(messages.RangeQuery, query), fields);
    case QueryType.PREFIX: {
      const { fieldName, text = '' } = decode(messages.TextQuery, query);
      return anyTerm(fieldName, fields, (term) => term.startsWith(text));
    }
    case QueryType.WILDCARD: {
      const { fieldName, text = '' } = decode(messages.TextQuery, query);
      const pattern = wildcard(text);
      return anyTerm(fieldName, fields, (term) => pattern.test(term));
    }
    case QueryType.EXISTS: {
      const { fieldName = '' } = decode(messages.ExistsQuery, query);
      const isNested = fields.get(fieldName).fieldType === FieldType.NESTED;
      return (document) => (isNested ? document.nested(fieldName) : document.values(fieldName)).length > 0;
    }
    case QueryType.BOOL:
      return bool(decode(messages.BoolQuery, query), fields);
    case QueryType.CONST_SCORE:
    case QueryType.FUNCTION_SCORE:
      return inner(decode(messages.WrappingQuery, query).query, fields);
    case QueryType.NESTED: {
      const { path = '', query: within, innerHits } = decode(messages.NestedQuery, query);
      if (innerHits) throw parameterInvalid('Unsupported part of search: innerHits.');
      fields.get(path);
      const matches = inner(within, fields);
      return (document) => document.nested(path).some(matches);
    }
    case QueryType.GEO_BOUNDING_BOX: {
      const { fieldName, topLeft, bottomRight } = decode(messages.GeoBoxQuery, query);
      const corners = [point(topLeft), point(bottomRight)] as const;
      return anyPoint(fieldName, fields, (place) => isInBox(place, ...corners));
    }
    case QueryType.GEO_DISTANCE: {
      const { fieldName, centerPoint, distance: radius = 0 } = decode(messages.GeoDistanceQuery, query);
      const centre = point(centerPoint);
      return anyPoint(fieldName, fields, (place) => distance(place, centre) <= radius);
    }
    case QueryType.GEO_POLYGON: {
      const { fieldName, points } = decode(messages.GeoPolygonQuery, query);
      const corners = points.map(point);
      return anyPoint(fieldName, fields, (place) => isInPolygon(place, corners));
    }
    default:
      throw parameterInvalid(`Unsupported query type: ${type}.`);
  }
}

function inner(query: QueryMessage | undefined, fields: FieldMap): Predicate {
  if (query === undefined) throw parameterInvalid('The inner query is missing.');
  return parseQuery(query, fields);
}

function match(
  { fieldName = '', text = '', operator, minimumShouldMatch = 1 }: Message<typeof messages.MatchQuery>,
  fields: FieldMap,
) {
  const analyzer = analyzerOfField(fields.get(fieldName));
  if (!analyzer) return anyText(fieldName, (value) => value === text);
  const wanted = [...new Set(analyzer.tokens(text))];
  const enough = operator === messages.MATCH_AND ? wanted.length : Math.max(1, minimumShouldMatch);
  return anyText(fieldName, (value) => {
    const tokens = new Set(analyzer.tokens(value));
    return wanted.length > 0 && wanted.filter((token) => tokens.has(token)).length >= enough;
  });
}

/** A term matches one token of a TEXT field, and the whole value of any other field. */
function terms(fieldName = '', list: readonly (Uint8Array | undefined)[], fields: FieldMap): Predicate {
  const field = fields.get(fieldName);
  const operands = list.map((bytes) => operand(bytes, field));
  const analyzer = analyzerOfField(field);
  const equals = (value: Value) => operands.some((term) => compareIndexed(value, term) === 0);
  if (!analyzer) return (document) => document.values(fieldName).some(equals);
  return anyText(fieldName, (text) => analyzer.tokens(text).some((token) => equals({ type: 'STRING', value: token })));
}

function range(
  { fieldName = '', from, to, includeLower, includeUpper }: Message<typeof messages.RangeQuery>,
  fields: FieldMap,
): Predicate {
  const field = fields.get(fieldName);
  const [low, high] = [from && operand(from, field), to && operand(to, field)];
  const isAbove = (order: number | undefined) =>
    order !== undefined && (order > 0 || (order === 0 && includeLower === true));
  const isBelow = (order: number | undefined) =>
    order !== undefined && (order < 0 || (order === 0 && includeUpper === true));
  return (document) =>
    document
      .values(fieldName)
      .some(
        (value) => (!low || isAbove(compareIndexed(value, low))) && (!high || isBelow(compareIndexed(value, high))),
      );
}

function bool(query: Message<typeof messages.BoolQuery>, fields: FieldMap): Predicate {
  const parse = (list: readonly QueryMessage[]) => list.map((part) => parseQuery(part, fields));
  const required = parse([...query.must, ...query.filter]);
  const forbidden = parse(query.mustNot);
  const wanted = parse(query.should);
  const enough = query.minimumShouldMatch ?? (wanted.length > 0 && required.length === 0 ? 1 : 0);
  return (document) =>
    required.every((matches) => matches(document)) &&
    !forbidden.some((matches) => matches(document)) &&
    wanted.filter((matches) => matches(document)).length >= enough;
}

function wildcard(text: string): RegExp {
  if (text.length > MAX_WILDCARD_LENGTH)
    throw parameterInvalid(`The length of wildcard value exceeds the MaxLength:${MAX_WILDCARD_LENGTH}.`);
  const escaped = text.replace(/[\\^$+.()|[\]{}]/g, '\\$&');
  return new RegExp(`^${escaped.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'su');
}

function analyzerOfField({ fieldType, analyzer, analyzerParameter }: Field) {
  return fieldType === FieldType.TEXT ? analyzerOf(analyzer, analyzerParameter) : undefined;
}

function anyText(fieldName: string, test: (text: string) => boolean): Predicate {
  return (document) => document.values(fieldName).some((value) => value.type === 'STRING' && test(value.value));
}

function anyTerm(fieldName = '', fields: FieldMap, test: (term: string) => boolean): Predicate {
  const analyzer = analyzerOfField(fields.get(fieldName));
  return anyText(fieldName, (text) => (analyzer ? analyzer.tokens(text).some(test) : test(text)));
}

function anyPoint(fieldName = '', fields: FieldMap, test: (place: Point) => boolean): Predicate {
  fields.get(fieldName);
  return (document) => pointsOf(document.values(fieldName)).some(test);
}

function operand(bytes: Uint8Array | undefined, field: Field): Value {
  if (bytes === undefined) throw parameterInvalid('The term is missing.');
  return operandOf(field, decodeValue(bytes));
}

function point(text: string | undefined): Point {
  const parsed = pointOf(text);
  if (parsed === undefined) throw parameterInvalid(`Invalid geo point: '${text}'.`);
  return parsed;
}
