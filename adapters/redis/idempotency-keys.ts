/**
 * Idempotency keys of a Timeline, in a hash that Redis drops some time after the last of them:
 * `idempotency-keys.lua` reads and writes it.
 */
import { hash } from 'node:crypto';
import { PERIOD_WIDTH } from './timeline-state.js';

/**
 * Milliseconds that the keys of an idle Timeline outlive their window: Redis drops them by its own clock, and accepted
 * time may be behind that.
 */
const SLACK_MS = 60_000;
/** In each of so many parts of the window, the life of a Timeline's keys is extended once. */
const PERIODS = 128;
const FOR_EVER = '='.repeat(PERIOD_WIDTH);

/** Longer keys are named by 128 bits of a digest. */
const MAX_FIELD_BYTES = 32;
const DIGEST_CHARACTERS = 22;

/** See `AppendRequest`. */
export interface KeyTimes {
  readonly keyTime: string;
  readonly forgotten: number;
  readonly keysPeriod: string;
  readonly keysLiveMs: number | undefined;
}

/** `windowMs`: how long keys are known; `null` for ever. */
export function keyTimes(now: number, windowMs: number | null): KeyTimes {
  const keyTime = now.toString(36);
  if (windowMs === null) return { keyTime, forgotten: -1, keysPeriod: FOR_EVER, keysLiveMs: undefined };
  const periodMs = Math.max(1, Math.floor(windowMs / PERIODS));
  const period = Math.floor(now / periodMs).toString(36);
  return {
    keyTime,
    forgotten: now - windowMs,
    keysPeriod: period.slice(-PERIOD_WIDTH).padStart(PERIOD_WIDTH, '0'),
    keysLiveMs: windowMs + Math.min(windowMs, SLACK_MS) + periodMs,
  };
}

/** The name of a key in the hash: never that of another key. */
export function fieldOf(key: string): string {
  const isShort = key.length <= MAX_FIELD_BYTES / 3 || Buffer.byteLength(key) <= MAX_FIELD_BYTES;
  return isShort && !key.startsWith('#') ? key : `#${hash('sha256', key, 'base64url').slice(0, DIGEST_CHARACTERS)}`;
}
