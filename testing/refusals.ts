import assert from 'node:assert/strict';
import type { TimelineErrorCode } from '../src/errors.js';
import type { Timeline, TimelineStore } from '../src/types.js';
import { rejects } from './assertions.js';
import type { Fixture } from './fixture.js';

/** Passes a value of the wrong type, as an untyped caller may. */
export const wrong = (value: unknown) => value as never;

export type Attempt = readonly [label: string, run: () => unknown, ...codes: TimelineErrorCode[]];

/** Checks that each attempt is refused with its code and does not reach the adapter. */
export async function refuseAll(
  fixture: Fixture,
  attempts: (store: TimelineStore<string>, timeline: Timeline<string>) => readonly Attempt[],
): Promise<void> {
  const { store, calls } = await fixture.openCounted();
  for (const [label, run, ...codes] of attempts(store, store.timeline('timeline'))) {
    try {
      await rejects(
        Promise.resolve().then(run),
        ...(codes.length > 0 ? codes : (['TIMELINE_INVALID_ARGUMENT'] as const)),
      );
    } catch (error) {
      throw new Error(`${label}: ${error instanceof Error ? error.message : error}`, { cause: error });
    }
  }
  assert.deepEqual([...calls], [], 'what was refused reached the adapter');
}
