import type { AdapterLibrary, Body, Payload, Row, TimelineAdapter, WriteEntry } from '../../src/adapter.js';
import { decorateAdapter } from '../../testing/decorate.js';

/** Converts any body to a message that a layout of the Java library can hold, and back. */
export interface Disguise {
  hide(body: Body, key: string | undefined): Body;
  reveal(body: Body): Body;
}

/** Marks a body as text or bytes by its first byte. */
export const asContent: Disguise = {
  hide: (body) => (typeof body === 'string' ? Buffer.from(`t${body}`) : Buffer.concat([Buffer.from('b'), body])),
  reveal(body) {
    const bytes = Buffer.from(body as Uint8Array);
    return bytes.toString('latin1', 0, 1) === 't' ? bytes.toString('utf8', 1) : new Uint8Array(bytes.subarray(1));
  },
};

/** A message with the body as its only field besides the key. */
export const asFields: Disguise = {
  hide(body, key) {
    const field = typeof body === 'string' ? body : { $binary: Buffer.from(body).toString('base64') };
    return JSON.stringify(key === undefined ? { body: field } : { body: field, client_msg_id: key });
  },
  reveal(text) {
    const { body } = JSON.parse(text as string) as { body: string | { $binary: string } };
    return typeof body === 'string' ? body : new Uint8Array(Buffer.from(body.$binary, 'base64'));
  },
};

/** The kit uses bodies of any kind; a layout of the Java library takes only some. */
export function disguised(adapter: TimelineAdapter, disguise: Disguise): TimelineAdapter {
  return decorateAdapter(adapter, (library) => {
    const hidden = new WeakMap<Payload, Map<string | undefined, Payload>>();
    const hide = (payload: Payload, key: string | undefined): Payload => {
      const known = hidden.get(payload) ?? new Map<string | undefined, Payload>();
      hidden.set(payload, known);
      const found = known.get(key) ?? { ...payload, body: disguise.hide(payload.body, key) };
      known.set(key, found);
      return found;
    };
    const hideEntry = (entry: WriteEntry) => ({ ...entry, payload: hide(entry.payload, entry.key) });
    const reveal = (row: Row): Row => (row.body === undefined ? row : { ...row, body: disguise.reveal(row.body) });
    const update: AdapterLibrary['update'] = async (timeline, seqId, payload, ifRevision, call) => {
      const range = { timeline, after: seqId - 1n, before: seqId + 1n, limit: 1, reverse: false };
      const key = (await library.read([range], call))[0]?.rows[0]?.key;
      const { epoch, row } = await library.update!(timeline, seqId, hide(payload, key), ifRevision, call);
      return { epoch, row: reveal(row) };
    };
    // Base64 and JSON escapes make a body longer.
    const capabilities = { ...library.capabilities, maxBodyBytes: 100_000, maxAtomicBytes: 100_000 };
    return {
      capabilities,
      append: (writes, call) =>
        library.append(
          writes.map((write) => ({ ...write, entries: write.entries.map(hideEntry) })),
          call,
        ),
      read: async (ranges, call) =>
        (await library.read(ranges, call)).map((slice) => ({ ...slice, rows: slice.rows.map(reveal) })),
      update: library.update && update,
    };
  });
}
