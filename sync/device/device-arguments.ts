import type { Cursor } from '../../src/index.js';
import { checkCount, describeValue, invalidArgument } from '../../src/toolkit/index.js';
import type { DeviceIdentity } from './kept-position.js';

const MAX_LAST_MESSAGES = 1000;

export function checkAfter(after: Cursor | null | undefined): Cursor | undefined {
  if (after === undefined || after === null) return undefined;
  if (typeof after !== 'string') throw invalidArgument('after', `must be a cursor or '', not ${describeValue(after)}`);
  return after;
}

export function checkStart(start: DeviceIdentity['start']): DeviceIdentity['start'] {
  if (start === 'oldest' || start === 'now') return start;
  if (typeof start !== 'object' || start === null) {
    throw invalidArgument('start', `must be 'oldest', 'now' or { last }, not ${describeValue(start)}`);
  }
  checkCount(start.last, 'start.last', { least: 0, most: MAX_LAST_MESSAGES });
  return start;
}
