import { createHash } from 'node:crypto';
import type { Body, Payload } from './adapter.js';
import { invalidArgument, TimelineError } from './errors.js';
import { describe, isWellFormed, utf8Length } from './text.js';
import type { Codec } from './types.js';

/** The default codec. Messages are what JSON can say: no `undefined`, functions, cycles or bigints at the top. */
export function jsonCodec<M>(): Codec<M> {
  return {
    encode(message) {
      const text: string | undefined = JSON.stringify(message);
      if (text === undefined) throw new TypeError(`JSON has no form for ${describe(message)}`);
      return text;
    },
    decode(body) {
      return JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString('utf8')) as M;
    },
  };
}

/** A payload that knows its size: UTF-16 units of text or bytes, what it weighs while it is pending. */
export interface SizedPayload extends Payload {
  readonly size: number;
}

export interface EncodeOptions {
  readonly maxBytes: number;
  readonly hashed: boolean;
  readonly shared: boolean;
}

/** Refuses what cannot be stored, before any I/O. */
export function encodeMessage<M>(codec: Codec<M>, message: M, { maxBytes, hashed, shared }: EncodeOptions): SizedPayload {
  let body: Body;
  try {
    body = codec.encode(message);
  } catch (cause) {
    throw invalidArgument('message', `cannot be encoded: ${(cause as Error)?.message ?? cause}`, { cause });
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    throw invalidArgument('message', `was encoded to ${describe(body)}; a codec returns a string or a Uint8Array`);
  }
  if (typeof body === 'string' && !isWellFormed(body)) {
    throw invalidArgument('message', 'was encoded to a string with a lone surrogate, which has no UTF-8 form');
  }
  if (exceeds(body, maxBytes)) {
    throw new TimelineError(
      'TIMELINE_TOO_LARGE',
      `the encoded message is larger than the ${maxBytes} bytes that this store takes`,
      {
        argument: 'message',
        limit: maxBytes,
      },
    );
  }
  return { body, size: body.length, shared, hash: hashed ? digest(body) : undefined };
}

/** Measures only what might be too large: a UTF-16 unit takes at most three bytes. */
function exceeds(body: Body, maxBytes: number): boolean {
  return typeof body === 'string' ? body.length * 3 > maxBytes && utf8Length(body) > maxBytes : body.length > maxBytes;
}

/** Bytes of many bodies together, as exactly as telling whether they exceed `maxBytes` needs. */
export function exceedTogether(payloads: readonly SizedPayload[], maxBytes: number): boolean {
  let most = 0;
  for (const { body, size } of payloads) most += typeof body === 'string' ? size * 3 : size;
  if (most <= maxBytes) return false;
  let exact = 0;
  for (const { body } of payloads) exact += typeof body === 'string' ? utf8Length(body) : body.length;
  return exact > maxBytes;
}

/** 128 bits tell a retry from a key used twice; the leading letter keeps text and bytes apart. */
function digest(body: Body): string {
  const kind = typeof body === 'string' ? 't' : 'b';
  return kind + createHash('sha256').update(body).digest('base64url').slice(0, 22);
}

export function decodeBody<M>(codec: Codec<M>, body: Body, timeline: string, seqId: bigint): M {
  try {
    return codec.decode(body);
  } catch (cause) {
    throw new TimelineError(
      'TIMELINE_DECODE',
      `entry ${seqId} of ${describe(timeline)} cannot be decoded: ${(cause as Error)?.message}`,
      {
        cause,
        timeline,
        actual: seqId,
      },
    );
  }
}
