/**
 * A protocol buffers (proto2) codec driven by tables: a schema is an object of fields, and the type of its messages
 * follows from it. Unknown fields are skipped; a missing required field is an error in both directions.
 */
interface Scalars {
  string: string;
  bytes: Uint8Array;
  bool: boolean;
  int32: number;
  int64: bigint;
  /** Signed, with small negative numbers short: zigzag. */
  sint64: bigint;
  float: number;
  double: number;
}
type Label = 'required' | 'optional' | 'repeated';

export interface Field<K = unknown, L extends Label = Label> {
  readonly id: number;
  readonly kind: K;
  readonly label: L;
}
export interface Schema {
  readonly [name: string]: Field;
}

type ValueOf<K> = K extends keyof Scalars ? Scalars[K] : K extends Schema ? Message<K> : never;
type NamesOf<S extends Schema, L extends Label> = {
  [N in keyof S]: S[N] extends Field<unknown, L> ? N : never;
}[keyof S];

/** The messages that a schema describes: enums are numbers, 64-bit integers are bigint. */
export type Message<S extends Schema> = { [N in NamesOf<S, 'required'>]: ValueOf<S[N]['kind']> } & {
  [N in NamesOf<S, 'optional'>]?: ValueOf<S[N]['kind']> | undefined;
} & { [N in NamesOf<S, 'repeated'>]: ValueOf<S[N]['kind']>[] };

/** Messages to encode, where repeated fields are optional. */
export type Outgoing<S extends Schema> = { [N in NamesOf<S, 'required'>]: OutgoingOf<S[N]['kind']> } & {
  [N in NamesOf<S, 'optional'>]?: OutgoingOf<S[N]['kind']> | undefined;
} & { [N in NamesOf<S, 'repeated'>]?: readonly OutgoingOf<S[N]['kind']>[] };
type OutgoingOf<K> = K extends keyof Scalars ? Scalars[K] : K extends Schema ? Outgoing<K> : never;

export const required = <const K extends keyof Scalars | Schema>(id: number, kind: K): Field<K, 'required'> => ({
  id,
  kind,
  label: 'required',
});
export const optional = <const K extends keyof Scalars | Schema>(id: number, kind: K): Field<K, 'optional'> => ({
  id,
  kind,
  label: 'optional',
});
export const repeated = <const K extends keyof Scalars | Schema>(id: number, kind: K): Field<K, 'repeated'> => ({
  id,
  kind,
  label: 'repeated',
});

export class ProtobufError extends Error {}

const VARINT = 0;
const FIXED64 = 1;
const BYTES = 2;
const FIXED32 = 5;

export function encode<S extends Schema>(schema: S, message: Outgoing<S>): Buffer {
  const chunks: Uint8Array[] = [];
  const values = message as Record<string, unknown>;
  for (const [name, { id, kind, label }] of Object.entries(schema)) {
    const value = values[name];
    if (label === 'repeated') for (const item of (value ?? []) as unknown[]) encodeField(chunks, id, kind, item);
    else if (value !== undefined) encodeField(chunks, id, kind, value);
    else if (label === 'required') throw new ProtobufError(`missing required field '${name}'`);
  }
  return Buffer.concat(chunks);
}

function encodeField(chunks: Uint8Array[], id: number, kind: unknown, value: unknown): void {
  if (kind === 'double' || kind === 'float') {
    const bytes = Buffer.alloc(kind === 'double' ? 8 : 4);
    if (kind === 'double') bytes.writeDoubleLE(value as number);
    else bytes.writeFloatLE(value as number);
    chunks.push(varint((id << 3) | (kind === 'double' ? FIXED64 : FIXED32)), bytes);
  } else if (kind === 'sint64') {
    const zigzag = ((value as bigint) << 1n) ^ ((value as bigint) >> 63n);
    chunks.push(varint((id << 3) | VARINT), varint(zigzag));
  } else if (kind === 'bool' || kind === 'int32' || kind === 'int64') {
    chunks.push(varint((id << 3) | VARINT), varint(value as boolean | number | bigint));
  } else {
    const bytes =
      kind === 'string'
        ? Buffer.from(value as string)
        : kind === 'bytes'
          ? (value as Uint8Array)
          : encode(kind as Schema, value as Outgoing<Schema>);
    chunks.push(varint((id << 3) | BYTES), varint(bytes.length), bytes);
  }
}

