import type { Sent } from '../sync/index.js';
import type { SentAnswer } from './protocol.js';

const NOT_STORED = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' };

/** Answers with JSON, in which results have their SeqIds as decimal strings. */
export function json(body: unknown, options: { readonly status?: number } = {}): Response {
  return text(JSON.stringify(body), options);
}

export function text(
  body: string,
  { status = 200, headers = {} }: { readonly status?: number; readonly headers?: Record<string, string> } = {},
): Response {
  return new Response(body, { status, headers: { ...NOT_STORED, 'content-type': 'application/json', ...headers } });
}

export function noContent(): Response {
  return new Response(null, { status: 204, headers: NOT_STORED });
}

export function sentAnswer({ seqId, duplicate }: Pick<Sent, 'seqId' | 'duplicate'>): SentAnswer {
  return { seqId: String(seqId), duplicate };
}

/** Answers that an entry is stored. `status`: if this call has stored it. */
export function sent(stored: Pick<Sent, 'seqId' | 'duplicate'>, status: number): Response {
  return json(sentAnswer(stored), { status: stored.duplicate ? 200 : status });
}
