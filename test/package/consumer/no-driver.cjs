const { openTimelineStore } = require('timeline-model');
const { sqliteAdapter } = require('timeline-model/sqlite');
const { checkNoDriver } = require('./check-no-driver.cjs');

checkNoDriver(openTimelineStore, sqliteAdapter).then(() => console.log('done'));
