import { expect } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import {
  type Codec,
  type Cursor,
  type OnUndecodable,
  openTimelineStore,
  type TimelineEntry,
  type TimelineStore,
} from '../../src/index.js';

const cause = new Error('the key is gone');
const picky: Codec<string> = {
  encode: (message) => message,
  decode(body) {
    if (String(body).startsWith('bad')) throw cause;
    return String(body);
  },
};

/** A Timeline `t` of these messages, of which those that begin with `bad` do not decode. */
export async function open(
  messages: readonly string[],
  onUndecodable?: OnUndecodable<string>,
): Promise<TimelineStore<string>> {
  const store = await openTimelineStore({
    adapter: memoryAdapter(),
    name: 'x',
    codec: picky,
    onUndecodable,
    pollMs: 10,
  });
  for (const message of messages) await store.timeline('t').append(message, { key: `key of ${message}` });
  return store;
}

export const textsOf = (entries: readonly TimelineEntry<string>[]) => entries.map(({ message }) => message);
export const decodeError = (seqId: bigint) => ({
  code: 'TIMELINE_DECODE',
  actual: seqId,
  timeline: 't',
  cause,
  outcome: 'not-applied',
});

export async function rejection(promise: Promise<unknown>): Promise<{ cursor: Cursor }> {
  return (await promise.then(
    () => expect.fail('it should have been rejected'),
    (error: unknown) => error,
  )) as { cursor: Cursor };
}

export async function collect(entries: AsyncIterable<TimelineEntry<string>>): Promise<[string[], unknown]> {
  const texts: string[] = [];
  try {
    for await (const { message } of entries) texts.push(message);
    return [texts, undefined];
  } catch (error) {
    return [texts, error];
  }
}
