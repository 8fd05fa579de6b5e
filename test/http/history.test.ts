import { beforeEach, describe, expect, it } from 'vitest';
import type { HistoryPage } from '../../http/index.js';
import { numbered } from '../sync/support/people.js';
import { type Chat, join, openChat } from './support/chat.js';
import { type Answer, Caller } from './support/client.js';
import { onNode } from './support/servers.js';

let chat: Chat;
let ann: Caller;
let bob: Caller;
const seqIds: string[] = [];

beforeEach(async () => {
  chat = await openChat({ limits: { sendsPerSecond: 1000 } });
  await join(chat, 'team', 'ann', 'bob');
  const url = await onNode(chat.gateway);
  [ann, bob] = [new Caller(url, 'ann'), new Caller(url, 'bob')];
  seqIds.length = 0;
  for (const body of numbered(10)) seqIds.push(await ann.say('team', body));
});

type Page = HistoryPage<string>;

const page = (query: Record<string, string>, etag?: string): Promise<Answer<Page>> =>
  bob.call<Page>(
    'GET',
    `/conversations/team/messages?${new URLSearchParams(query)}`,
    undefined,
    etag === undefined ? {} : { 'if-none-match': etag },
  );
const bodies = ({ json }: Answer<Page>) => json.messages.map(({ body }) => body);
const lifetime = ({ headers }: Answer<Page>) => headers.get('cache-control');

describe('history', () => {
  it('is read backward and forward, by cursors and SeqIds', async () => {
    const newest = await page({ limit: '4' });
    expect(bodies(newest)).toEqual(['m6', 'm7', 'm8', 'm9']);
    expect(newest.json.upToDate).toBe(true);
    const older = await page({ limit: '4', before: newest.json.before! });
    expect(bodies(older)).toEqual(['m2', 'm3', 'm4', 'm5']);
    expect(bodies(await page({ limit: '2', after: older.json.after }))).toEqual(['m6', 'm7']);
    expect(bodies(await page({ limit: '2', after: seqIds[3]! }))).toEqual(['m4', 'm5']);
  });

  it('is not sent again to who has it, until something in it changes', async () => {
    const query = { limit: '4', before: seqIds[6]! };
    const first = await page(query);
    const etag = first.headers.get('etag')!;
    expect(etag).toMatch(/^"[\w-]+"$/);
    for (const known of [etag, `W/${etag}`, `"other", ${etag}`]) {
      const again = await page(query, known);
      expect(again).toMatchObject({ status: 304, json: undefined });
      expect(again.headers.get('etag')).toBe(etag);
    }
    await ann.say('team', 'later');
    expect((await page(query, etag)).status).toBe(304);
    await ann.call('PATCH', `/conversations/team/messages/${seqIds[3]}`, { body: 'edited' });
    const edited = await page(query, etag);
    expect(edited.status).toBe(200);
    expect(bodies(edited)).toEqual(['m2', 'edited', 'm4', 'm5']);
    const next = edited.headers.get('etag')!;
    await bob.call('POST', '/conversations/team/messages', { body: '+1', relatesTo: seqIds[4], countable: false });
    const related = await page(query, next);
    expect(related.status).toBe(200);
    await ann.call('DELETE', `/conversations/team/messages/${seqIds[5]}`);
    expect((await page(query, related.headers.get('etag')!)).status).toBe(200);
  });

  it('has to be asked for again, and may be kept by the user alone', async () => {
    for (const query of [{}, { before: seqIds[6]! }, { limit: '4', before: seqIds[6]! }]) {
      const answer = await page(query as Record<string, string>);
      expect(lifetime(answer)).toBe('private, no-cache');
      expect(answer.headers.get('vary')).toMatch(/Authorization, Cookie/);
    }
  });

  it('is immutable where a full page between fixed ends names the last entry that the client knows', async () => {
    const asOf = seqIds[9]!;
    const full = await page({ limit: '4', before: seqIds[6]!, asOf });
    expect(lifetime(full)).toBe('private, max-age=86400, immutable');
    expect(lifetime(await page({ limit: '4', after: seqIds[1]!, asOf }))).toBe('private, max-age=86400, immutable');
    // It may grow, or has no fixed end.
    expect(lifetime(await page({ limit: '20', before: seqIds[6]!, asOf }))).toBe('private, no-cache');
    expect(lifetime(await page({ limit: '20', after: seqIds[6]!, asOf }))).toBe('private, no-cache');
    expect(lifetime(await page({ limit: '4', asOf }))).toBe('private, no-cache');
  });

  it('has another address after each edit, recall and reaction, for who knows of it', async () => {
    const known = async () => (await bob.get<{ lastSeqId: string }>('/conversations/team')).json.lastSeqId;
    const before = await known();
    await ann.call('PATCH', `/conversations/team/messages/${seqIds[3]}`, { body: 'edited' });
    const edited = await known();
    expect(BigInt(edited)).toBeGreaterThan(BigInt(before));
    expect(bodies(await page({ limit: '4', before: seqIds[6]!, asOf: edited }))).toEqual(['m2', 'edited', 'm4', 'm5']);
    await ann.call('DELETE', `/conversations/team/messages/${seqIds[3]}`);
    expect(BigInt(await known())).toBeGreaterThan(BigInt(edited));
  });
});
