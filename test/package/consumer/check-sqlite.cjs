// Appends to a real file, and the worker that checkpoints its WAL runs from the installed package.
const assert = require('node:assert/strict');
const fs = require('node:fs');

/**
 * @param {typeof import('timeline-model').openTimelineStore} openTimelineStore
 * @param {typeof import('timeline-model/sqlite').sqliteAdapter} sqliteAdapter
 * @param {string} file
 */
exports.checkSqlite = async (openTimelineStore, sqliteAdapter, file) => {
  const megabyte = 1_000_000;
  /** @type {string[]} */
  const warnings = [];
  let workersOnline = 0;
  process.on('worker', (worker) => {
    worker.on('online', () => {
      workersOnline += 1;
    });
  });
  const store = await openTimelineStore({
    adapter: sqliteAdapter(file, { walSoftBytes: megabyte }),
    name: 'notes',
    onWarning: ({ code }) => warnings.push(code),
  });

  for (let i = 0; i < 40; i += 1) await store.timeline('a').append('x'.repeat(megabyte), { key: `${i}` });
  assert.equal((await store.timeline('a').head()).lastSeqId, 40n);
  assert.ok(fs.statSync(`${file}-wal`).size < 10 * megabyte, 'the WAL was checkpointed on the way');
  await store.close();
  assert.deepEqual(warnings, []);
  assert.equal(workersOnline, 1);
};
