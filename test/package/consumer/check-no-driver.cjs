// Without better-sqlite3 everything loads, and only opening a file says what is missing.
const assert = require('node:assert/strict');

/**
 * @param {typeof import('timeline-model').openTimelineStore} openTimelineStore
 * @param {typeof import('timeline-model/sqlite').sqliteAdapter} sqliteAdapter
 */
exports.checkNoDriver = async (openTimelineStore, sqliteAdapter) => {
  await assert.rejects(openTimelineStore({ adapter: sqliteAdapter('none.db'), name: 'notes' }), {
    name: 'TimelineError',
    code: 'TIMELINE_MISSING_DRIVER',
    message: /npm install better-sqlite3/,
  });
};
