import { expect, it } from 'vitest';
import { emulate, open } from './support.js';

const DAY = 24 * 3_600_000;

it('a process sees the entries that a longer TTL, set by another, shows again', { timeout: 60_000 }, async () => {
  let at = Date.UTC(2026, 0, 1);
  const now = () => at;
  const emulator = await emulate({ now });
  // Only the library's own clock counts, so that it may jump.
  const options = { now, ttlMs: DAY, clockToleranceMs: Number.POSITIVE_INFINITY };
  const reader = (await open(emulator, { sequence: 'cas' }, options)).timeline('inbox');
  const { seqId: first } = await reader.append('first');
  at += DAY / 2;
  await reader.append('second');
  at += DAY / 2 + 1;
  expect((await reader.head()).firstSeqId).toBe(first + 1n);
  await open(emulator, { sequence: 'cas' }, { ...options, ttlMs: 3 * DAY, alter: true });
  await expect.poll(async () => (await reader.head()).firstSeqId, { timeout: 30_000, interval: 200 }).toBe(first);
  expect((await reader.read({ after: 0n })).truncated).toBeUndefined();
});
