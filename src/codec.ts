import { hash } from 'node:crypto';
import type { Body, Payload } from './adapter.js';
import { invalidArgument, reasonOf, TimelineError } from './errors.js';
import { structuralForm } from './fingerprint.js';
import { describeValue, isWellFormed, utf8Length } from './text.js';
import type { Codec } from './types.js';
import { disregard, isThenable } from './user-code.js';

/**
 * The default codec. Takes any message that JSON can represent: no cycles and no bigints, and neither `undefined` nor a
 * function as the message itself.
 */
export function jsonCodec<M>(): Codec<M> {
  return {
    encode(message) {
      const text: string | undefined = JSON.stringify(message);
      if (text === undefined) throw new TypeError(`JSON has no form for ${describeValue(message)}`);
      return text;
    },
    decode(body) {
      return JSON.parse(typeof body === 'string' ? body : Buffer.from(body).toString('utf8')) as M;
    },
  };
}

/** A payload with its size, in UTF-16 units or bytes, which counts against the limit of pending bytes. */
export interface SizedPayload extends Payload {
  readonly size: number;
}

export interface EncodeOptions {
  readonly maxBytes: number;
  readonly hashed: boolean;
  readonly shared: boolean;
}

/** Encodes a message, and refuses one that cannot be stored before any I/O. */
export function encodeMessage<M>(
  codec: Codec<M>,
  message: M,
  { maxBytes, hashed, shared }: EncodeOptions,
): SizedPayload {
  let body: Body;
  try {
    body = codec.encode(message);
  } catch (cause) {
    throw invalidArgument('message', `cannot be encoded: ${reasonOf(cause)}`, { cause });
  }
  if (typeof body !== 'string' && !(body instanceof Uint8Array)) {
    disregard(body);
    const kind = isThenable(body) ? 'a promise' : describeValue(body);
    throw invalidArgument('message', `was encoded to ${kind}; a codec returns a string or a Uint8Array`);
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
  return { body, size: body.length, shared, hash: hashed ? hashOf(codec, message) : undefined };
}

/** Counts bytes only if the body might be too large: a UTF-16 unit takes at most three bytes. */
function exceeds(body: Body, maxBytes: number): boolean {
  return typeof body === 'string' ? body.length * 3 > maxBytes && utf8Length(body) > maxBytes : body.length > maxBytes;
}

/** Returns true if the bodies together exceed `maxBytes`; counts bytes only if they might. */
export function exceedTogether(payloads: readonly SizedPayload[], maxBytes: number): boolean {
  let most = 0;
  for (const { body, size } of payloads) most += typeof body === 'string' ? size * 3 : size;
  if (most <= maxBytes) return false;
  let exact = 0;
  for (const { body } of payloads) exact += typeof body === 'string' ? utf8Length(body) : body.length;
  return exact > maxBytes;
}

/**
 * Distinguishes a retry from a reused key by 128 bits of the message. Does not hash the encoded bytes, which may differ
 * each time (a nonce). The leading letter separates the codec's fingerprints from the library's.
 */
function hashOf<M>(codec: Codec<M>, message: M): string {
  return codec.fingerprint
    ? `f${digest(JSON.stringify(fingerprintOf(codec, message)))}`
    : `s${digest(formOf(message))}`;
}

function digest(text: string): string {
  return hash('sha256', text, 'base64url').slice(0, 22);
}

function fingerprintOf<M>(codec: Codec<M>, message: M): string {
  let fingerprint: unknown;
  try {
    fingerprint = codec.fingerprint?.(message);
  } catch (cause) {
    throw invalidArgument('message', `has no fingerprint: the codec failed: ${reasonOf(cause)}`, { cause });
  }
  if (typeof fingerprint === 'string') return fingerprint;
  disregard(fingerprint);
  throw invalidArgument(
    'message',
    `has ${describeValue(fingerprint)} for a fingerprint; codec.fingerprint returns a string`,
  );
}

function formOf(message: unknown): string {
  try {
    return structuralForm(message);
  } catch (cause) {
    const why = reasonOf(cause);
    const problem = `is not plain data (${why}): to append it with a key, give the codec a fingerprint(message)`;
    throw invalidArgument('message', problem, { cause });
  }
}
