const { checkSqlite } = require('./check-sqlite.cjs');
const { openTimelineStore } = require('timeline-model');
const { sqliteAdapter } = require('timeline-model/sqlite');

checkSqlite(openTimelineStore, sqliteAdapter, 'cjs.db').then(() => console.log('done'));
