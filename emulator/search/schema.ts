import { parameterInvalid } from '../errors.js';
import { FieldSchema, FieldType, IndexSchema, Sort } from '../wire/messages-search.js';
import { decode, encode, type Message } from '../wire/protobuf.js';

type Field = Message<typeof FieldSchema>;

const FIELD_TYPES: readonly (number | undefined)[] = Object.values(FieldType);
const ANALYZERS: readonly (string | undefined)[] = [undefined, 'single_word', 'max_word', 'min_word', 'split', 'fuzzy'];

/** @throws ServiceError for a field that cannot be indexed; a client would believe that it has no values */
export function checkSchema(schema: Uint8Array | undefined): void {
  for (const field of decode(IndexSchema, schema ?? new Uint8Array()).fieldSchemas) checkField(field);
}

function checkField({ fieldName, fieldType, analyzer, isVirtualField, jsonType, fieldSchemas }: Field): void {
  const refusal = (part: string) => parameterInvalid(`Unsupported part of search index field [${fieldName}]: ${part}.`);
  if (!FIELD_TYPES.includes(fieldType)) throw refusal(`fieldType ${fieldType}`);
  if (!ANALYZERS.includes(analyzer)) throw refusal(`analyzer ${analyzer}`);
  if (isVirtualField) throw refusal('isVirtualField');
  if (jsonType !== undefined) throw refusal('jsonType');
  for (const inner of fieldSchemas) checkField(decode(FieldSchema, inner));
}

/** Returns a schema as the service describes it, with defaults filled in. */
export function describedSchema(schema: Uint8Array | undefined): Buffer {
  const { fieldSchemas, indexSetting, indexSort } = decode(IndexSchema, schema ?? new Uint8Array());
  return encode(IndexSchema, {
    fieldSchemas: fieldSchemas.map(described),
    indexSetting: indexSetting ?? new Uint8Array(),
    indexSort: indexSort ?? defaultSort(fieldSchemas),
  });
}

function described(field: Field): Field {
  if (field.fieldType === FieldType.NESTED) {
    const inner = field.fieldSchemas.map((bytes) => encode(FieldSchema, described(decode(FieldSchema, bytes))));
    return { ...field, fieldSchemas: inner };
  }
  const analyzer = field.fieldType === FieldType.TEXT ? { analyzer: 'single_word' } : {};
  return { index: true, docValues: false, isArray: false, ...analyzer, ...field };
}

/** Sorts by primary key, unless there are nested fields. */
function defaultSort(fields: readonly Field[]): Buffer {
  const isFlat = fields.every(({ fieldType }) => fieldType !== FieldType.NESTED);
  return encode(Sort, { sorters: isFlat ? [{ primaryKey: { order: 0 } }] : [] });
}
