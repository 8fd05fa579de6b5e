/** A row as an index sees it: fields with values of their schema's type. */
import { parameterInvalid } from '../errors.js';
import type { Row } from '../storage/row.js';
import { compareValues, type Value } from '../values.js';
import { FieldSchema, FieldType, IndexSchema } from '../wire/messages-search.js';
import { decode, type Message } from '../wire/protobuf.js';
import { parseDate } from './dates.js';

export type Field = Message<typeof FieldSchema>;

export interface Document {
  /** Returns the values of a field; none if the row lacks it or its value has another type. */
  values(field: string): readonly Value[];
  /** Returns the elements of a nested field as documents. */
  nested(path: string): readonly Document[];
}

export class FieldMap {
  readonly #fields = new Map<string, Field>();
  readonly names: readonly string[];
  /** Default sort of a search. */
  readonly order: Uint8Array | undefined;

  constructor(schema: Uint8Array | undefined) {
    const { fieldSchemas, indexSort } = decode(IndexSchema, schema ?? new Uint8Array());
    this.names = fieldSchemas.map(({ fieldName }) => fieldName ?? '');
    this.order = indexSort;
    this.#add('', fieldSchemas);
  }

  /** @throws ServiceError if the index does not have the field */
  get(name: string | undefined): Field {
    const field = this.#fields.get(name ?? '');
    if (field === undefined) throw parameterInvalid(`field [${name}] does not exist in the search index`);
    return field;
  }

  document(row: Row): Document {
    const stored = (name: string): Value | undefined =>
      row.columns.get(name)?.[0]?.value ?? row.primaryKey.find((cell) => cell.name === name)?.value;
    return {
      values: (name) => indexed(this.get(name), stored(name)),
      nested: (path) => this.#elements(path, stored(path)),
    };
  }

  /** An index with nested fields has no default order; others are ordered by primary key. */
  get hasNested(): boolean {
    return [...this.#fields.values()].some(({ fieldType }) => fieldType === FieldType.NESTED);
  }

  #add(prefix: string, fields: readonly Field[]): void {
    for (const field of fields) {
      const name = prefix + (field.fieldName ?? '');
      this.#fields.set(name, field);
      const inner = field.fieldSchemas.map((bytes) => decode(FieldSchema, bytes));
      this.#add(`${name}.`, inner);
    }
  }

  #elements(path: string, value: Value | undefined): Document[] {
    const parsed = value?.type === 'STRING' ? parseJson(value.value) : undefined;
    const elements = Array.isArray(parsed) ? parsed : parsed === undefined ? [] : [parsed];
    return elements.filter(isObject).map((element) => {
      const inner = (name: string) => element[name.slice(path.length + 1)];
      return {
        values: (name) =>
          listOf(inner(name)).flatMap((item) => indexed(this.get(name), fromJson(item, this.get(name)))),
        nested: (deeper) => this.#elements(deeper, { type: 'STRING', value: JSON.stringify(inner(deeper) ?? []) }),
      };
    });
  }
}

function indexed(field: Field, value: Value | undefined): readonly Value[] {
  if (value === undefined) return [];
  if (field.isArray && value.type === 'STRING') {
    return listOf(parseJson(value.value)).flatMap((item) =>
      indexed({ ...field, isArray: false }, fromJson(item, field)),
    );
  }
  const converted = field.fieldType === FieldType.DATE ? asDate(field, value) : value;
  return converted && fits(field, converted) ? [converted] : [];
}

/** Converts an operand of a query to a value of the field; numbers and booleans may be texts. */
export function operandOf(field: Field, value: Value): Value {
  if (field.fieldType === FieldType.DATE) return asDate(field, value) ?? value;
  if (value.type !== 'STRING') return value;
  const text = value.value;
  if (field.fieldType === FieldType.LONG && /^-?\d+$/.test(text)) return { type: 'INTEGER', value: BigInt(text) };
  if (field.fieldType === FieldType.DOUBLE && text !== '' && !Number.isNaN(Number(text)))
    return { type: 'DOUBLE', value: Number(text) };
  if (field.fieldType === FieldType.BOOLEAN && /^(?:true|false)$/.test(text))
    return { type: 'BOOLEAN', value: text === 'true' };
  return value;
}

function asDate({ dateFormats }: Field, value: Value): Value | undefined {
  if (value.type !== 'STRING' || dateFormats.length === 0) return value;
  const time = parseDate(value.value, dateFormats);
  return time === undefined ? undefined : { type: 'INTEGER', value: time };
}

function fits({ fieldType }: Field, { type }: Value): boolean {
  switch (fieldType) {
    case FieldType.LONG:
      return type === 'INTEGER';
    case FieldType.DOUBLE:
      return type === 'DOUBLE' || type === 'INTEGER';
    case FieldType.BOOLEAN:
      return type === 'BOOLEAN';
    case FieldType.DATE:
      return type === 'STRING' || type === 'INTEGER';
    default:
      return type === 'STRING';
  }
}

function fromJson(item: unknown, { fieldType }: Field): Value | undefined {
  if (typeof item === 'string') return { type: 'STRING', value: item };
  if (typeof item === 'boolean') return { type: 'BOOLEAN', value: item };
  if (typeof item !== 'number') return undefined;
  const isInteger = fieldType !== FieldType.DOUBLE && Number.isSafeInteger(item);
  return isInteger ? { type: 'INTEGER', value: BigInt(item) } : { type: 'DOUBLE', value: item };
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const listOf = (item: unknown): readonly unknown[] => (Array.isArray(item) ? item : item === undefined ? [] : [item]);
const isObject = (item: unknown): item is Readonly<Record<string, unknown>> =>
  typeof item === 'object' && item !== null;

/** Compares values of an index: like columns, but integers and doubles compare with each other. */
export function compareIndexed(a: Value, b: Value): number | undefined {
  const [left, right] = [a, b].map((value) => (value.type === 'INTEGER' ? Number(value.value) : value.value));
  if (a.type !== b.type && typeof left === 'number' && typeof right === 'number') return left - right;
  return compareValues(a, b);
}
