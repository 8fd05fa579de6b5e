import { invalidArgument, TimelineError } from './errors.js';
import { checkText, describeValue, isWellFormed, utf8Length } from './text.js';
import type { TimelineId, TimelineIdPart } from './types.js';

export const MAX_ID_BYTES = 512;
const INT64 = 0x8000_0000_0000_0000n;
const ESCAPED = /[~/]/;

/**
 * Encodes a Timeline id as the string that every store uses. Joins parts with `/`, escapes `~` as `~0` and `/` as `~1`,
 * and writes an integer as `~i` and its digits. So `'group:42'` is unchanged, and different ids never collide.
 *
 * @example
 * ```ts
 * encodeTimelineId(['tenant/7', 42]); // 'tenant~17/~i42'
 * ```
 */
export function encodeTimelineId(id: TimelineId, argument = 'timeline'): string {
  if (typeof id === 'string') {
    checkText(id, argument, MAX_ID_BYTES);
    return ESCAPED.test(id) ? escapePart(id) : id;
  }
  const parts = Array.isArray(id) ? (id as readonly TimelineIdPart[]) : [id as TimelineIdPart];
  if (parts.length < 1 || parts.length > 3)
    throw invalidArgument(argument, `must have one to three parts, not ${parts.length}`);
  if (parts.length === 1 && parts[0] === '') throw invalidArgument(argument, 'must not be empty');
  let bytes = 0;
  const encoded = parts.map((part) => {
    bytes += typeof part === 'string' ? utf8Length(part) : 8;
    return encodePart(part, argument);
  });
  if (bytes > MAX_ID_BYTES) {
    throw new TimelineError('TIMELINE_TOO_LARGE', `${argument} is longer than ${MAX_ID_BYTES} bytes`, {
      argument,
      limit: MAX_ID_BYTES,
    });
  }
  return encoded.join('/');
}

function encodePart(part: TimelineIdPart, argument: string): string {
  if (typeof part === 'string') {
    if (!isWellFormed(part)) throw invalidArgument(argument, 'holds a lone surrogate, which has no UTF-8 form');
    return escapePart(part);
  }
  if (typeof part === 'number' && Number.isSafeInteger(part)) return `~i${BigInt(part)}`;
  if (typeof part === 'bigint' && part >= -INT64 && part < INT64) return `~i${part}`;
  throw invalidArgument(
    argument,
    `must consist of strings and integers of at most 64 bits, not ${describeValue(part)}`,
  );
}

function escapePart(text: string): string {
  return text.replaceAll('~', '~0').replaceAll('/', '~1');
}

/** Decodes an encoded Timeline id. Returns integers as `number` where they are safe, else as `bigint`. */
export function decodeTimelineId(encoded: string): TimelineId {
  const parts = encoded.split('/').map(decodePart);
  return parts.length === 1 ? (parts[0] as TimelineIdPart) : Object.freeze(parts);
}

function decodePart(part: string): TimelineIdPart {
  if (!part.startsWith('~i')) return part.replaceAll('~1', '/').replaceAll('~0', '~');
  const value = BigInt(part.slice(2));
  return Number.isSafeInteger(Number(value)) ? Number(value) : value;
}

/** Returns the common prefix of the encoded ids whose first part starts with `prefix`. */
export function encodePrefix(prefix: string): string {
  return escapePart(prefix);
}

/** A Timeline inside the core: the caller's id, its encoded form, and the prefix of its cursors. */
export class TimelineRef {
  readonly id: TimelineId;
  readonly encoded: string;
  readonly #library: string;
  #tag: string | undefined;
  #prefix: CursorPrefix | undefined;

  constructor(library: string, id: TimelineId, argument?: string) {
    this.encoded = encodeTimelineId(id, argument);
    this.id = Array.isArray(id) ? Object.freeze([...id]) : id;
    this.#library = library;
  }

  /** 32 bits of FNV-1a over library and id: detects a cursor of another Timeline, not forgery. */
  get tag(): string {
    if (this.#tag === undefined) {
      let hash = 0x811c9dc5;
      for (const text of [this.#library, '\0', this.encoded]) {
        for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193);
      }
      this.#tag = (hash >>> 0).toString(36);
    }
    return this.#tag;
  }

  /** Prefix of cursors of the epoch seen last. */
  get prefix(): CursorPrefix | undefined {
    return this.#prefix;
  }

  /** Returns the prefix of cursors of an epoch; the SeqId follows. */
  prefixOf(epoch: string): string {
    if (this.#prefix?.epoch !== epoch) this.#prefix = { epoch, text: `1.${epoch}.${this.tag}.` };
    return this.#prefix.text;
  }
}

export interface CursorPrefix {
  readonly epoch: string;
  readonly text: string;
}

/** Refs cached per library, so that repeated reads of many Timelines reuse their cursor prefixes. */
const MOST_REMEMBERED = 20_000;

export class TimelineRefs {
  readonly #library: string;
  readonly #remembered = new Map<string, TimelineRef>();

  constructor(library: string) {
    this.#library = library;
  }

  of(id: TimelineId, argument: string): TimelineRef {
    if (typeof id !== 'string') return new TimelineRef(this.#library, id, argument);
    const known = this.#remembered.get(id);
    if (known) return known;
    const ref = new TimelineRef(this.#library, id, argument);
    if (this.#remembered.size >= MOST_REMEMBERED) this.#remembered.clear();
    this.#remembered.set(id, ref);
    return ref;
  }
}
