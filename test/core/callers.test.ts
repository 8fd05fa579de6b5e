import { expect, it } from 'vitest';
import { memoryAdapter } from '../../adapters/memory/index.js';
import { type BatchOutcome, openTimelineStore, type TimelineError } from '../../src/index.js';

const store = await openTimelineStore<string>({ adapter: memoryAdapter(), name: 'callers' });
const chat = store.timeline('chat');
await chat.append('first', { key: 'k' });

async function theCaller(call: () => Promise<unknown>): Promise<TimelineError> {
  try {
    await call();
  } catch (error) {
    return error as TimelineError;
  }
  throw new Error('was not refused');
}

it.each([
  ['append to "chat"', 'TIMELINE_CONFLICT', () => chat.append('x', { expectedLast: 9n })],
  ['append to "chat"', 'TIMELINE_KEY_CONFLICT', () => chat.append('other', { key: 'k' })],
  ['append to "chat"', 'TIMELINE_CONFLICT', () => chat.appendMany(['x'], { expectedLast: 9n })],
  ['update of "chat"', 'TIMELINE_NOT_FOUND', () => chat.update(77n, 'x')],
  ['update of "chat"', 'TIMELINE_CONFLICT', () => chat.update(1n, 'x', { ifRevision: 4 })],
] as const)('an error names %s (%s), and its stack the caller', async (operation, code, call) => {
  const error = await theCaller(call);
  expect(error).toMatchObject({ code, timeline: 'chat' });
  expect(error.message.startsWith(`${operation}: `)).toBe(true);
  expect(error.stack).toContain('theCaller');
});

it('names the Timeline of each failed item of a batch, and the caller', async () => {
  let outcome: BatchOutcome | undefined;
  async function theBatch(): Promise<void> {
    [outcome] = await store.appendBatch([{ timeline: 'chat', message: 'other', key: 'k' }]);
  }
  await theBatch();
  expect(outcome).toMatchObject({ ok: false, error: { timeline: 'chat' } });
  expect(!outcome?.ok && outcome?.error.message).toMatch(/^append to "chat": /);
  expect(!outcome?.ok && outcome?.error.stack).toContain('theBatch');
});
