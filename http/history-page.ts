import { checkSeqId } from '../src/toolkit/index.js';
import { text } from './answers.js';
import { countParameter, textParameter } from './requests.js';
import type { Call } from './routes/route.js';

const USUAL_LIMIT = 50;
const DAY_SECONDS = 86_400;
/** Bytes of the digest that an ETag holds. */
const TAG_BYTES = 18;
const VARY = 'Authorization, Cookie';

/**
 * Answers with a page of a conversation. Edits and recalls change old pages, so a cache has to ask each time, and gets
 * 304 if nothing changed. With `asOf` it need not ask: each edit, recall and message has a SeqId, so a client that
 * names the last one that it knows gets, or has, a page with all up to there. The page must be full, between fixed
 * ends.
 */
export async function historyPage<M>(call: Call<M>): Promise<Response> {
  const { sync, permissions, options, request, url, user, params } = call;
  const { id: conversation = '' } = params;
  const [before, after, asOf] = ['before', 'after', 'asOf'].map((name) => textParameter(url, name));
  const limit = countParameter(url, 'limit', { usual: USUAL_LIMIT, most: options.limits.page });
  if (asOf !== undefined) checkSeqId(asOf, 'asOf', 0n);
  await permissions.check({ kind: 'read', user, conversation });
  const page = await sync.messages(conversation, { user, before, after, limit, signal: request.signal });
  const body = JSON.stringify(page);
  const tag = await tagOf(body);
  const isFixed = (before !== undefined || after !== undefined) && page.messages.length === limit;
  const lifetime = asOf !== undefined && isFixed ? `max-age=${DAY_SECONDS}, immutable` : 'no-cache';
  const headers = { etag: tag, 'cache-control': `private, ${lifetime}`, vary: VARY };
  if (!isKnown(request, tag)) return text(body, { headers });
  return new Response(null, { status: 304, headers });
}

async function tagOf(body: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(body));
  return `"${Buffer.from(digest).subarray(0, TAG_BYTES).toString('base64url')}"`;
}

/** Proxies that compress an answer weaken its tag. */
function isKnown({ headers }: Request, tag: string): boolean {
  const known = headers.get('if-none-match')?.split(',') ?? [];
  return known.some((each) => each.trim().replace(/^W\//, '') === tag);
}