function varint(value: boolean | number | bigint): Uint8Array {
  const bytes: number[] = [];
  if (typeof value === 'number' && value >= 0 && value < 0x8000_0000) {
    let rest = value;
    for (; rest > 127; rest >>>= 7) bytes.push((rest & 127) | 128);
    bytes.push(rest);
  } else {
    let rest = BigInt.asUintN(64, BigInt(value));
    for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128);
    bytes.push(Number(rest));
  }
  return Uint8Array.from(bytes);
}

export function decode<S extends Schema>(schema: S, bytes: Uint8Array): Message<S> {
  const reader = new Reader(bytes);
  const message: Record<string, unknown> = {};
  const fields = Object.entries(schema);
  for (const [name, { label }] of fields) if (label === 'repeated') message[name] = [];
  while (!reader.atEnd) {
    const tag = Number(reader.varint());
    const field = fields.find(([, { id }]) => id === tag >>> 3);
    if (field === undefined) reader.skip(tag & 7);
    else {
      const [name, { kind, label }] = field;
      if (label === 'repeated') reader.values(kind, tag & 7, message[name] as unknown[]);
      else message[name] = reader.value(kind, tag & 7);
    }
  }
  for (const [name, { label }] of fields) {
    if (label === 'required' && message[name] === undefined)
      throw new ProtobufError(`missing required field '${name}'`);
  }
  return message as Message<S>;
}

class Reader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Uint8Array) {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  }

  get atEnd(): boolean {
    return this.#at >= this.#bytes.length;
  }

  varint(): bigint {
    let result = 0n;
    for (let shift = 0n; shift < 70n; shift += 7n) {
      const byte = this.take(1)[0]!;
      result |= BigInt(byte & 127) << shift;
      if (byte < 128) return BigInt.asIntN(64, result);
    }
    throw new ProtobufError('a varint is longer than ten bytes');
  }

  take(length: number): Buffer {
    const end = this.#at + length;
    if (length < 0 || end > this.#bytes.length) throw new ProtobufError('the message ends in the middle of a field');
    const slice = this.#bytes.subarray(this.#at, end);
    this.#at = end;
    return slice;
  }

  /** Repeated numbers may be packed: many in one length-delimited field. */
  values(kind: unknown, wireType: number, into: unknown[]): void {
    const packed = wireType === BYTES && typeof kind === 'string' && kind !== 'string' && kind !== 'bytes';
    if (!packed) into.push(this.value(kind, wireType));
    else {
      const inner = new Reader(this.take(Number(this.varint())));
      const innerType = kind === 'double' ? FIXED64 : kind === 'float' ? FIXED32 : VARINT;
      while (!inner.atEnd) into.push(inner.value(kind, innerType));
    }
  }

  value(kind: unknown, wireType: number): unknown {
    const expected =
      kind === 'double'
        ? FIXED64
        : kind === 'float'
          ? FIXED32
          : kind === 'bool' || kind === 'int32' || kind === 'int64' || kind === 'sint64'
            ? VARINT
            : BYTES;
    if (wireType !== expected) throw new ProtobufError(`wire type ${wireType} where ${expected} is expected`);
    if (kind === 'double') return this.take(8).readDoubleLE();
    if (kind === 'float') return this.take(4).readFloatLE();
    if (expected === VARINT) {
      const value = this.varint();
      if (kind === 'sint64') return BigInt.asUintN(63, value >> 1n) ^ -(value & 1n);
      return kind === 'int64' ? value : kind === 'int32' ? Number(BigInt.asIntN(32, value)) : value !== 0n;
    }
    const bytes = this.take(Number(this.varint()));
    return kind === 'bytes' ? bytes : kind === 'string' ? bytes.toString() : decode(kind as Schema, bytes);
  }

  skip(wireType: number): void {
    if (wireType === VARINT) this.varint();
    else if (wireType === FIXED64) this.take(8);
    else if (wireType === FIXED32) this.take(4);
    else if (wireType === BYTES) this.take(Number(this.varint()));
    else throw new ProtobufError(`unknown wire type ${wireType}`);
  }
}
