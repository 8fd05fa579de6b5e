/** Form of a result in JSON. */
export interface JsonForm {
  /** Plain data for JSON, with SeqIds as decimal strings. */
  toJSON(): unknown;
}

/**
 * Returns plain data for `JSON.stringify`: bigints as decimal strings, an object within itself as `'[Circular]'`.
 * Shares all that needs no change.
 */
export function plain(value: unknown, ancestors: object[] = []): unknown {
  if (typeof value === 'bigint') return value.toString();
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) return value;
  if (typeof (value as Partial<JsonForm>).toJSON === 'function') return value;
  if (ancestors.includes(value)) return '[Circular]';
  ancestors.push(value);
  let isSame = true;
  const fields = Object.entries(value).map(([name, field]) => {
    const result = plain(field, ancestors);
    isSame &&= result === field;
    return [name, result] as const;
  });
  ancestors.pop();
  if (isSame) return value;
  return Array.isArray(value) ? fields.map(([, field]) => field) : Object.fromEntries(fields);
}

/** Returns the enumerable fields of a result as plain data. */
export function plainFields(result: object): unknown {
  return plain({ ...result });
}

// Not enumerable, so that neither a comparison nor a spread of the result sees it; shared by all results.
const TO_JSON: PropertyDescriptor = {
  value(this: object) {
    return plainFields(this);
  },
};

/**
 * Gives an object a `toJSON`.
 *
 * @example
 * JSON.stringify(withJson({ seqId: 7n })); // {"seqId":"7"}
 */
export function withJson<T extends object>(fields: T): T & JsonForm {
  return Object.defineProperty(fields, 'toJSON', TO_JSON) as T & JsonForm;
}
