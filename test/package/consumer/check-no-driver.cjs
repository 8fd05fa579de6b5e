// Without any driver everything loads, and only what needs one says what is missing.
const assert = require('node:assert/strict');

/**
 * @param {typeof import('timeline-model').openTimelineStore} openTimelineStore
 * @param {typeof import('timeline-model/sqlite').sqliteAdapter} sqliteAdapter
 * @param {typeof import('timeline-model/redis').redisAdapter} redisAdapter
 * @param {typeof import('timeline-model/tablestore').tablestoreAdapter} tablestoreAdapter
 */
exports.checkNoDriver = async (openTimelineStore, sqliteAdapter, redisAdapter, tablestoreAdapter) => {
  await assert.rejects(openTimelineStore({ adapter: sqliteAdapter('none.db'), name: 'notes' }), {
    name: 'TimelineError',
    code: 'TIMELINE_MISSING_DRIVER',
    message: /npm install better-sqlite3/,
  });
  // @ts-expect-error: not a client
  assert.throws(() => redisAdapter(undefined), { name: 'TimelineError', message: /ioredis/ });
  const client = Object.fromEntries(
    ['createTable', 'describeTable', 'getRow', 'getRange', 'batchGetRow', 'batchWriteRow'].map((name) => [
      name,
      () => undefined,
    ]),
  );
  // @ts-expect-error: what a client is made of, unnamed
  await assert.rejects(openTimelineStore({ adapter: tablestoreAdapter(client), name: 'notes' }), {
    name: 'TimelineError',
    code: 'TIMELINE_MISSING_DRIVER',
    message: /npm install tablestore/,
  });
};
