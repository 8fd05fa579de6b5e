import { jsonCodec } from '../../../../src/codec.js';
import type { Codec } from '../../../../src/types.js';

/**
 * JSON for the columns of `layout: 'java-v2'`, with bigints (INTEGER columns) and bytes (BINARY columns) as fields. Integers
 * that were not declared `'bigint'` are read as numbers where a number holds them.
 */
export function javaCodec<M>(): Codec<M> {
  const json = jsonCodec<unknown>();
  return {
    encode: (message) => json.encode(mapFields(message, pack)),
    decode: (body) => mapFields(json.decode(body), unpack) as M,
  };
}

/** Fields of a message are its own members and no deeper: Java's messages are flat. */
function mapFields(message: unknown, change: (value: unknown) => unknown): unknown {
  if (typeof message !== 'object' || message === null || Array.isArray(message)) return message;
  return Object.fromEntries(Object.entries(message).map(([name, value]) => [name, change(value)]));
}

function pack(value: unknown): unknown {
  if (typeof value === 'bigint') return { $integer: String(value) };
  return value instanceof Uint8Array ? { $binary: Buffer.from(value).toString('base64') } : value;
}

function unpack(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  const { $integer, $binary } = value as { readonly $integer?: unknown; readonly $binary?: unknown };
  if (typeof $integer === 'string') return BigInt($integer);
  return typeof $binary === 'string' ? new Uint8Array(Buffer.from($binary, 'base64')) : value;
}
