const { openTimelineStore } = require('timeline-model');
const { redisAdapter } = require('timeline-model/redis');
const { sqliteAdapter } = require('timeline-model/sqlite');
const { checkNoDriver } = require('./check-no-driver.cjs');

checkNoDriver(openTimelineStore, sqliteAdapter, redisAdapter).then(() => console.log('done'));
