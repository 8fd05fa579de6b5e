import { types } from 'node:util';
import { describe, isWellFormed } from './text.js';

/** Names of properties whose label is kept: those of messages are few and come again. */
const MAX_LABELS = 1000;
const labels = new Map<string, string>();

/**
 * One text for what a value *is*, the same in every process: two values share it only if they are of the same types
 * throughout and hold the same. Properties and the entries of a Map or Set count without their order; a Buffer is a
 * Uint8Array. Throws a `TypeError` for a value that has none: a function, a symbol, a cycle, an instance of another
 * class.
 *
 * Strings carry their length instead of escapes, so each form ends where it ends and none can be read in two ways.
 */
export function structuralForm(value: unknown): string {
  return formOf(value, []);
}

/** `ancestors` are the objects that the value stands in. */
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
      throw new TypeError(`${describe(value)} is not data`);
  }
}

/** A lone surrogate has no UTF-8 form, of which digests are made. */
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

/** In place, and without what `sort` costs for the few names of an object, which mostly are in order or nearly so. */
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

/** Built-in classes of this realm or another; what derives from them is another class. */
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
    `an instance of ${describe((prototype as { constructor?: { name?: unknown } }).constructor?.name)} has none`,
  );
}

/** The prototype of plain objects, whichever realm they are from. */
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
