import type { Codec } from '../src/index.js';
import { describeValue, isThenable } from '../src/toolkit/index.js';

/** Separates the envelope from the body: JSON on one line holds no line feed. */
const SEPARATOR = '\n';
const SEPARATOR_BYTE = 0x0a;

interface Envelope<M> {
  readonly body?: M;
}

/**
 * Makes the codec of a library's entries from the codec of their bodies. An entry is its JSON without the body. A line
 * feed and the encoded body follow, if there is one. Bytes stay bytes, and text stays text.
 */
export function envelopeCodec<M, E extends object>(bodies: Codec<M>): Codec<E> {
  const { fingerprint } = bodies;
  return {
    encode(entry) {
      const { body, ...rest } = entry as Envelope<M>;
      const head = JSON.stringify(rest);
      if (body === undefined) return head;
      const encoded: unknown = bodies.encode(body);
      if (typeof encoded === 'string') return head + SEPARATOR + encoded;
      if (encoded instanceof Uint8Array) return Buffer.concat([Buffer.from(head + SEPARATOR), encoded]);
      if (isThenable(encoded)) encoded.then(undefined, () => undefined);
      const kind = isThenable(encoded) ? 'a promise' : describeValue(encoded);
      throw new TypeError(`the codec encoded the body to ${kind}, not to a string or a Uint8Array`);
    },
    decode(stored) {
      const end = typeof stored === 'string' ? stored.indexOf(SEPARATOR) : stored.indexOf(SEPARATOR_BYTE);
      const head = end < 0 ? stored : stored.slice(0, end);
      const entry: unknown = JSON.parse(typeof head === 'string' ? head : Buffer.from(head).toString('utf8'));
      if (typeof entry !== 'object' || entry === null) throw new TypeError('the entry is no object');
      return (end < 0 ? entry : { ...entry, body: bodies.decode(stored.slice(end + 1)) }) as E;
    },
    ...(fingerprint && {
      fingerprint(entry) {
        const { body, ...rest } = entry as Envelope<M>;
        const head = JSON.stringify(Object.entries(rest).sort(([a], [b]) => (a < b ? -1 : 1)));
        return body === undefined ? head : head + SEPARATOR + fingerprint.call(bodies, body);
      },
    }),
  };
}
