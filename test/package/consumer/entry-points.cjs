// Every entry point by require, and the errors of each are of the one class.
const assert = require('node:assert/strict');
const { openTimelineStore, TimelineError } = require('timeline-model');
const { ChatError, connectChat } = require('timeline-model/client');
const { createGateway } = require('timeline-model/http');
const { memoryAdapter } = require('timeline-model/memory');
const { redisAdapter } = require('timeline-model/redis');
const { sqliteAdapter } = require('timeline-model/sqlite');
const { createSync } = require('timeline-model/sync');
const { tablestoreAdapter } = require('timeline-model/tablestore');
const { startTablestoreEmulator } = require('timeline-model/tablestore-emulator');
const { describeAdapter, unknownOutcome } = require('timeline-model/testing');

async function main() {
  assert.equal(require('timeline-model/package.json').name, 'timeline-model');
  assert.equal(typeof sqliteAdapter, 'function');
  assert.equal(typeof describeAdapter, 'function');
  assert.equal(unknownOutcome().constructor, TimelineError);
  assert.throws(() => connectChat(''), { constructor: ChatError, code: 'TIMELINE_INVALID_ARGUMENT' });
  // @ts-expect-error: not a client
  assert.throws(() => redisAdapter({}), { constructor: TimelineError, code: 'TIMELINE_INVALID_ARGUMENT' });
  // @ts-expect-error: not a client
  assert.throws(() => tablestoreAdapter({}), { constructor: TimelineError, code: 'TIMELINE_INVALID_ARGUMENT' });
  // @ts-expect-error: no options
  assert.throws(() => createSync(), { constructor: TimelineError, code: 'TIMELINE_INVALID_ARGUMENT' });
  // @ts-expect-error: no options
  assert.throws(() => createGateway(), { constructor: TimelineError, code: 'TIMELINE_INVALID_ARGUMENT' });

  const store = await openTimelineStore({ adapter: memoryAdapter(), name: 'notes' });
  await store.timeline('a').append('one');
  const conflict = await store
    .timeline('a')
    .append('two', { expectedLast: 0n })
    .catch((error) => error);
  assert.equal(conflict.constructor, TimelineError);
  await store.close();

  const emulator = await startTablestoreEmulator();
  assert.equal((await fetch(`${emulator.endpoint}/ListTable`, { method: 'POST' })).status, 400);
  await emulator.close();
}

main().then(() => console.log('done'));
