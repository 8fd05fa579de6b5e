// Every entry point by import, and the errors of each are of the one class.
import assert from 'node:assert/strict';
import { createRequire } from 'node:module';
import { isTimelineError, openTimelineStore, TimelineError } from 'timeline-model';
import { ChatError, connectChat } from 'timeline-model/client';
import { createGateway, toNodeHandler } from 'timeline-model/http';
import { memoryAdapter } from 'timeline-model/memory';
import manifest from 'timeline-model/package.json' with { type: 'json' };
import { redisAdapter } from 'timeline-model/redis';
import { sqliteAdapter } from 'timeline-model/sqlite';
import { createSync, timelineDirectory, writeDiffusion } from 'timeline-model/sync';
import { tablestoreAdapter } from 'timeline-model/tablestore';
import { startTablestoreEmulator } from 'timeline-model/tablestore-emulator';
import { describeAdapter, unknownOutcome } from 'timeline-model/testing';

assert.equal(manifest.name, 'timeline-model');
assert.equal(typeof sqliteAdapter, 'function');
assert.equal(typeof describeAdapter, 'function');
assert.equal(unknownOutcome().constructor, TimelineError);
// @ts-expect-error: not a client
assert.throws(() => redisAdapter({}), { constructor: TimelineError, code: 'TIMELINE_INVALID_ARGUMENT' });
// @ts-expect-error: not a client
assert.throws(() => tablestoreAdapter({}), { constructor: TimelineError, code: 'TIMELINE_INVALID_ARGUMENT' });
// @ts-expect-error: no options
assert.throws(() => createSync(), { constructor: TimelineError, code: 'TIMELINE_INVALID_ARGUMENT' });
// @ts-expect-error: no options
assert.throws(() => createGateway(), { constructor: TimelineError, code: 'TIMELINE_INVALID_ARGUMENT' });
assert.throws(() => connectChat(''), { constructor: ChatError, code: 'TIMELINE_INVALID_ARGUMENT' });
assert.equal(typeof toNodeHandler, 'function');
assert.equal(typeof timelineDirectory, 'function');
assert.deepEqual(writeDiffusion().modes, ['write']);

const store = await openTimelineStore({ adapter: memoryAdapter(), name: 'notes' });
await store.timeline('a').append('one');
assert.deepEqual(
  (await store.timeline('a').read()).entries.map((entry) => entry.message),
  ['one'],
);
const conflict = await store
  .timeline('a')
  .append('two', { expectedLast: 0n })
  .catch((error) => error);
assert.equal(conflict.constructor, TimelineError);
assert.equal(conflict.code, 'TIMELINE_CONFLICT');
await store.close();

const emulator = await startTablestoreEmulator();
assert.equal((await fetch(`${emulator.endpoint}/ListTable`, { method: 'POST' })).status, 400);
await emulator.close();

const other = createRequire(import.meta.url)('timeline-model');
assert.notEqual(other.TimelineError, TimelineError);
assert.ok(conflict instanceof other.TimelineError && other.isTimelineError(conflict));
const foreign = new other.TimelineError('TIMELINE_BUSY', 'busy');
assert.ok(foreign instanceof TimelineError && isTimelineError(foreign));
assert.ok(!(new Error('no') instanceof TimelineError));
console.log('done');
