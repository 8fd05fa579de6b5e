import { FieldSchema, FieldType, IndexSchema, Sort } from '../wire/messages-search.js';
import { decode, encode, type Message } from '../wire/protobuf.js';

type Field = Message<typeof FieldSchema>;

/** A schema as the service describes it: with the defaults of what was left out. */
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

/** By primary key, unless there are nested fields. */
function defaultSort(fields: readonly Field[]): Buffer {
  const isFlat = fields.every(({ fieldType }) => fieldType !== FieldType.NESTED);
  return encode(Sort, { sorters: isFlat ? [{ primaryKey: { order: 0 } }] : [] });
}
