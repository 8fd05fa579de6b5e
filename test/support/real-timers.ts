import { afterAll, expect } from 'vitest';

/** Workers go on with the next file: fake timers that a file leaves behind would stop it for ever. */
const shared = globalThis as { realSetTimeout?: typeof setTimeout };
shared.realSetTimeout ??= globalThis.setTimeout;
const { realSetTimeout } = shared;

afterAll(() => {
  const left = globalThis.setTimeout;
  globalThis.setTimeout = realSetTimeout;
  expect(left, 'the timers after this file').toBe(realSetTimeout);
});
