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

/** A payload that knows its size, for the bounds on pending bytes and on atomic batches. */
export interface SizedPayload extends Payload {
  readonly bytes: number;
}

/** Refuses what cannot be stored, before any I/O. */
export function encodeMessage<M>(
  codec: Codec<M>,
  message: M,
  options: { readonly maxBytes: number; readonly hashed: boolean; readonly shared: boolean },
): SizedPayload {
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
  const bytes = typeof body === 'string' ? utf8Length(body) : body.byteLength;
  if (bytes > options.maxBytes) {
    throw new TimelineError(
      'TIMELINE_TOO_LARGE',
      `the encoded message has ${bytes} bytes; this store takes ${options.maxBytes}`,
      {
        argument: 'message',
        limit: options.maxBytes,
      },
    );
  }
  return { body, bytes, shared: options.shared, hash: options.hashed ? digest(body) : undefined };
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
