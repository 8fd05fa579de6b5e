const { openTimelineStore } = require('timeline-model');
const { redisAdapter } = require('timeline-model/redis');
const { sqliteAdapter } = require('timeline-model/sqlite');
const { tablestoreAdapter } = require('timeline-model/tablestore');
const { checkNoDriver } = require('./check-no-driver.cjs');

checkNoDriver(openTimelineStore, sqliteAdapter, redisAdapter, tablestoreAdapter).then(() => console.log('done'));
