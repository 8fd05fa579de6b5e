import { beforeEach, describe, expect, it } from 'vitest';
import type { BatchAnswer, BatchOutcome } from '../../http/index.js';
import { TimelineError } from '../../src/index.js';
import { membersOnly } from '../../sync/index.js';
import { numbered } from '../sync/support/people.js';
import { type Chat, join, openChat } from './support/chat.js';
import { Caller } from './support/client.js';
import { onNode } from './support/servers.js';

const BATCH = '/conversations/team/batch';
/** Each body is its key too. */
const keyed = (bodies: readonly string[]) => bodies.map((body) => ({ body, key: body }));

/** An outcome in a word. */
const inShort = (outcome: BatchOutcome): string =>
  'problem' in outcome ? outcome.problem.code : outcome.duplicate ? 'again' : 'stored';

let chat: Chat;
let ann: Caller;
/** Called before each message is stored. */
let onSend: (n: number) => void;

async function send(messages: unknown): Promise<string[]> {
  const { status, json } = await ann.call<BatchAnswer>('POST', BATCH, { messages });
  expect(status).toBe(200);
  return json.outcomes.map(inShort);
}

async function stored(): Promise<unknown[]> {
  return (await chat.sync.messages('team', { limit: 200 })).messages.map(({ body }) => body);
}

const times = (count: number, word: string): string[] => Array(count).fill(word);

describe('a batch', () => {
  beforeEach(async () => {
    onSend = () => {};
    let asked = 0;
    const members = membersOnly();
    const authorize = async (action: Parameters<typeof members>[0]) => {
      if (action.kind === 'send') onSend(++asked);
      return members(action);
    };
    chat = await openChat({ sync: { authorize } });
    await join(chat, 'team', 'ann', 'bob');
    ann = new Caller(await onNode(chat.gateway), 'ann');
  });

  it('is stored in its order, and once', async () => {
    chat = await openChat({ limits: { sendsPerSecond: 1000 } });
    await join(chat, 'team', 'ann');
    ann = new Caller(await onNode(chat.gateway), 'ann');
    const bodies = numbered(100);
    const { json } = await ann.call<BatchAnswer>('POST', BATCH, { messages: keyed(bodies) });
    expect(json.outcomes.map(inShort)).toEqual(times(100, 'stored'));
    const seqIds = json.outcomes.map((outcome) => BigInt('seqId' in outcome ? outcome.seqId : 0));
    expect(seqIds).toEqual([...seqIds].sort((a, b) => Number(a - b)));
    expect(await stored()).toEqual(bodies);
    // A client whose answer was lost sends the same again, and what it has got since.
    const again = await ann.call<BatchAnswer>('POST', BATCH, { messages: keyed(bodies) });
    expect(again.json.outcomes.map(inShort)).toEqual(times(100, 'again'));
    expect(again.json.outcomes.map((outcome) => 'seqId' in outcome && BigInt(outcome.seqId))).toEqual(seqIds);
    expect(await stored()).toEqual(bodies);
  });

  it('has all that a single message may have', async () => {
    await ann.call('POST', BATCH, { messages: keyed(['one']) });
    const [{ seqId = 0n } = {}] = (await chat.sync.messages('team')).messages;
    const relation = { relatesTo: String(seqId), countable: false, mentions: ['bob'] };
    expect(await send([{ body: null, key: 'two', ...relation }, ...keyed(['three'])])).toEqual(['stored', 'stored']);
    const [one, three] = (await chat.sync.messages('team')).messages;
    expect(one?.related).toMatchObject([{ body: null, mentions: ['bob'], countable: false }]);
    expect(three?.body).toBe('three');
  });

  it('is stored but for what is refused', async () => {
    await ann.say('team', 'other', 'b');
    const messages = [
      ...keyed(['a', 'b', 'c']),
      { body: 'no key' },
      { body: 'x'.repeat(70_000), key: 'long' },
      { key: 'no body' },
      { body: 'x', key: 'relation', relatesTo: '99' },
      { body: 'x', key: 'k', sender: 'bob' },
      null,
      ...keyed(['d']),
    ];
    const invalid = 'TIMELINE_INVALID_ARGUMENT';
    expect(await send(messages)).toEqual([
      ...['stored', 'TIMELINE_KEY_CONFLICT', 'stored', invalid, 'TIMELINE_TOO_LARGE', invalid],
      ...['TIMELINE_NOT_FOUND', invalid, invalid, 'stored'],
    ]);
    expect(await stored()).toEqual(['other', 'a', 'c', 'd']);
    expect(chat.errors).toEqual([]);
  });

  it('ends at a failure that may pass: nothing overtakes the message that failed', async () => {
    onSend = (n) => {
      if (n === 4 || n === 7) throw new TimelineError('TIMELINE_UNAVAILABLE', 'away', { retryable: true });
    };
    const bodies = numbered(10);
    expect(await send(keyed(bodies))).toEqual(['stored', 'stored', 'stored', 'TIMELINE_UNAVAILABLE']);
    expect(await stored()).toEqual(bodies.slice(0, 3));
    expect(chat.errors).toMatchObject([{ code: 'TIMELINE_UNAVAILABLE' }]);
    onSend = () => {};
    expect(await send(keyed(bodies))).toEqual([...times(3, 'again'), ...times(7, 'stored')]);
    expect(await stored()).toEqual(bodies);
  });

  it('counts as many sends as it has messages: those beyond the limit are left', async () => {
    const bodies = numbered(100);
    for (const [sendsPerSecond, atOnce] of [
      [5, 5],
      [0.05, 1],
    ] as const) {
      chat = await openChat({ limits: { sendsPerSecond } });
      await join(chat, 'team', 'ann');
      ann = new Caller(await onNode(chat.gateway), 'ann');
      const outcomes = await send(keyed(bodies));
      expect(outcomes.length).toBeGreaterThanOrEqual(atOnce);
      expect(outcomes.length).toBeLessThan(100);
      expect(await stored()).toEqual(bodies.slice(0, outcomes.length));
    }
    expect(await ann.call('POST', BATCH, { messages: keyed(bodies) })).toMatchObject({ status: 429 });
  });

  it.each([
    [{ messages: [] }, 400, 'body.messages'],
    [{ messages: 'x' }, 400, 'body.messages'],
    [{ messages: keyed(numbered(101)) }, 400, 'body.messages'],
    [{ messages: keyed(['x']), key: 'k' }, 400, 'body.key'],
    [{ messages: keyed(['x'.repeat(2 ** 20)]) }, 413, 'body'],
    [{}, 400, 'body.messages'],
  ])('is refused whole if it is none: %#', async (body, status, argument) => {
    expect(await ann.call('POST', BATCH, body)).toMatchObject({ status, json: { argument } });
    expect(await stored()).toEqual([]);
  });

  it('is refused whole to others than members', async () => {
    const refused = new Caller(ann.url, 'eve').call('POST', BATCH, { messages: keyed(['x']) });
    expect((await refused).status).toBe(403);
    expect((await new Caller(ann.url).call('POST', BATCH, { messages: keyed(['x']) })).status).toBe(401);
    expect(await stored()).toEqual([]);
  });
});
