import { types } from 'node:util';
import { describeValue, isWellFormed } from './text.js';

/** Maximum cached labels of property names: messages have few, and repeat them. */
const MAX_LABELS = 1000;
const labels = new Map<string, string>();

/**
 * Returns a text that identifies a value in every process: two values share it only if all their types and contents are
 * equal. Ignores the order of properties and of entries of a Map or Set; a Buffer is a Uint8Array. Throws a `TypeError`
 * for a value without such a text: a function, a symbol, a cycle, an instance of another class.
 *
 * Strings have a length prefix instead of escapes, so the text is unambiguous.
 */
export function structuralForm(value: unknown): string {
  return formOf(value, []);
}

/** `ancestors` are the objects that contain the value. */
function formOf(value: unknown, ancestors: object[]): string {
  switch (typeof value) {
    case 'string':
      return formOfString(value);
    case 'number':
      return Object.is(value, -0) ? '-0' : String(value);
    case 'boolean':
    case 'undefined':
      return String(value);
    case 'bigint':
      return `${value}n`;
    case 'object':
      return value === null ? 'null' : formOfObject(value, ancestors);
    default:
      throw new TypeError(`${describeValue(value)} is not data`);
  }
}

/** Refuses a lone surrogate, because digests need UTF-8. */
function formOfString(text: string): string {
  return isWellFormed(text) ? `"${text.length}:${text}` : `~${JSON.stringify(text)}`;
}

function formOfObject(value: object, ancestors: object[]): string {
  if (ancestors.includes(value)) throw new TypeError('an object holds itself');
  ancestors.push(value);
  const prototype = Object.getPrototypeOf(value) as object | null;
  let form: string;
  if (prototype === Object.prototype || prototype === null) form = formOfRecord(value, ancestors);
  else if (prototype === Array.prototype) form = formOfArray(value as unknown[], ancestors);
  else form = formOfBuiltIn(value, prototype, ancestors);
  ancestors.pop();
  return form;
}

function formOfRecord(value: object, ancestors: object[]): string {
  let form = '{';
  for (const name of sorted(Object.keys(value))) {
    form += labelOf(name) + formOf((value as Record<string, unknown>)[name], ancestors);
  }
  return `${form}}`;
}

function labelOf(name: string): string {
  let label = labels.get(name);
  if (label === undefined) {
    label = `${formOfString(name)}=`;
    if (labels.size < MAX_LABELS && name.length <= 64) labels.set(name, label);
  }
  return label;
}

/** Sorts in place; faster than `sort` for the few, mostly ordered names of an object. */
function sorted(names: string[]): string[] {
  if (names.length > 16) return names.sort();
  for (let i = 1; i < names.length; i++) {
    const name = names[i] as string;
    let at = i;
    for (; at > 0 && (names[at - 1] as string) > name; at--) names[at] = names[at - 1] as string;
    names[at] = name;
  }
  return names;
}

function formOfArray(value: readonly unknown[], ancestors: object[]): string {
  let form = '[';
  for (let i = 0; i < value.length; i++) {
    const item = value[i];
    form += item === undefined && !(i in value) ? 'hole,' : `${formOf(item, ancestors)},`;
  }
  return `${form}]`;
}

/** Matches built-in classes of any realm, but not their subclasses. */
function formOfBuiltIn(value: object, prototype: object, ancestors: object[]): string {
  const base = Object.getPrototypeOf(prototype) as object | null;
  if (isRoot(prototype)) return formOfRecord(value, ancestors);
  if (types.isTypedArray(value)) {
    if (prototype === Buffer.prototype || isRoot(base && Object.getPrototypeOf(base))) return formOfBytes(value);
  } else if (isRoot(base)) {
    if (Array.isArray(value)) return formOfArray(value, ancestors);
    const isBare = Object.keys(value).length === 0;
    if (isBare && types.isDate(value)) return `Date(${Date.prototype.getTime.call(value)})`;
    if (isBare && types.isMap(value)) return formOfMap(value, ancestors);
    if (isBare && types.isSet(value)) return formOfSet(value, ancestors);
    if (isBare && types.isArrayBuffer(value)) return formOfBytes(new DataView(value), 'ArrayBuffer');
    if (isBare && types.isDataView(value)) return formOfBytes(value);
  }
  throw new TypeError(
    `an instance of ${describeValue((prototype as { constructor?: { name?: unknown } }).constructor?.name)} has none`,
  );
}

/** Returns true for the prototype of plain objects of any realm. */
function isRoot(prototype: object | null): boolean {
  return prototype !== null && Object.getPrototypeOf(prototype) === null && Object.hasOwn(prototype, 'isPrototypeOf');
}

function formOfMap(value: ReadonlyMap<unknown, unknown>, ancestors: object[]): string {
  const forms: string[] = [];
  Map.prototype.forEach.call(value, (item, key) => forms.push(`${formOf(key, ancestors)}=${formOf(item, ancestors)}`));
  return `Map(${forms.sort().join()})`;
}

function formOfSet(value: ReadonlySet<unknown>, ancestors: object[]): string {
  const forms: string[] = [];
  Set.prototype.forEach.call(value, (item) => forms.push(formOf(item, ancestors)));
  return `Set(${forms.sort().join()})`;
}

function formOfBytes(
  value: ArrayBufferView,
  kind = (value as unknown as Record<symbol, string>)[Symbol.toStringTag],
): string {
  return `${kind}(${Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('base64')})`;
}
